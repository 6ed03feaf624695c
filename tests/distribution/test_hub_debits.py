"""At a node: what it owes the hub follows from all corrections, each run of them computed once."""

from datetime import UTC, datetime

import pytest

from federation.distribution import hub_debits
from federation.distribution.hub_debits import require_debit
from federation.months.tables import Run
from federation.netting.between import NoSuchDebitError
from federation.settlement.computed import read_run
from tests.settlement.recomputed import a_run, corrected
from tests.settlement.runs import a_licence

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEY = "HUB-000001"


def a_month(starts_on, ends_on, *weights_of_gb):
    """Return a month's run and its corrections: DE weighs 1, GB more with each."""
    first, *more = weights_of_gb
    licence = a_licence(received="31000", starts_on=starts_on, ends_on=ends_on)
    runs = [a_run(("DE", "1"), ("GB", str(first)), licence=licence, period=starts_on[:7])]
    for number, weight in enumerate(more):
        own = {KEY: {"DE": 1, "GB": weight}}
        runs.append(corrected(runs[-1], own, digest=f"{number + 1:064d}").new)
    return runs


SEPTEMBER = a_month("2026-09-01", "2026-09-30", 1, 2, 3)
OCTOBER = a_month("2026-10-01", "2026-10-31", 3, 1)
BY_MONTH = [*SEPTEMBER, *OCTOBER]


def a_row(run, state, corrects=None):
    return Run(
        run_id=run.run_id,
        period=run.document.period,
        state=state,
        document=run.data,
        warnings="[]",
        calculated_by="HUB",
        calculated_at=NOON,
        corrects=corrects.run_id if corrects else None,
    )


@pytest.fixture
async def two_months(database):
    """A node that knows both months: September's second correction came after October's."""
    (first, second, third), (october, again) = SEPTEMBER, OCTOBER
    rows = [
        a_row(first, "APPROVED"),
        a_row(october, "APPROVED"),
        a_row(second, "APPROVED", first),
        a_row(again, "APPROVED", october),
        a_row(third, "ADVISED", second),
    ]
    async with database.write("test") as session:
        for row in rows:
            session.add(row)
            await session.flush()
    return database


@pytest.fixture
def computed(monkeypatch):
    """The runs that were computed from their documents, in order."""
    found = []

    def noted(data):
        found.append(read_run(data))
        return found[-1]

    monkeypatch.setattr(hub_debits, "read_run", noted)
    return found


async def test_each_run_is_computed_once_month_by_month(two_months, computed):
    async with two_months.read() as session:
        await require_debit(session, "DE", 0)
        assert computed == []  # nothing is taken: nothing has to be known
        with pytest.raises(NoSuchDebitError) as refusal:
            await require_debit(session, "DE", 1_000_000)

    assert [run.run_id for run in computed] == [run.run_id for run in BY_MONTH]
    # DE's share of 29,100: 14,550, then 9,700, then 7,275; October's rose from 7,275 to 14,550.
    assert refusal.value.detail == "1000000 of DE with HUB, which owes it 0"


async def test_what_the_caller_has_computed_is_not_computed_again(two_months, computed):
    async with two_months.read() as session:
        with pytest.raises(NoSuchDebitError, match="which owes it 0"):
            await require_debit(session, "DE", 1, *SEPTEMBER[1:])

    assert [run.run_id for run in computed] == [run.run_id for run in (SEPTEMBER[0], *OCTOBER)]


async def test_a_debit_is_taken_up_to_what_is_owed_and_no_further(two_months):
    async with two_months.write("test") as session:
        for row in [run async for run in hub_debits.months.corrections(session)]:
            if row.period == "2026-10":
                row.state = "WITHDRAWN"
    async with two_months.read() as session:
        await require_debit(session, "DE", 7_275)
        with pytest.raises(NoSuchDebitError, match="7276 of DE with HUB, which owes it 7275"):
            await require_debit(session, "DE", 7_276)
