"""The inbox: each message of another server is taken once, in the order of its stream.

What cannot be handled is parked with its reason, and what follows it in its stream waits behind
it; all else goes on. Staff look at what is parked, have it tried again, or drop it as two people.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import ClassVar

from sqlalchemy import LargeBinary, Select, bindparam, delete, func, insert, select

from federation.errors import RefusalError
from federation.store.canonical import sha256_hex
from federation.store.database import announce
from federation.store.messages import MIB
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import InboxMessage, ParkedMessage, ParkedPart

PARKED, BEHIND, DONE, DROPPED = "PARKED", "BEHIND", "DONE", "DROPPED"
OPEN = (PARKED, BEHIND)
KEPT = "parked"  # announced by a transaction that parked a message
PARKED_MAX, PARKED_BYTES_MAX = 1_000, 32 * MIB  # of one sender; then its streams wait there
# The one that comes to so many bytes is kept whole, also if it is larger than that by itself: what
# is not kept is on nobody's list.
REASON_LENGTH_MAX = 500
PART_BYTES = MIB  # of a body that is written or read at a time: a database copies what it takes
HEADS_OF_EACH = 100  # streams of one sender that are shown and tried again at a time


class OutOfOrderError(RefusalError):
    """A message of this stream is missing before this one."""

    code: ClassVar[str] = "OUT_OF_ORDER"


class MessageConflictError(RefusalError):
    """This sender used the number of an earlier message for another one."""

    code: ClassVar[str] = "MESSAGE_CONFLICT"


class ParkedFullError(RefusalError):
    """Too many messages of this sender are parked here already; it keeps the others."""

    code: ClassVar[str] = "PARKED_FULL"


class UnknownMessageError(RefusalError):
    """No such message is parked."""

    code: ClassVar[str] = "UNKNOWN_MESSAGE"


class MessageStateError(RefusalError):
    """The parked message is not in a state that allows this."""

    code: ClassVar[str] = "MESSAGE_STATE"


async def accept(
    session: WriteSession,
    *,
    sender: str,
    stream: str,
    sequence: int,
    kind: str,
    body: bytes,
    now: datetime,
) -> bool:
    """Say whether a message is new, and record it in the effect's transaction if so.

    A message that was here before is acknowledged again without effect; one that comes too early
    is refused (OutOfOrderError), so that effects keep the order of the stream. Another message
    under a number that was used is refused as well (MessageConflictError), with the next number.
    """
    digest = sha256_hex(body)
    if session.new:  # others of this transaction, which a statement of the driver would not see
        await session.flush()
    [(last,)] = await session.rows(_last(), {"sender": sender, "stream": stream}, many=False)
    expected = (last or 0) + 1
    if 0 < sequence < expected:
        known = await session.get(InboxMessage, (sender, stream, sequence))
        if known is None or known.digest != digest or known.kind != kind:
            raise MessageConflictError(f"{sender} {place(stream, sequence, expected)}")
        return False
    if sequence != expected:
        raise OutOfOrderError(f"{sender} {place(stream, sequence, expected)}")
    session.add(
        InboxMessage(
            sender=sender,
            stream=stream,
            sequence=sequence,
            kind=kind,
            digest=digest,
            received_at=now,
        )
    )
    return True


@cache  # asked for every message
def _last() -> Select[int]:
    return select(func.max(InboxMessage.sequence)).where(
        InboxMessage.sender == bindparam("sender"), InboxMessage.stream == bindparam("stream")
    )


def place(stream: str, sequence: int, expected: int) -> str:
    """Return the end of a refusal: the number that came, and the one that is expected next.

    The sender's own server reads it where its operators number a stream anew (`outbox.renumber`).
    """
    return f"{stream} #{sequence}, expected #{expected}"


async def is_held_up(session: ReadSession, sender: str, stream: str) -> bool:
    """Tell whether a message of a stream is parked, so that what follows waits behind it."""
    named = {"sender": sender, "stream": stream}
    return bool(await session.rows(_first_parked(), named, many=False))


@cache  # asked for every message
def _first_parked() -> Select[int]:
    return (
        select(ParkedMessage.id)
        .where(
            ParkedMessage.sender == bindparam("sender"),
            ParkedMessage.stream == bindparam("stream"),
            ParkedMessage.state.in_(OPEN),
        )
        .limit(1)
    )


async def park(session: WriteSession, row: ParkedMessage, body: bytes) -> None:
    """Keep a message that cannot be handled now; ParkedFullError if its sender has too many.

    How large a message is does not count against itself: its kind and the door limit that.
    """
    count, size = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(ParkedMessage.size), 0)).where(
                ParkedMessage.sender == row.sender, ParkedMessage.state.in_(OPEN)
            )
        )
    ).one()
    if count >= PARKED_MAX or size >= PARKED_BYTES_MAX:
        raise ParkedFullError(f"{count} messages, {size} bytes")
    row.reason, row.size = row.reason[:REASON_LENGTH_MAX], len(body)
    session.add(row)
    announce(session, KEPT)
    await session.flush()
    for part, at in enumerate(range(0, len(body), PART_BYTES)):
        content = body[at : at + PART_BYTES]
        await session.execute(
            insert(ParkedPart).values(message_id=row.id, part=part, content=content)
        )


async def parked(
    session: ReadSession, *, after: int = 0, limit: int = 100, states: Sequence[str] = OPEN
) -> list[ParkedMessage]:
    """Return parked messages, oldest first, a page at a time."""
    rows = await session.scalars(
        select(ParkedMessage)
        .where(ParkedMessage.id > after, ParkedMessage.state.in_(states))
        .order_by(ParkedMessage.id)
        .limit(limit)
    )
    return list(rows)


async def heads(session: ReadSession, of_each: int = HEADS_OF_EACH) -> list[ParkedMessage]:
    """Return the parked message at the head of each stream that is held up, oldest first.

    Of each sender there are so many at most: one that has many hides nobody else's.
    """
    return list(await session.scalars(_heads(of_each)))


@cache  # every server asks it every other second
def _heads(of_each: int) -> Select[ParkedMessage]:
    first = (
        select(func.min(ParkedMessage.id).label("id"), ParkedMessage.sender)
        .where(ParkedMessage.state.in_(OPEN))
        .group_by(ParkedMessage.sender, ParkedMessage.stream)
        .subquery()
    )
    place = func.row_number().over(partition_by=first.c.sender, order_by=first.c.id)
    placed = select(first.c.id, place.label("place")).subquery()
    return (
        select(ParkedMessage)
        .where(ParkedMessage.id.in_(select(placed.c.id).where(placed.c.place <= of_each)))
        .order_by(ParkedMessage.id)
    )


async def waiting(session: ReadSession) -> dict[tuple[str, str], int]:
    """Return {(sender, stream): messages that are parked or wait behind a parked one}."""
    rows = await session.execute(
        select(ParkedMessage.sender, ParkedMessage.stream, func.count())
        .where(ParkedMessage.state.in_(OPEN))
        .group_by(ParkedMessage.sender, ParkedMessage.stream)
    )
    return {(sender, stream): count for sender, stream, count in rows}


async def waiting_by_code(session: ReadSession) -> dict[tuple[str, str], int]:
    """Return {(code of the sender, stream): messages that are parked or wait behind one}."""
    rows = await session.execute(
        select(ParkedMessage.sender_code, ParkedMessage.stream, func.count())
        .where(ParkedMessage.state.in_(OPEN))
        .group_by(ParkedMessage.sender_code, ParkedMessage.stream)
    )
    return {(code, stream): count for code, stream, count in rows}


async def head_of(session: ReadSession, sender: str, stream: str) -> ParkedMessage | None:
    """Return the first message of a stream that waits, None if nothing does."""
    return await session.scalar(
        select(ParkedMessage)
        .where(
            ParkedMessage.sender == sender,
            ParkedMessage.stream == stream,
            ParkedMessage.state.in_(OPEN),
        )
        .order_by(ParkedMessage.id)
        .limit(1)
    )


async def get_parked(session: ReadSession, message_id: int) -> ParkedMessage:
    """Return a message that is parked, or refuse."""
    row = await session.get(ParkedMessage, message_id)
    if row is None:
        raise UnknownMessageError(str(message_id))
    return row


async def body_of(session: ReadSession, message_id: int) -> bytes:
    """Return the body of a message that is parked; empty once it is decided."""
    body = bytearray()
    parts = select(ParkedPart.content).where(ParkedPart.message_id == message_id)
    while content := await session.scalar(parts.where(ParkedPart.part == len(body) // PART_BYTES)):
        body += content
        if len(content) < PART_BYTES:
            break
    return bytes(body)


async def beginnings(
    session: ReadSession, message_ids: Collection[int], size: int
) -> dict[int, bytes]:
    """Return {message: the first `size` bytes of its body} of some parked messages."""
    begins = func.substr(ParkedPart.content, 1, size, type_=LargeBinary)
    rows = await session.execute(
        select(ParkedPart.message_id, begins).where(
            ParkedPart.message_id.in_(message_ids), ParkedPart.part == 0
        )
    )
    found = {number: begin for number, begin in rows}
    return {number: found.get(number, b"") for number in message_ids}


def propose_drop(row: ParkedMessage, reason: str, *, who: str) -> None:
    """Propose, as the first of two people, that a parked message is dropped unhandled."""
    if row.state != PARKED:
        raise MessageStateError(f"{row.id} is {row.state}")
    row.drop_proposed_by, row.drop_reason = who, reason


async def done(session: WriteSession, row: ParkedMessage, *, now: datetime) -> None:
    """Note that a parked message was handled after all."""
    row.drop_proposed_by = row.drop_reason = None
    await _decided(session, row, DONE, now)


async def drop(session: WriteSession, row: ParkedMessage, *, who: str, now: datetime) -> None:
    """Drop a parked message for good; the caller has made sure that `who` is another person."""
    if row.state != PARKED or row.drop_proposed_by is None:
        raise MessageStateError(f"{row.id}: nobody proposed to drop it")
    row.decided_by = who
    await _decided(session, row, DROPPED, now)


async def _decided(session: WriteSession, row: ParkedMessage, state: str, now: datetime) -> None:
    row.state, row.decided_at, row.size = state, now, 0
    await session.execute(delete(ParkedPart).where(ParkedPart.message_id == row.id))
    await session.flush()
