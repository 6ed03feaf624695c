"""What nodes say to an advised run: they concur or object; silence concurs in time."""

from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.months import store as months
from federation.months.tables import Run
from federation.runs import store
from federation.runs.nodes import nodes_of
from federation.runs.tables import Response
from federation.settlement.messages import RunAnswered, RunApproved, RunCorrected
from federation.settlement.run_document import decode
from federation.signing.jose import LEEWAY_SECONDS
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.parties import get_party
from federation.trust.principals import Principal
from federation.values.party import HUB
from federation.values.reason import stated

CONCURRED, OBJECTED = "CONCURRED", "OBJECTED"


class ObjectionsOpenError(RefusalError):
    """The run waits for nodes: the window is open or an objection is not answered."""

    code: ClassVar[str] = "OBJECTIONS_OPEN"


class ResponseError(RefusalError):
    """This cannot be said to this run, or not any more."""

    code: ClassVar[str] = "RUN_ANSWER"


async def answer_run(
    session: WriteSession, run_id: str, node: str, answer: str, reason: str | None, now: datetime
) -> Response:
    """At a node: concur with an advised run or object to it; the hub is told.

    Once the window is over nobody objects, and who concurs, after an objection or without a word
    before, says so to this node alone: the hub has its answer, if only by silence.
    """
    run = await months.find_run(session, run_id)
    if run is None or run.state != "ADVISED":
        raise ResponseError(f"{run_id[:16]} is not advised")
    is_over = run.objections_until is not None and now > run.objections_until
    if answer == OBJECTED and is_over:
        raise ResponseError(f"objections were possible until {_written(run.objections_until)}")
    known = await session.get(Response, (run_id, node))
    if known is not None:
        if known.answer != answer:
            if not (is_over and answer == CONCURRED):
                raise ResponseError(f"{node} has {known.answer.lower()} already")
            known.answer, known.given_at = CONCURRED, now
        return known
    row = Response(
        run_id=run_id,
        node=node,
        answer=answer,
        reason=stated(reason or "") if answer == OBJECTED else None,
        given_at=now,
    )
    session.add(row)
    if not is_over:
        hub = await get_party(session, HUB)
        message = RunAnswered(run_id, answer, row.reason)
        await outbox.post(session, target=hub.entity_id, message=message, now=now)
    return row


async def require_own_concurrence(
    session: WriteSession, message: RunApproved | RunCorrected, node: str, now: datetime
) -> bool:
    """At a node: refuse an approved run that the hub approved over this node's head.

    It may still object, or has objected and was not answered; an answer is kept with the
    objection. Silence concurs once the window is over; the two clocks may differ by as much as
    those of a token. Returned is whether the node's staff concurred by word.
    """
    run = await months.find_run(session, message.run_id)
    if run is None or run.state != "ADVISED":
        return False  # no run that may be followed: who follows it says why
    own = await session.get(Response, (message.run_id, node))
    until = run.objections_until
    if own is None and (until is None or now + timedelta(seconds=LEEWAY_SECONDS) < until):
        raise ObjectionsOpenError(f"{node} may object until {_written(until)}")
    if own is not None and own.answer == OBJECTED:
        if not message.objection_answered:
            raise ObjectionsOpenError(f"{node} objected and was not answered")
        own.settled_by, own.settled_at, own.outcome = HUB, now, message.objection_answered
    return own is not None and own.answer == CONCURRED


def _written(until: datetime | None) -> str:
    return until.isoformat() if until else "it concurs"


async def answer_to(session: ReadSession, run_id: str, node: str) -> str | msgspec.UnsetType:
    """At the hub: return what was answered to a node's objection to a run, if it had one."""
    row = await session.get(Response, (run_id, node))
    return row.outcome if row is not None and row.outcome else msgspec.UNSET


async def receive_answer(
    session: WriteSession, node: str, message: RunAnswered, now: datetime
) -> None:
    """At the hub: keep what a node says; the first answer to a run stands.

    The hub keeps the window itself: an answer to no advised run, or after the window, is refused.
    """
    run = await months.any_run(session, message.run_id)
    if run is None:
        raise ResponseError(f"no run {message.run_id[:16]}")
    if run.state == "WITHDRAWN":
        return  # the answer and the withdrawal crossed
    if run.objections_until is None:
        raise ResponseError(f"{message.run_id[:16]} is not advised")
    if now > run.objections_until:
        raise ResponseError(f"answers were possible until {run.objections_until.isoformat()}")
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
    session: WriteSession, run_id: str, node: str, outcome: str, who: Principal, now: datetime
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


async def require_concurrence(session: ReadSession, run: Run, now: datetime) -> None:
    """Refuse approval while a node may still object, or has and was not answered."""
    answers = await store.responses(session, run.run_id)
    open_objections = [
        node for node, row in answers.items() if row.answer == OBJECTED and row.settled_by is None
    ]
    if open_objections:
        raise ObjectionsOpenError(f"{', '.join(open_objections)} objected")
    nodes = await nodes_of(session, decode(run.document))
    silent = sorted({party.code for party in nodes} - answers.keys())
    if silent and run.objections_until is not None and now < run.objections_until:
        raise ObjectionsOpenError(
            f"{', '.join(silent)} may object until {run.objections_until:%Y-%m-%d %H:%M}Z"
        )
