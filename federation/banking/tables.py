"""What each entry of a bank settled, who sees to it, set-offs of overpayments, officers' limits."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant


class Match(Base):
    """An act on an entry: PROPOSED, SETTLED or UNDONE. Never changed; undoing is another row.

    Entry and number are unique: of two officers acting at once, one comes second.
    """

    __tablename__ = "bank_match"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        CheckConstraint("act IN ('PROPOSED', 'SETTLED', 'UNDONE')", name="act"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("bank_entry.id"))
    number: Mapped[int]  # per entry, from 1
    act: Mapped[str] = mapped_column(String(8))
    match_of: Mapped[int | None] = mapped_column(ForeignKey("bank_match.id"))  # approved or undone
    reason: Mapped[str] = mapped_column(Text)  # of the suggestion, or the officer's
    acted_by: Mapped[str] = mapped_column(String(255))
    acted_at: Mapped[datetime] = mapped_column(Instant)


class MatchItem(Base):
    """What an entry was for, or why it is less or more. In is positive, out negative."""

    __tablename__ = "bank_match_item"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_bank_match_item_ref", "kind", "ref"),
    )
    match_id: Mapped[int] = mapped_column(ForeignKey("bank_match.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(128))  # of what is expected, or the item it belongs to
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    note: Mapped[str] = mapped_column(Text)  # certificate, the bank's words
    made: Mapped[str | None] = mapped_column(String(160))  # receipt or document it made


class EntryOwner(Base):
    """Who sees to an entry: one person, until it is handed over or let go.

    Who saw to it before stands in the audit log.
    """

    __tablename__ = "bank_entry_owner"
    entry_id: Mapped[int] = mapped_column(ForeignKey("bank_entry.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    since: Mapped[datetime] = mapped_column(Instant)
    given_by: Mapped[str] = mapped_column(String(255))  # the owner itself where it took it


class EntryComment(Base):
    """What somebody said of an entry; never changed, and never taken away."""

    __tablename__ = "bank_entry_comment"
    entry_id: Mapped[int] = mapped_column(ForeignKey("bank_entry.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # per entry, from 1
    text: Mapped[str] = mapped_column(Text)
    said_by: Mapped[str] = mapped_column(String(255))
    said_at: Mapped[datetime] = mapped_column(Instant)


class OfficerLimit(Base):
    """Up to what one officer decides alone per kind and entry, from an instant: by two people.

    `amount` is in minor units of `currency`. It is in force once confirmed, never before that;
    rows are only added, so what was decided is judged by the limit of its time.
    """

    __tablename__ = "bank_officer_limit"
    __table_args__ = (
        CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by", name="maker_is_not_checker"
        ),
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_bank_officer_limit_currency", "currency", "kind", "since"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # BANK_CHARGE FX_DIFFERENCE TAX_WITHHELD
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


class OverpaymentSetOff(Base):
    """What was paid too much, set against something else its payer owes: by two people.

    `amount` of `currency` is taken from the overpayment, `debt` of the account that owes it back.
    One that is approved is undone by two people again, who need not be others.
    """

    __tablename__ = "bank_set_off"
    __table_args__ = (
        CheckConstraint(
            "state NOT IN ('APPROVED', 'UNDONE')"
            " OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="maker_is_not_checker",
        ),
        CheckConstraint(
            "(undone_by IS NULL AND state <> 'UNDONE') OR (undone_by IS NOT NULL"
            " AND undo_proposed_by IS NOT NULL AND undone_by <> undo_proposed_by)",
            name="undone_by_two",
        ),
        CheckConstraint("state IN ('PROPOSED', 'APPROVED', 'WITHDRAWN', 'UNDONE')", name="state"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    overpayment: Mapped[str] = mapped_column(String(48), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # INVOICE REMITTANCE_IN
    ref: Mapped[str] = mapped_column(String(35))  # the licence, or the remittance
    amount: Mapped[int] = mapped_column(BigCount)
    debt: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12))
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    # The receipt or entry it made, `-` for none; null of a remittance before 0021 only.
    made: Mapped[str | None] = mapped_column(String(160))
    undo_reason: Mapped[str | None] = mapped_column(Text)
    undo_proposed_by: Mapped[str | None] = mapped_column(String(255))
    undo_proposed_at: Mapped[datetime | None] = mapped_column(Instant)
    undone_by: Mapped[str | None] = mapped_column(String(255))
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
