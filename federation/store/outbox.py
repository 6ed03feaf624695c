"""The outbox: messages written with their cause, delivered in order, as long as it takes."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec
from sqlalchemy import func, select, update

from federation.errors import RefusalError
from federation.store.canonical import sha256_hex
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import InboxMessage, OutboxMessage

POSTED = "posted"  # announced by a transaction that has a message on its way
_encode = msgspec.json.Encoder().encode


class OutOfOrderError(RefusalError):
    """A message of this sender is missing before this one."""

    code: ClassVar[str] = "OUT_OF_ORDER"


class MessageConflictError(RefusalError):
    """This sender used the number of an earlier message for another one."""

    code: ClassVar[str] = "MESSAGE_CONFLICT"


async def post(session: WriteSession, *, target: str, kind: str, body: Any, now: datetime) -> None:
    """Write one message to `target` (an entity id) in the caller's transaction."""
    last = await session.scalar(
        select(func.max(OutboxMessage.sequence)).where(OutboxMessage.target == target)
    )
    session.add(
        OutboxMessage(
            target=target, sequence=(last or 0) + 1, kind=kind, body=_encode(body), created_at=now
        )
    )
    announce(session, POSTED)
    await session.flush()


async def waiting(session: ReadSession, target: str, limit: int) -> list[OutboxMessage]:
    """Return the oldest undelivered messages to a target, in order."""
    rows = await session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.target == target, OutboxMessage.delivered_at.is_(None))
        .order_by(OutboxMessage.sequence)
        .limit(limit)
    )
    return list(rows)


async def targets_waiting(session: ReadSession) -> dict[str, int]:
    """Return {target: number of undelivered messages}."""
    rows = await session.execute(
        select(OutboxMessage.target, func.count())
        .where(OutboxMessage.delivered_at.is_(None))
        .group_by(OutboxMessage.target)
    )
    return {target: count for target, count in rows}


async def mark_delivered(session: WriteSession, *, target: str, up_to: int, now: datetime) -> None:
    """Record the callee's receipt for every message up to a sequence number."""
    await session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.target == target,
            OutboxMessage.sequence <= up_to,
            OutboxMessage.delivered_at.is_(None),
        )
        .values(delivered_at=now)
    )


async def mark_failed(session: WriteSession, *, target: str, sequence: int, error: str) -> None:
    """Count a failed attempt and keep its reason for staff to read."""
    await session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.target == target, OutboxMessage.sequence == sequence)
        .values(attempts=OutboxMessage.attempts + 1, last_error=error[:500])
    )


async def accept(
    session: WriteSession, *, sender: str, sequence: int, kind: str, body: bytes, now: datetime
) -> bool:
    """Say whether a message is new, and record it in the effect's transaction if so.

    A message that was here before is acknowledged again without effect; one that comes too
    early is refused, so that effects keep the sender's order.
    """
    digest = sha256_hex(body)
    last = await session.scalar(
        select(func.max(InboxMessage.sequence)).where(InboxMessage.sender == sender)
    )
    expected = (last or 0) + 1
    if 0 < sequence < expected:
        known = await session.get(InboxMessage, (sender, sequence))
        if known is None or known.digest != digest or known.kind != kind:
            raise MessageConflictError(f"{sender} #{sequence}")
        return False
    if sequence != expected:
        raise OutOfOrderError(f"{sender} #{sequence}, expected #{expected}")
    session.add(
        InboxMessage(sender=sender, sequence=sequence, kind=kind, digest=digest, received_at=now)
    )
    return True
