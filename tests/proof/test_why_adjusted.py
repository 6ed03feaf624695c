"""What a member gets beside a month's run is explained: held money released, a debit given up."""

from datetime import date

from federation.distribution.adjustments import Adjustment, adjust_members, take_in
from federation.distribution.store import add_balances
from federation.ledger.store import post
from federation.proof.paid import why_payment
from federation.suspense.messages import ReleasedPayment
from federation.suspense.release import node_entry
from federation.values.party import HUB
from tests.payments.factories import a_payment

ON = date(2026, 10, 5)
PAY = "PAY-2026-09-GB-000001"


def an_adjustment(**fields):
    values = {
        "document": "release/2026-08/HC-GB-000001",
        "member_id": "ada",
        "reason": "RELEASE",
        "service_period": "2026-08",
        "corrects": "ab" * 32,
        "licence": None,
        "use": None,
        "source": "received",
        "amount": 0,
        "currency": "GBP",
    }
    return Adjustment(**{**values, **fields})


async def test_a_release_and_a_debit_given_up_are_steps_of_a_members_payment(database):
    paid = ReleasedPayment(
        payment_id="ADJ-2026-08-HC-GB-000001",
        run_id="ab" * 32,
        period="2026-08",
        amount="1001",
        currency="GBP",
    )
    async with database.write("month") as session:
        entry, share = node_entry(
            node="GB",
            claim="HC-GB-000001",
            member="ada",
            payer=HUB,
            paid=paid,
            admin_fee_bps=1_500,
            on=ON,
        )
        await post(session, [entry])
        released = [("HUB-000001", 600), ("HUB-000002", share - 600)]
        rows = [
            an_adjustment(document=entry.document, licence=licence, amount=amount)
            for licence, amount in released
        ]
        given_up = an_adjustment(
            document="reserve/2026-09/members",
            reason="RESERVE",
            service_period="2025-08",
            amount=40,
            corrects=None,
        )
        await adjust_members(session, [*rows, given_up], ON)
        await session.flush()
        adjusted = (await take_in(session, "2026-09"))["ada"]
        balance = ("2026-09", "ada", "-40", "0", str(adjusted), str(adjusted - 40), "0", None)
        await add_balances(session, [balance])
        await a_payment(
            session,
            PAY,
            kind="MEMBER",
            payer="GB",
            payee="member:ada",
            amount=adjusted - 40,
            debt_account="Liabilities:GB:Members",
            debt_amount=adjusted - 40,
            debt_currency="GBP",
        )

    async with database.read() as session:
        step = await why_payment(session, "GB", PAY)

    assert [(path, found.label, found.amount) for path, found in step.walk()] == [
        ("0", f"Payment {PAY}", 851),
        ("0.0", "Opening", -40),
        ("0.1", "Held money of 2026-08 released", 851),
        ("0.1.0", "Released by the hub", 1_001),
        ("0.1.1", "Admin fee", -150),
        ("0.2", "Reserve of 2025-08", 40),
    ]
    assert [found.rule.partition(":")[0] for _, found in step.walk()][2:] == [
        "SETTLEMENT §7a",
        "SETTLEMENT §7a",
        "SETTLEMENT §6",
        "SETTLEMENT §7c",
    ]
