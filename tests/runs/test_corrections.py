"""Corrections: how far back they reach, and who does not approve what they follow from."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from federation.config import Adjustments
from federation.licensing.tables import Licence, Receipt
from federation.metering.tables import MeteringPeriod, Report
from federation.months.tables import LockedPeriod, Rate, Run
from federation.runs.corrections import (
    AdjustmentWindowError,
    CorrectionStateError,
    approve_correction,
    open_correction,
)
from federation.settlement.run_document import encode
from federation.trust.principals import Principal, SamePersonError
from tests.databases import HUB_TERMS, refused
from tests.licensing.licences import a_licence
from tests.settlement.runs import a_document

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
SETTLED = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]


def a_run(period, *, state="APPROVED", corrects=None, by="maker"):
    return Run(
        run_id=f"{period}-{corrects or 'first'}",
        period=period,
        state=state,
        document=encode(a_document({}, collectives={}, reports={})),
        warnings="[]",
        calculated_by=by,
        calculated_at=NOW,
        corrects=corrects,
    )


@pytest.fixture
async def settled(database):
    """A hub without nodes that has settled five months."""
    async with database.write("setup") as session:
        for period in SETTLED:
            session.add(LockedPeriod(period=period, run_id=f"{period}-first"))
            session.add(MeteringPeriod(period=period, state="REPORTED", cut_off_at=NOW, round=0))
            session.add(a_run(period))
    return database


def opening(period, window):
    return lambda session: open_correction(
        session, period, HUB_TERMS, Adjustments(window_periods=window), NOW
    )


@pytest.mark.parametrize(
    ("window", "reached"),
    [(0, []), (1, SETTLED[-1:]), (3, SETTLED[-3:]), (5, SETTLED), (6, SETTLED)],
)
async def test_the_last_settled_months_of_the_window_are_corrected_and_none_before(
    settled, window, reached
):
    for period in reached:
        async with settled.write(f"round {period}") as session:
            assert await opening(period, window)(session) == 1
        async with settled.read() as session:
            row = await session.get_one(MeteringPeriod, period)
            sent = await session.scalars(select(Report.period).where(Report.period == period))
            assert (row.round, list(sent)) == (1, [period])
    for period in [month for month in SETTLED if month not in reached]:
        refusal = await refused(settled, AdjustmentWindowError, opening(period, window))
        assert refusal.detail == f"{period}: the last {window} settled months can be corrected"


@pytest.mark.parametrize("period", ["2026-05", "2026-11", "2027-01"])
async def test_a_month_that_is_not_settled_is_not_corrected(settled, period):
    await refused(settled, AdjustmentWindowError, opening(period, 60))


async def test_one_correction_is_under_way_at_a_time(settled):
    async with settled.write("another") as session:
        session.add(a_run("2026-10", state="ADVISED", corrects="2026-10-first"))

    await refused(settled, CorrectionStateError, opening("2026-09", 3))


def approving(who):
    person = Principal(who, frozenset({"settlement_approver"}))

    async def nothing_else(*_):
        raise AssertionError("an invariant was asked for of what must be refused")

    return lambda session: approve_correction(session, person, HUB_TERMS, NOW, nothing_else)


def a_sold_licence():
    item = a_licence()
    return Licence(
        number=item.number,
        version=1,
        licensor="HUB",
        licensee="lab-one",
        status=item.status,
        body="{}",
        signed="",
        revoked_at=None,
        accepted_at=NOW,
    )


def a_rate(by):
    return Rate(day=date(2026, 9, 30), currency="GBP", rate="0.85", recorded_by=by)


def a_receipt(by):
    return Receipt(
        id="bank-1",
        licence="HUB-000001",
        received_on=date(2026, 9, 30),
        amount=1,
        recorded_by=by,
        recorded_at=NOW,
    )


@pytest.mark.parametrize(("entry", "what"), [(a_rate, "rates"), (a_receipt, "receipts")])
async def test_who_entered_a_corrections_inputs_does_not_approve_it(settled, entry, what):
    async with settled.write("correction") as session:
        session.add(a_run("2026-09", state="ADVISED", corrects="2026-09-first"))
        session.add(a_sold_licence())
        await session.flush()
        session.add(entry("entered"))

    refusal = await refused(settled, SamePersonError, approving("entered"))

    assert refusal.detail == f"entered entered {what}"


async def test_who_calculated_any_of_its_months_does_not_approve_a_correction(settled):
    async with settled.write("correction") as session:
        session.add(a_run("2026-09", state="ADVISED", corrects="2026-09-first", by="other"))
        session.add(a_run("2026-10", state="ADVISED", corrects="2026-10-first", by="maker"))

    refusal = await refused(settled, SamePersonError, approving("maker"))

    assert refusal.detail == "maker"
