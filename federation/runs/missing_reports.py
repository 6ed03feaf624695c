"""Reports that stay out: reminded of, and declared missing by two people."""

from datetime import datetime
from typing import ClassVar

from federation.config import Calendar
from federation.errors import RefusalError
from federation.metering import month
from federation.metering import store as metering
from federation.metering.messages import Reminder
from federation.runs.calendar import Due, due
from federation.runs.tables import MissingReport
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.parties import get_party
from federation.trust.principals import Principal, require_other_person
from federation.values.month import Month
from federation.values.reason import stated


class NotMissingError(RefusalError):
    """This report is not missing."""

    code: ClassVar[str] = "NOT_MISSING"


async def declare_missing(
    session: WriteSession, period: Month, node: str, reason: str, who: Principal, now: datetime
) -> MissingReport:
    """Declare a node's report missing; it takes effect when a second person confirms it."""
    await _require_missing(session, period, node)
    known = await session.get(MissingReport, (period, node))
    if known is not None:
        return known
    row = MissingReport(
        period=period,
        node=node,
        reason=stated(reason),
        declared_by=who.subject,
        declared_at=now,
    )
    session.add(row)
    return row


async def confirm_missing(
    session: WriteSession, period: Month, node: str, who: Principal, now: datetime
) -> MissingReport:
    """Confirm as a second person: the month goes on, the node's share is held as `~LATE:<node>`."""
    row = await session.get(MissingReport, (period, node))
    if row is None:
        raise NotMissingError(f"nobody declared {node} missing for {period}")
    if row.confirmed_by is not None:
        return row
    require_other_person(row.declared_by, who.subject)
    await _require_missing(session, period, node)
    row.confirmed_by, row.confirmed_at = who.subject, now
    await month.go_on_without(session, period, node, now)
    return row


async def _require_missing(session: ReadSession, period: Month, node: str) -> None:
    """Refuse unless a month waits for a node that has not reported on it in any round."""
    if node in await metering.latest_reports(session, period):
        raise NotMissingError(f"{node} has reported on {period}")
    await _require_owed(session, period, node)


async def _require_owed(session: ReadSession, period: Month, node: str) -> None:
    """Refuse unless a month's round waits for a node's report, and not for another node first."""
    row = await metering.find_period(session, period)
    if row is None:
        raise NotMissingError(f"{period} is not cut off")
    progress = await metering.progress(session, period)
    if node not in progress:
        raise NotMissingError(f"{node} does not take part in {period}")
    reports = await metering.latest_reports(session, period)
    if node in reports and reports[node].sequence > row.round:
        raise NotMissingError(f"{node} has reported on {period}")
    behind = sorted(
        other
        for other, item in progress.items()
        if item.forwarded_lines is None and not item.missing
    )
    if behind and node not in behind:
        raise NotMissingError(f"{node} only waits for what {', '.join(behind)} sends on")


async def remind(
    session: WriteSession, calendar: Calendar, period: Month, node: str, now: datetime
) -> Due:
    """Remind a node of the report it owes; return when that is due."""
    await _require_owed(session, period, node)
    party = await get_party(session, node)
    deadline = due(calendar, period, node, await month.round_begun_on(session, period))
    body = Reminder(period, deadline.due_on)
    await outbox.post(session, target=party.entity_id, message=body, now=now)
    return deadline
