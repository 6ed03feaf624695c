"""The journal: entries, their postings, and the heads that settled months left."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.month import Month


class LedgerHead(Base):
    """Where the journal stood when a month was settled; never changed.

    `opening` is the head of the month settled before, so the heads are a chain as well.
    """

    __tablename__ = "settlement_ledger_head"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    opening: Mapped[str] = mapped_column(String(64))
    head: Mapped[str] = mapped_column(String(64))
    # Null while nothing was ever posted.
    entry_id: Mapped[int | None] = mapped_column(AutoId, ForeignKey("settlement_entry.id"))
    kept_at: Mapped[datetime] = mapped_column(Instant)


class JournalEntry(Base):
    """One transaction of this server's books; never changed, only reversed by another."""

    __tablename__ = "settlement_entry"
    __table_args__ = (
        UniqueConstraint("document"),
        Index("ix_settlement_entry_previous", "previous", unique=True),  # no fork
        Index("ix_settlement_entry_hash", "hash", unique=True),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    posted_on: Mapped[date]
    document: Mapped[str] = mapped_column(String(160))  # what it records; posted once
    narration: Mapped[str] = mapped_column(Text)
    reverses: Mapped[int | None] = mapped_column(ForeignKey("settlement_entry.id"))
    # Null only in rows from before the chain (ledger/chain.py).
    recorded_at: Mapped[datetime | None] = mapped_column(Instant)  # never goes backwards
    previous: Mapped[str | None] = mapped_column(String(64))
    hash: Mapped[str | None] = mapped_column(String(64))


class JournalPosting(Base):
    """An amount that leaves one account and enters another: zero-sum by its very shape."""

    __tablename__ = "settlement_posting"
    __table_args__ = (
        CheckConstraint(
            "length(amount) > 0 AND amount NOT LIKE '-%' AND amount <> '0'", name="amount"
        ),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("ix_settlement_posting_entry_id", "entry_id"),
        Index("ix_settlement_posting_debit", "debit", "id"),
        Index("ix_settlement_posting_credit", "credit", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("settlement_entry.id"))
    debit: Mapped[str] = mapped_column(String(80))
    credit: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    meta: Mapped[str] = mapped_column(Text)  # member, licence, use, service period, run: JSON
