"""The outbox: messages written with their cause, delivered in order, as long as it takes.

Messages of one stream to one target keep their order and are numbered without a gap; streams do
not wait for each other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import ClassVar, NamedTuple

from sqlalchemy import Select, bindparam, func, select, update

from federation.errors import RefusalError
from federation.store import inbox
from federation.store.asked import asked, is_sqlite, parameters_of
from federation.store.database import announce
from federation.store.messages import Message, seal
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import OutboxMessage

_TARGETS_WAITING = (  # made once: every server asks it all the time
    select(OutboxMessage.target, func.count())
    .where(OutboxMessage.delivered_at.is_(None))
    .group_by(OutboxMessage.target)
)

_MARK_DELIVERED = (
    update(OutboxMessage)
    .where(
        OutboxMessage.target == bindparam("of_target"),
        OutboxMessage.stream == bindparam("of_stream"),
        OutboxMessage.sequence.between(bindparam("since"), bindparam("up_to")),
        OutboxMessage.delivered_at.is_(None),
    )
    .values(delivered_at=bindparam("now"))
)

_TARGET = ("target",)
POSTED = "posted"  # announced by a transaction that has a message on its way
NOT_TAKEN_MAX = 100  # streams that are shown at a time


class NoConflictError(RefusalError):
    """The first message that waits was not refused for its number, with this one expected next."""

    code: ClassVar[str] = "NO_CONFLICT"


class Span(NamedTuple):
    """What a target took: the messages of one stream from a number up to another."""

    target: str
    stream: str
    up_to: int
    since: int = 1


async def post(session: WriteSession, *, target: str, message: Message, now: datetime) -> None:
    """Write one message to `target` (an entity id) in the caller's transaction.

    A message that its receiver would refuse is refused here: BadMessageError or
    MessageTooLargeError, and the caller's act with it.
    """
    await post_to_each(session, targets=[target], message=message, now=now)


async def post_to_each(
    session: WriteSession, *, targets: Iterable[str], message: Message, now: datetime
) -> None:
    """Write the same message to several targets, each of them once."""
    sealed, listed = seal(message), list(dict.fromkeys(targets))
    last = await _last(session, listed, sealed.stream)
    session.add_all(
        OutboxMessage(
            target=target,
            stream=sealed.stream,
            sequence=last.get(target, 0) + 1,
            kind=sealed.kind,
            body=sealed.body,
            created_at=now,
        )
        for target in listed
    )
    if listed:
        announce(session, POSTED)
    await session.flush()


async def _last(session: ReadSession, targets: Sequence[str], stream: str) -> dict[str, int]:
    """Return {target: the number of its last message} of a stream, of those that have one.

    One step in an index for each, however long its stream is: what was delivered stays for ever.
    """
    sqlite = is_sqlite(session)
    names = parameters_of(_TARGET, [(target,) for target in targets], sqlite=sqlite)
    rows = await session.rows(_lasts(sqlite=sqlite), {**names, "stream": stream}, many=False)
    return {target: number for target, number in rows if number is not None}


@cache
def _lasts(*, sqlite: bool) -> Select[str, int | None]:
    there = asked(_TARGET, sqlite=sqlite)
    last = select(func.max(OutboxMessage.sequence)).where(
        OutboxMessage.target == there.c.target, OutboxMessage.stream == bindparam("stream")
    )
    return select(there.c.target, last.scalar_subquery())


async def waiting(
    session: ReadSession, target: str, limit: int, *, leave_out: Iterable[str] = ()
) -> dict[int, int]:
    """Return {message: bytes of its body} of the oldest undelivered ones to a target, in order.

    Streams in `leave_out` are left out. The caller has those read that it delivers (`messages`).
    """
    rows = await session.execute(
        select(OutboxMessage.id, func.length(OutboxMessage.body))
        .where(
            OutboxMessage.target == target,
            OutboxMessage.delivered_at.is_(None),
            OutboxMessage.stream.not_in(list(leave_out)),
        )
        .order_by(OutboxMessage.id)
        .limit(limit)
    )
    return {number: size for number, size in rows}


async def waiting_for_each(
    session: ReadSession, targets: Sequence[str], limit: int
) -> dict[str, dict[int, int]]:
    """Return {target: {message: bytes of its body}} of all that waits for many targets, in order.

    Nothing where there are more than `limit`: then they are asked for one target at a time.
    """
    sqlite = is_sqlite(session)
    names = parameters_of(_TARGET, [(target,) for target in targets], sqlite=sqlite)
    statement = _of_each(sqlite=sqlite)
    rows = await session.rows(statement, {**names, "at_most": limit + 1}, many=False)
    if len(rows) > limit:
        return {}
    found: dict[str, dict[int, int]] = {}
    for target, number, size in rows:
        found.setdefault(target, {})[number] = size
    return found


@cache
def _of_each(*, sqlite: bool) -> Select[str, int, int]:
    there = asked(_TARGET, sqlite=sqlite)
    return (
        select(there.c.target, OutboxMessage.id, func.length(OutboxMessage.body))
        .join(OutboxMessage, OutboxMessage.target == there.c.target)
        .where(OutboxMessage.delivered_at.is_(None))
        .order_by(OutboxMessage.id)
        .limit(bindparam("at_most"))
    )


async def messages(session: ReadSession, ids: Iterable[int]) -> list[OutboxMessage]:
    """Return some messages with their bodies, in the order in which they were posted."""
    rows = await session.scalars(
        select(OutboxMessage).where(OutboxMessage.id.in_(list(ids))).order_by(OutboxMessage.id)
    )
    return list(rows)


async def is_waiting(session: ReadSession, target: str, stream: str) -> bool:
    """Tell whether a message of a stream to a target was not delivered yet."""
    query = select(OutboxMessage.id).where(
        OutboxMessage.target == target,
        OutboxMessage.stream == stream,
        OutboxMessage.delivered_at.is_(None),
    )
    return await session.scalar(query.limit(1)) is not None


async def targets_of_stream(session: ReadSession, stream: str) -> set[str]:
    """Return the targets to which a message of a stream was not delivered yet."""
    rows = await session.scalars(
        select(OutboxMessage.target)
        .where(OutboxMessage.stream == stream, OutboxMessage.delivered_at.is_(None))
        .distinct()
    )
    return set(rows)


async def targets_waiting(session: ReadSession) -> dict[str, int]:
    """Return {target: number of undelivered messages}."""
    rows = await session.execute(_TARGETS_WAITING)
    return {target: count for target, count in rows}


async def backlog(session: ReadSession) -> list[tuple[str, str, int, datetime]]:
    """Return (target, stream, undelivered messages, when the oldest was posted)."""
    rows = await session.execute(
        select(
            OutboxMessage.target,
            OutboxMessage.stream,
            func.count(),
            func.min(OutboxMessage.created_at),
        )
        .where(OutboxMessage.delivered_at.is_(None))
        .group_by(OutboxMessage.target, OutboxMessage.stream)
    )
    return [(target, stream, count, since) for target, stream, count, since in rows]


async def mark_delivered(session: WriteSession, taken: Iterable[Span], *, now: datetime) -> None:
    """Record callees' receipts: all by one statement, since there are hundreds at a time."""
    rows = [
        {
            "of_target": span.target,
            "of_stream": span.stream,
            "since": span.since,
            "up_to": span.up_to,
            "now": now,
        }
        for span in taken
    ]
    if rows:
        await (await session.connection()).execute(_MARK_DELIVERED, rows)


async def mark_failed(session: WriteSession, *, message_id: int, error: str) -> None:
    """Count a failed attempt and keep its reason for staff to read."""
    await session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .values(attempts=OutboxMessage.attempts + 1, last_error=error[:500])
    )


async def not_taken(session: ReadSession) -> list[tuple[OutboxMessage, int]]:
    """Return the first message of each stream that was not taken, and how many wait there."""
    first = (
        select(func.min(OutboxMessage.id).label("id"), func.count().label("count"))
        .where(OutboxMessage.delivered_at.is_(None))
        .group_by(OutboxMessage.target, OutboxMessage.stream)
        .subquery()
    )
    rows = await session.execute(
        select(OutboxMessage, first.c.count)
        .join(first, first.c.id == OutboxMessage.id)
        .where(OutboxMessage.last_error.is_not(None))
        .order_by(OutboxMessage.id)
        .limit(NOT_TAKEN_MAX)
    )
    return [(row, count) for row, count in rows]


async def send_again(session: WriteSession, target: str, *, since: datetime) -> int:
    """Send what was delivered to a target from an instant on once more; return how many.

    Its receiver was restored and may lack them. What it has it acknowledges without effect.
    """
    lost = (OutboxMessage.target == target, OutboxMessage.delivered_at >= since)
    count = await session.scalar(select(func.count()).select_from(OutboxMessage).where(*lost))
    await session.execute(update(OutboxMessage).where(*lost).values(delivered_at=None))
    announce(session, POSTED)
    return count or 0


async def renumber(
    session: WriteSession, *, target: str, stream: str, number: int
) -> tuple[int, int]:
    """Number what waits in a stream anew, from the number that its receiver expects next.

    Somebody else sent messages in this server's name, and used its numbers. Nothing is lost or
    taken twice: the receiver itself must have said of the first one's present number that another
    message has it (NO_CONFLICT), so that it did not take this one; and what follows in a stream
    is never taken before it. Returns the former number and how many messages there are.
    """
    waits = (
        OutboxMessage.target == target,
        OutboxMessage.stream == stream,
        OutboxMessage.delivered_at.is_(None),
    )
    head = await session.scalar(
        select(OutboxMessage).where(*waits).order_by(OutboxMessage.sequence).limit(1)
    )
    if head is None:
        raise NoConflictError(f"nothing waits in {stream}")
    former, error = head.sequence, head.last_error or "it was not refused"
    is_conflict = error.startswith(f"{inbox.MessageConflictError.code}: ")
    if not is_conflict or not error.endswith(f" {inbox.place(stream, former, number)})"):
        raise NoConflictError(f"{stream} #{former}: {error}")
    count = await session.scalar(select(func.count()).select_from(OutboxMessage).where(*waits))
    moved = -(OutboxMessage.sequence + (number - former))  # below zero: no number is met twice
    await session.execute(update(OutboxMessage).where(*waits).values(sequence=moved))
    await session.execute(
        update(OutboxMessage)
        .where(*waits)
        .values(sequence=-OutboxMessage.sequence, last_error=None)
    )
    announce(session, POSTED)
    return former, count or 0
