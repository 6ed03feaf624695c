"""Whose turn it is with payments that are not final."""

from federation.treasury.worklist import of_payments
from federation.values.work_item import WorkItem
from tests.payments.factories import NOW, a_payment

WHY = "an account is missing, was changed or cannot be used"


async def test_a_members_account_is_the_registrys_and_every_other_the_settlement_offices(database):
    async with database.write("payments") as session:
        for number, (kind, payee) in enumerate(
            [
                ("REFUND", "lab:one"),
                ("ADJUSTMENT", "GB"),
                ("MEMBER", "member:m-1"),
                ("MEMBER", "member:m-2"),
                ("REMITTANCE", "FR"),
            ]
        ):
            await a_payment(session, f"P-{number}", kind=kind, payee=payee, payee_account=None)
        await a_payment(session, "P-5", kind="MEMBER", payee="member:m-3")
        await a_payment(session, "P-6")

    async with database.read() as session:
        found = await of_payments(session, "HUB", NOW)

    assert sorted(found, key=lambda item: item.why) == [
        WorkItem("payments", "2026-09 GBP", f"2 outstanding: {WHY}", "registry_officer"),
        WorkItem(
            "payments",
            "2026-09 GBP",
            "2 proposed: to be approved by another person",
            "settlement_approver",
        ),
        WorkItem("payments", "2026-09 GBP", f"3 outstanding: {WHY}", "settlement_officer"),
    ]
