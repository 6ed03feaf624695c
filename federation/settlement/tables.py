"""Rates, runs and their results, the journal, payments and what members are owed."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant


class Rate(Base):
    """The published price of one unit of the clearing currency, as the published text."""

    __tablename__ = "settlement_rate"
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    rate: Mapped[str] = mapped_column(String(40))
    recorded_by: Mapped[str] = mapped_column(String(255))


class Run(Base):
    """The settlement of one month: draft, calculated, advised, approved or withdrawn."""

    __tablename__ = "settlement_run"
    __table_args__ = (
        CheckConstraint(
            "approved_by IS NULL OR approved_by <> calculated_by", name="maker_is_not_checker"
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    period: Mapped[str] = mapped_column(String(7), index=True)
    state: Mapped[str] = mapped_column(String(12))  # CALCULATED ADVISED APPROVED WITHDRAWN
    document: Mapped[bytes]
    warnings: Mapped[str] = mapped_column(Text)
    calculated_by: Mapped[str] = mapped_column(String(255))
    calculated_at: Mapped[datetime] = mapped_column(Instant)
    approved_by: Mapped[str | None] = mapped_column(String(255))
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Text)
    corrects: Mapped[str | None] = mapped_column(String(64))  # the run whose result it replaces
    posted_in: Mapped[str | None] = mapped_column(String(7))  # the open month of a correction
    objections_until: Mapped[datetime | None] = mapped_column(Instant)


class LockedPeriod(Base):
    """A settled month: one approved run, for ever."""

    __tablename__ = "settlement_locked_period"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))


class Standing(Base):
    """What a settled month leaves to the next ones, per licence key."""

    __tablename__ = "settlement_standing"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    licence: Mapped[str] = mapped_column(String(64), primary_key=True)  # number or number/component
    recognised: Mapped[int] = mapped_column(BigCount)
    carried_forward: Mapped[int] = mapped_column(BigCount)


class OwnWeight(Base):
    """The weight of a month's own lines per licence key and party (not the fallback's)."""

    __tablename__ = "settlement_own_weight"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    licence: Mapped[str] = mapped_column(String(64), primary_key=True)
    party: Mapped[str] = mapped_column(String(12), primary_key=True)
    weight: Mapped[int] = mapped_column(BigCount)


class HeldItem(Base):
    """A part of a licensor's `~` share, itemised by URL: what a late claim may be paid from."""

    __tablename__ = "settlement_held_item"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    licence: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    url_key: Mapped[str] = mapped_column(Text)
    weight: Mapped[int] = mapped_column(BigCount)
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    held_since: Mapped[date]


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
    # Null only in rows from before the chain (settlement/ledger/chain.py).
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


class Distribution(Base):
    """What one node did with one run: its own frozen inputs and the result."""

    __tablename__ = "settlement_distribution"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))
    distribution_id: Mapped[str] = mapped_column(String(64))
    document: Mapped[bytes]  # the run, as received
    members: Mapped[str | None] = mapped_column(Text)  # [[member, entitled, works]] as JSON
    received: Mapped[int] = mapped_column(BigCount)
    domestic: Mapped[int] = mapped_column(BigCount)
    admin_fee: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[str] = mapped_column(Text)  # {reason: what this period added} as JSON
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class MemberAmount(Base):
    """What a run attributes to a member, line by line: the answer to "where is this from"."""

    __tablename__ = "settlement_member_amount"
    __table_args__ = (Index("ix_settlement_member_amount_member_id", "member_id", "period"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[str] = mapped_column(String(7), index=True)
    member_id: Mapped[str] = mapped_column(String(128))
    licence: Mapped[str | None] = mapped_column(String(64))
    use: Mapped[str | None] = mapped_column(String(64))
    units: Mapped[int] = mapped_column(BigCount)
    source: Mapped[str] = mapped_column(String(16))  # received domestic base tier
    part: Mapped[str] = mapped_column(String(16))  # received domestic
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))


class MemberBalance(Base):
    """Attributed and not yet payable, or payable: per member and period, appended.

    opening + attributed + adjusted = payable + outstanding; a debit is a negative outstanding.
    """

    __tablename__ = "settlement_member_balance"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    member_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    opening: Mapped[int] = mapped_column(BigCount)
    attributed: Mapped[int] = mapped_column(BigCount)
    adjusted: Mapped[int] = mapped_column(BigCount, server_default="0")
    payable: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[int] = mapped_column(BigCount)
    reason: Mapped[str | None] = mapped_column(String(32))
