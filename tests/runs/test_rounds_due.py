"""In the round of a correction reports are due so many days after it was opened."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from federation.config import Calendar
from federation.metering import month
from federation.metering.tables import MeteringPeriod, Progress, Report
from federation.runs.missing_reports import NotMissingError, declare_missing, remind
from federation.runs.worklist import of_months
from federation.store.tables import OutboxMessage
from federation.trust.principals import Principal
from federation.values.party import HUB
from federation.values.work_item import WorkItem
from tests.databases import HUB_TERMS, a_party, refused

SEPTEMBER = "2026-09"
CUT_OFF, OPENED = datetime(2026, 10, 1, 9, tzinfo=UTC), datetime(2026, 12, 10, 9, tzinfo=UTC)
OFFICER = Principal("alice", frozenset({"settlement_officer"}))
CALENDAR = Calendar(cut_off_day=5, senders={"GB": 8})


def a_report(party):
    return Report(
        party=party,
        period=SEPTEMBER,
        sequence=1,
        supersedes=None,
        body=b"{}",
        digest="",
        recorded_at=CUT_OFF,
    )


@pytest.fixture
async def a_round(database):
    """A hub where GB forwards nothing yet; FR has."""
    async with database.write("a month that is reported") as session:
        period = MeteringPeriod(period=SEPTEMBER, state="REPORTED", cut_off_at=CUT_OFF, round=0)
        session.add_all([period, *(a_report(code) for code in (HUB, "FR", "GB"))])
        for code in ("FR", "GB"):
            session.add(a_party(code))
            session.add(Progress(period=SEPTEMBER, party=code, forwarded_lines=0))
    async with database.write("round") as session:
        await month.begin_round(session, SEPTEMBER, HUB_TERMS, OPENED)
    return database


async def waiting(database, now):
    async with database.read() as session:
        return await of_months(session, HUB, CALENDAR, now, {})


async def test_a_report_is_not_overdue_on_the_day_on_which_its_round_was_opened(a_round):
    assert await waiting(a_round, OPENED) == [
        WorkItem("usage report", "2026-09 FR", "not in yet", "FR", date(2026, 12, 15)),
        WorkItem("usage report", "2026-09 GB", "not in yet", "GB", date(2026, 12, 18)),
    ]


@pytest.mark.parametrize(
    ("day", "why"), [(15, "remind it today"), (17, "remind it today"), (19, "overdue by 1 day")]
)
async def test_reminders_and_days_overdue_are_counted_from_the_opening(a_round, day, why):
    found = await waiting(a_round, datetime(2026, 12, day, 9, tzinfo=UTC))

    assert [(item.why, item.until) for item in found if item.turn == "GB"] == [
        (why, date(2026, 12, 18))
    ]


async def test_a_reminder_names_the_day_of_the_round(a_round):
    async with a_round.write("remind") as session:
        deadline = await remind(session, CALENDAR, SEPTEMBER, "GB", OPENED)

        message = await session.scalar(select(OutboxMessage).order_by(OutboxMessage.id.desc()))

    assert deadline.due_on == date(2026, 12, 18)
    assert deadline.reminders == (date(2026, 12, 15), date(2026, 12, 17))
    assert message.target == "https://gb.example"
    assert b'"due_on":"2026-12-18"' in message.body


async def test_who_has_reported_in_the_round_is_not_reminded(a_round):
    async with a_round.write("the second report") as session:
        second = a_report("GB")
        second.sequence = 2
        session.add(second)

    async def remind_it(session):
        await remind(session, CALENDAR, SEPTEMBER, "GB", OPENED)

    found = await refused(a_round, NotMissingError, remind_it)
    assert found.detail == "GB has reported on 2026-09"


async def test_who_reported_on_the_month_is_not_declared_missing_in_a_round(a_round):
    async def declare_it(session):
        await declare_missing(session, SEPTEMBER, "GB", "silent", OFFICER, OPENED)

    found = await refused(a_round, NotMissingError, declare_it)
    assert found.detail == "GB has reported on 2026-09"


async def test_a_report_of_the_month_itself_is_due_in_the_month_that_follows(a_round):
    async with a_round.write("the month's own round") as session:
        row = await session.get_one(MeteringPeriod, SEPTEMBER)
        row.round = 0
        assert await month.round_begun_on(session, SEPTEMBER) is None
        assert await month.round_begun_on(session, "2026-08") is None
