"""Outbox, inbox, parked messages, leases, voices, idempotency: sent until received, done once."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant

_WAITS = "delivered_at IS NULL"


class OutboxMessage(Base):
    """A message to another server, written in the transaction that caused it."""

    __tablename__ = "store_outbox"
    __table_args__ = (
        UniqueConstraint("target", "stream", "sequence"),
        # What was delivered stays for ever: the relay looks at what was not, and at no more.
        Index(
            "ix_store_outbox_waiting",
            "target",
            "id",
            sqlite_where=text(_WAITS),
            postgresql_where=text(_WAITS),
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    target: Mapped[str] = mapped_column(String(255))  # the callee's entity id
    stream: Mapped[str] = mapped_column(String(160), server_default="")
    sequence: Mapped[int]  # per target and stream from 1; a gap where it was numbered anew
    kind: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)


class InboxMessage(Base):
    """A message that was taken: it has had its effect, or is parked; written with either."""

    __tablename__ = "store_inbox"
    sender: Mapped[str] = mapped_column(String(255), primary_key=True)  # its first key's thumbprint
    stream: Mapped[str] = mapped_column(String(160), primary_key=True, server_default="")
    sequence: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(Instant)


class ParkedMessage(Base):
    """A message that was taken and could not be handled, or waits behind one of its stream."""

    __tablename__ = "store_parked"
    __table_args__ = (
        UniqueConstraint("sender", "stream", "sequence"),
        Index("ix_store_parked_state", "state", "sender", "stream", "id"),
        CheckConstraint(
            "(decided_by IS NULL AND state <> 'DROPPED') OR (decided_by IS NOT NULL"
            " AND drop_proposed_by IS NOT NULL AND decided_by <> drop_proposed_by)",
            name="dropped_by_two",
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    sender: Mapped[str] = mapped_column(String(255))  # its first key's thumbprint
    sender_code: Mapped[str] = mapped_column(String(12))
    entity_id: Mapped[str] = mapped_column(String(255))
    stream: Mapped[str] = mapped_column(String(160))
    sequence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(default=0)  # bytes of its body; 0 once it is decided
    state: Mapped[str] = mapped_column(String(8))  # PARKED BEHIND DONE DROPPED
    code: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0)
    drop_proposed_by: Mapped[str | None] = mapped_column(String(255))
    drop_reason: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


class ParkedPart(Base):
    """A part of the body of a parked message: written and read one at a time, gone once decided."""

    __tablename__ = "store_parked_part"
    message_id: Mapped[int] = mapped_column(
        AutoId, ForeignKey("store_parked.id"), primary_key=True, autoincrement=False
    )
    part: Mapped[int] = mapped_column(primary_key=True)  # from 0
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Lease(Base):
    """Who may work on something now; `expires` is monotonic seconds of the machine."""

    __tablename__ = "store_lease"
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    expires: Mapped[float]


class OwnVoice(Base):
    """With which voice this database speaks for its server, one row (`voices.py`)."""

    __tablename__ = "store_own_voice"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger)  # 0, or when its restore began it, in seconds
    start: Mapped[int]  # of how many in the epoch
    nonce: Mapped[str] = mapped_column(String(16))
    received_until: Mapped[datetime | None] = mapped_column(Instant)  # the last message it has
    refused_by: Mapped[str] = mapped_column(Text)  # JSON: entity ids of who heard another one
    silenced_at: Mapped[datetime | None] = mapped_column(Instant)


class PeerVoice(Base):
    """With which voice another server was heard last."""

    __tablename__ = "store_peer_voice"
    sender: Mapped[str] = mapped_column(String(255), primary_key=True)  # its first key's thumbprint
    epoch: Mapped[int] = mapped_column(BigInteger)
    start: Mapped[int]
    nonce: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(Instant)


class IdempotentResult(Base):
    """What a mutation did under an idempotency key; kept for ever."""

    __tablename__ = "store_idempotency"
    principal: Mapped[str] = mapped_column(String(255), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    input_digest: Mapped[str] = mapped_column(String(64))
    result_id: Mapped[str] = mapped_column(String(255))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
