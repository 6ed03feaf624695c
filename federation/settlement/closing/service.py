"""Missing reports, what nodes say to an advised run, and whether it may be approved."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from federation.config import Calendar
from federation.errors import RefusalError
from federation.metering import month
from federation.metering import store as metering
from federation.settlement import store as runs
from federation.settlement.closing import store
from federation.settlement.closing.calendar import due
from federation.settlement.closing.tables import MissingReport, Response
from federation.settlement.messages import Reminder, RunAnswered
from federation.settlement.tables import Run
from federation.store import outbox
from federation.trust.principals import Principal, require_other_person
from federation.trust.service import HUB, get_party, node_parties

CONCURRED, OBJECTED = "CONCURRED", "OBJECTED"
REASON_LENGTH_MAX = 2_000


class NotMissingError(RefusalError):
    """This report is not missing."""

    code: ClassVar[str] = "NOT_MISSING"


class ReasonError(RefusalError):
    """A reason is stated, in 2,000 characters at most."""

    code: ClassVar[str] = "REASON"


class ObjectionsOpenError(RefusalError):
    """The run waits for nodes: the window is open or an objection is not answered."""

    code: ClassVar[str] = "OBJECTIONS_OPEN"


class ResponseError(RefusalError):
    """This cannot be said to this run, or not any more."""

    code: ClassVar[str] = "RUN_ANSWER"


def stated(reason: str) -> str:
    """Return a reason without surrounding space, or refuse it."""
    text = reason.strip()
    if not text or len(text) > REASON_LENGTH_MAX:
        raise ReasonError("state a reason")
    return text


async def declare_missing(
    session: AsyncSession, period: str, node: str, reason: str, who: Principal, now: datetime
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
    session: AsyncSession, period: str, node: str, who: Principal, now: datetime
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


async def _require_missing(session: AsyncSession, period: str, node: str) -> None:
    if await metering.find_period(session, period) is None:
        raise NotMissingError(f"{period} is not cut off")
    progress = await metering.progress(session, period)
    if node not in progress:
        raise NotMissingError(f"{node} does not take part in {period}")
    if node in await metering.latest_reports(session, period):
        raise NotMissingError(f"{node} has reported on {period}")
    behind = sorted(
        other
        for other, item in progress.items()
        if item.forwarded_lines is None and not item.missing
    )
    if behind and node not in behind:
        raise NotMissingError(f"{node} only waits for what {', '.join(behind)} sends on")


async def remind(
    session: AsyncSession, calendar: Calendar, period: str, node: str, now: datetime
) -> None:
    """Remind a node of the report it owes."""
    await _require_missing(session, period, node)
    party = await get_party(session, node)
    body = Reminder(period, due(calendar, period, node).due_on)
    await outbox.post(session, target=party.entity_id, kind="usage.reminder", body=body, now=now)


async def answer_run(
    session: AsyncSession, run_id: str, node: str, answer: str, reason: str | None, now: datetime
) -> Response:
    """At a node: concur with an advised run or object to it; the hub is told."""
    run = await runs.find_run(session, run_id)
    if run is None or run.state != "ADVISED":
        raise ResponseError(f"{run_id[:16]} is not advised")
    if answer == OBJECTED and run.objections_until and now > run.objections_until:
        raise ResponseError(f"objections were possible until {run.objections_until.isoformat()}")
    known = await session.get(Response, (run_id, node))
    if known is not None:
        if known.answer != answer:
            raise ResponseError(f"{node} has {known.answer.lower()} already")
        return known
    row = Response(
        run_id=run_id,
        node=node,
        answer=answer,
        reason=stated(reason or "") if answer == OBJECTED else None,
        given_at=now,
    )
    session.add(row)
    hub = await get_party(session, HUB)
    message = RunAnswered(run_id, answer, row.reason)
    await outbox.post(session, target=hub.entity_id, kind="run.answered", body=message, now=now)
    return row


async def receive_answer(
    session: AsyncSession, node: str, message: RunAnswered, now: datetime
) -> None:
    """At the hub: keep what a node says; the first answer to a run stands."""
    if await session.get(Response, (message.run_id, node)) is None:
        session.add(
            Response(
                run_id=message.run_id,
                node=node,
                answer=CONCURRED if message.answer == CONCURRED else OBJECTED,
                reason=message.reason,
                given_at=now,
            )
        )


async def settle_objection(
    session: AsyncSession, run_id: str, node: str, outcome: str, who: Principal, now: datetime
) -> Response:
    """Answer an objection that does not stop the run; the answer is kept with it.

    One that is right is answered by withdrawing the run.
    """
    row = await session.get(Response, (run_id, node))
    if row is None or row.answer != OBJECTED:
        raise ResponseError(f"{node} has not objected to {run_id[:16]}")
    if row.settled_by is None:
        row.settled_by, row.settled_at, row.outcome = who.subject, now, stated(outcome)
    return row


async def require_concurrence(session: AsyncSession, run: Run, now: datetime) -> None:
    """Refuse approval while a node may still object, or has and was not answered."""
    answers = await store.responses(session, run.run_id)
    open_objections = [
        node for node, row in answers.items() if row.answer == OBJECTED and row.settled_by is None
    ]
    if open_objections:
        raise ObjectionsOpenError(f"{', '.join(open_objections)} objected")
    silent = sorted({party.code for party in await node_parties(session)} - answers.keys())
    if silent and run.objections_until is not None and now < run.objections_until:
        raise ObjectionsOpenError(
            f"{', '.join(silent)} may object until {run.objections_until:%Y-%m-%d %H:%M}Z"
        )
