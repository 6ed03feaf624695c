"""What is taken back counts on the day on which it had counted, until others have its money."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from federation.banking import effects, set_offs, settling
from federation.banking.effects import UndoBlockedError
from federation.banking.tables import OverpaymentSetOff
from federation.licensing import store as licensing
from federation.licensing.tables import Receipt
from federation.months.tables import LockedPeriod, Run
from federation.payments.incoming import expect
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited
from tests.banking.bank import Ntry, statement
from tests.banking.counter import APPROVER, NOW, at, set_up, settle, take
from tests.banking.overpaid import LICENCE, OF_GB, OTHER, approve, overpaid, set_off
from tests.databases import refused
from tests.payments.factories import a_payment

NOVEMBER = datetime(2026, 11, 3, 9, tzinfo=UTC)


async def received_by(database, *days, licence=OTHER):
    """Return what came in for a licence up to and including some days."""
    async with database.read() as session:
        return [(await licensing.receipts_until(session, day)).get(licence, 0) for day in days]


async def test_a_set_off_undone_after_the_months_end_is_not_shared_out_by_its_run(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    await approve(database, number)
    assert await received_by(database, date(2026, 10, 31)) == [20_000]
    async with database.write("undo") as session:
        await set_offs.propose_undo(replace(at(session), now=NOVEMBER), number, "wrong")
    async with database.write("confirm") as session:
        await set_offs.confirm_undo(replace(at(session, APPROVER), now=NOVEMBER), number)

    assert await received_by(database, date(2026, 10, 31), date(2026, 11, 30)) == [0, 0]


@pytest.mark.parametrize(("settled", "shared"), [(None, 0), ("2026-10", 100_000)])
async def test_a_bank_entry_undone_after_the_months_end_is_shared_out_where_it_was_before(
    database, settled, shared
):
    await set_up(database, "100000")
    await take(database, statement(Ntry("1000.00", reference="B1"), closing="1000.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))
    if settled:
        async with database.write("settled") as session:
            session.add(LockedPeriod(period=settled, run_id="ab" * 32))
    async with database.write("undo") as session:
        await settling.undo(replace(at(session), now=NOVEMBER), 1, "a mistake")

    days = date(2026, 10, 31), date(2026, 11, 30)
    assert await received_by(database, *days, licence=LICENCE) == [shared, 0]


@pytest.mark.parametrize(
    ("here", "period", "is_blocked"),
    [("HUB", "2026-10", False), ("GB", "2026-10", True), ("GB", "2026-09", False)],
)
async def test_a_node_takes_no_receipt_back_that_an_advised_run_shares_out(
    database, here, period, is_blocked
):
    await set_up(database, "20000")
    async with database.write("advised") as session:
        receipt = Receipt(
            id="GB-1",
            licence=LICENCE,
            received_on=date(2026, 10, 17),
            amount=20_000,
            recorded_by="olga",
            recorded_at=NOW,
        )
        session.add(receipt)
        run = {"warnings": "[]", "calculated_by": "HUB", "calculated_at": NOW}
        session.add(Run(run_id="ab" * 32, period=period, state="ADVISED", document=b"{}", **run))
        await session.flush()
        acting = replace(at(session), here=here, now=NOVEMBER)
        row = OverpaymentSetOff(id=1, ref=LICENCE, kind="INVOICE", made="GB-1")
        why = await set_offs._shared_out(acting, row)
        month = await effects.advised_for(acting, receipt.received_on)

    assert month == (period if is_blocked else None)
    said = f"the run of 2026-10, advised, shares out what {LICENCE} received"
    assert why == (said if is_blocked else None)


@pytest.mark.parametrize(
    ("day", "settled", "counts"),
    [
        (date(2026, 10, 16), [], date(2026, 10, 16)),
        (date(2026, 10, 16), ["2026-09"], date(2026, 10, 16)),
        (date(2026, 10, 16), ["2026-09", "2026-10"], date(2026, 11, 3)),
        (date(2026, 8, 16), ["2026-09"], date(2026, 11, 3)),  # the first run shares it out
        (date(2026, 11, 4), [], date(2026, 11, 3)),
    ],
)
async def test_what_came_in_counts_on_its_day_while_no_run_has_shared_it_out(
    database, day, settled, counts
):
    async with database.write("settled") as session:
        for number, period in enumerate(settled):
            session.add(LockedPeriod(period=period, run_id=f"{number}" * 64))
        await session.flush()
        assert await effects.counts_on(replace(at(session), now=NOVEMBER), day) == counts


@pytest.mark.parametrize(
    ("name", "run", "kind", "is_blocked"),
    [
        (OF_GB, "ab" * 32, "REMITTANCE", True),
        (OF_GB, "ab" * 32, "ADJUSTMENT", False),  # held money released: it waits for nobody
        ("ADJ-2026-09-cdcdcdcd-GB", "cd" * 32, "ADJUSTMENT", True),
        ("ADJ-2026-09-cdcdcdcd-GB", "cd" * 32, "REMITTANCE", False),
    ],
)
async def test_at_the_hub_what_waited_for_a_remittance_keeps_it_and_nothing_else(
    database, name, run, kind, is_blocked
):
    async with database.write("a remittance, and another that was paid") as session:
        awaited = Awaited(
            incoming_id=name,
            run=run,
            period="2026-09",
            payer="GB",
            amount=Amount(3_000, "EUR"),
            debt=Leg("Liabilities:HUB:Due:GB", Amount(3_000, "EUR")),
            due_on=NOW.date(),
            is_net=name == OF_GB,
        )
        expect(session, awaited)
        paid = await a_payment(session, "P-1", kind=kind, run=run, payee="FR")
        paid.state = "BOOKED"
        await session.flush()
        row = OverpaymentSetOff(id=1, ref=name, kind="REMITTANCE_IN")
        why = await set_offs._passed_on(at(session), row)

    assert why == (f"P-1 was paid once {name} had come" if is_blocked else None)


async def test_an_entry_whose_money_an_advised_run_shares_out_is_not_undone_at_a_node(database):
    """The licensor is a node: the bank's word is undone once the run is withdrawn, or approved."""
    await set_up(database, "100000")
    await take(database, statement(Ntry("1000.00", reference="B1"), closing="1000.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))
    async with database.write("advised") as session:
        run = {"warnings": "[]", "calculated_by": "HUB", "calculated_at": NOW}
        session.add(Run(run_id="ab" * 32, period="2026-10", state="ADVISED", document=b"{}", **run))

    def undoing(session):
        return settling.undo(replace(at(session), here="GB", now=NOVEMBER), 1, "a mistake")

    found = await refused(database, UndoBlockedError, undoing)
    assert found.detail == f"the run of 2026-10, advised, shares out what {LICENCE} received"
