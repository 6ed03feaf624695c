"""Outbox, inbox, leases and idempotency: how servers talk at least once and act exactly once."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class OutboxMessage(Base):
    """A message to another server, written in the transaction that caused it."""

    __tablename__ = "store_outbox"
    __table_args__ = (
        UniqueConstraint("target", "sequence"),
        Index("ix_store_outbox_waiting", "target", "delivered_at", "sequence"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    target: Mapped[str] = mapped_column(String(255))  # the callee's entity id
    sequence: Mapped[int]  # gap-free per target, from 1
    kind: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)


class InboxMessage(Base):
    """A message that has had its effect; the row is written in the effect's transaction."""

    __tablename__ = "store_inbox"
    sender: Mapped[str] = mapped_column(String(255), primary_key=True)  # its key's thumbprint
    sequence: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(Instant)


class Lease(Base):
    """Who may work on something now; `expires` is monotonic seconds of the machine."""

    __tablename__ = "store_lease"
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    expires: Mapped[float]


class IdempotentResult(Base):
    """What a mutation did under an idempotency key; kept for ever."""

    __tablename__ = "store_idempotency"
    principal: Mapped[str] = mapped_column(String(255), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    input_digest: Mapped[str] = mapped_column(String(64))
    result_id: Mapped[str] = mapped_column(String(255))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
