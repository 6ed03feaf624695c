"""What a member gets beside a month's run is explained: held money released, a debit given up."""

from datetime import date

from federation.distribution.adjustments import Adjustment, adjust_members, take_in
from federation.distribution.store import add_balances
from federation.ledger.store import post
from federation.months.tables import HeldItem
from federation.payments.names import release_id
from federation.proof.paid import why_payment
from federation.releases.store import add_releases
from federation.suspense.messages import ReleasedPayment
from federation.suspense.release import (
    Direct,
    Held,
    Released,
    hub_entry,
    licensor_entry,
    node_entry,
)
from federation.values.party import HUB
from tests.payments.factories import NOW, a_payment
from tests.releases.claims import a_claim

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


def released_by_a_licensor():
    """Return the entry at GB by which DE released 10.01 GBP, and that of GB's own licence."""
    paid = ReleasedPayment(
        payment_id="ADJ-2026-08-HC-GB-000001-DE-EUR",
        run_id="ab" * 32,
        period="2026-08",
        amount="1001",
        currency="GBP",
    )
    of_another, _ = node_entry(
        node="GB",
        claim="HC-GB-000001",
        member="ada",
        payer="DE",
        paid=paid,
        admin_fee_bps=0,
        on=ON,
    )
    held = Held(
        item=1,
        licence="GB-000001",
        period="2026-08",
        run_id="ab" * 32,
        reason="UNMATCHED",
        amount=700,
        currency="GBP",
    )
    its_own = licensor_entry(
        Direct(period="2026-08", currency="GBP", items=(held,), paid=700),
        licensor="GB",
        node="GB",
        claim="HC-GB-000001",
        url_key="a.example/x",
        member="ada",
        currency="GBP",
        on=ON,
    )
    return [(of_another, "received", 1_001), (its_own, "domestic", 700)]


async def test_who_released_held_money_is_named(database):
    async with database.write("month") as session:
        for entry, source, amount in released_by_a_licensor():
            await post(session, [entry])
            row = an_adjustment(
                document=entry.document, licence="DE-000001", source=source, amount=amount
            )
            await adjust_members(session, [row], ON)
        await session.flush()
        adjusted = (await take_in(session, "2026-09"))["ada"]
        balance = ("2026-09", "ada", "0", "0", str(adjusted), str(adjusted), "0", None)
        await add_balances(session, [balance])
        owed = {"debt_account": "Liabilities:GB:Members", "debt_currency": "GBP"}
        to_ada = {"kind": "MEMBER", "payer": "GB", "payee": "member:ada", "amount": 1_701}
        await a_payment(session, PAY, debt_amount=1_701, **to_ada, **owed)

    async with database.read() as session:
        step = await why_payment(session, "GB", PAY)

    leaves = {found.label: found.amount for _, found in step.walk() if not found.steps}
    assert leaves == {"Released by DE": 1_001, "Released by GB": 700}


LONG = "ABCDEFGHIJKL"
CLAIM = f"HC-{LONG}-000001"


async def test_a_release_to_a_long_code_is_explained_under_its_short_id_and_its_older_one(database):
    held = Held(
        item=1,
        licence="HUB-000001",
        period="2026-08",
        run_id="ab" * 32,
        reason="UNMATCHED",
        amount=500,
        currency="EUR",
    )
    part = Released(
        licence="HUB-000001",
        period="2026-08",
        run_id="ab" * 32,
        currency="EUR",
        items=(held,),
        amount=500,
        cleared=500,
    )
    entry = hub_entry(
        part, claim=CLAIM, node=LONG, url_key="a.example/x", clearing_currency="EUR", on=ON
    )
    ids = (release_id("2026-08", CLAIM), f"ADJ-2026-08-{CLAIM}")
    assert [len(each) for each in ids] == [33, 34]
    async with database.write("release") as session:
        session.add(
            HeldItem(
                id=1,
                run_id="ab" * 32,
                licence="HUB-000001",
                reason="UNMATCHED",
                url_key="a.example/x",
                weight=1,
                amount=500,
                currency="EUR",
                held_since=ON,
            )
        )
        claim = a_claim(LONG, "ann", url_key="a.example/x", state="ACCEPTED")
        assert claim.id == CLAIM
        session.add(claim)
        await session.flush()
        await post(session, [entry])
        add_releases(session, [held], CLAIM, LONG, document=entry.document, now=NOW)
        for payment_id in ids:
            to_node = {"kind": "ADJUSTMENT", "payee": LONG, "amount": 500, "currency": "EUR"}
            owed = {"debt_account": f"Liabilities:HUB:Due:{LONG}", "debt_amount": 500}
            await a_payment(session, payment_id, **to_node, **owed)

    for payment_id in ids:
        async with database.read() as session:
            step = await why_payment(session, "HUB", payment_id)
        assert [(found.label, found.amount) for found in step.steps] == [("HUB-000001", 500)]
