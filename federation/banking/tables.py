"""Bank accounts, files, statements, entries with their details, and what each entry settled."""

from datetime import date, datetime

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


class BankAccount(Base):
    """An account of this server at a bank, in one currency."""

    __tablename__ = "bank_account"
    __table_args__ = (
        UniqueConstraint("account", "currency"),
        CheckConstraint("scheme IN ('IBAN', 'OTHER')", name="scheme"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    account: Mapped[str] = mapped_column(String(34))
    scheme: Mapped[str] = mapped_column(String(5))
    currency: Mapped[str] = mapped_column(String(3))
    name: Mapped[str] = mapped_column(String(140))
    opened_by: Mapped[str] = mapped_column(String(255))
    opened_at: Mapped[datetime] = mapped_column(Instant)


class File(Base):
    """A file as the bank sent it, byte for byte, kept once."""

    __tablename__ = "bank_file"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    version: Mapped[int]
    content: Mapped[bytes]
    imported_by: Mapped[str] = mapped_column(String(255))
    imported_at: Mapped[datetime] = mapped_column(Instant)


WITHDRAWN, IMPORTED = "WITHDRAWN", "IMPORTED"


class FileAct(Base):
    """A file was withdrawn, with a reason, or imported again. Acts are only added."""

    __tablename__ = "bank_file_act"
    __table_args__ = (CheckConstraint("act IN ('WITHDRAWN', 'IMPORTED')", name="act"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    file: Mapped[str] = mapped_column(ForeignKey("bank_file.sha256"), index=True)
    act: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str] = mapped_column(Text)
    acted_by: Mapped[str] = mapped_column(String(255))
    acted_at: Mapped[datetime] = mapped_column(Instant)


class StatementRow(Base):
    """A statement that added something: it opens where the one before it closed."""

    __tablename__ = "bank_statement"
    __table_args__ = (UniqueConstraint("account_id", "number"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    # Per account, gap-free from 1, in the order of their balances; below 0 once it is withdrawn.
    number: Mapped[int]
    file: Mapped[str] = mapped_column(ForeignKey("bank_file.sha256"))
    bank_id: Mapped[str] = mapped_column(Text)  # as the bank calls it
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]
    opening: Mapped[int] = mapped_column(BigInteger)  # signed minor units of the account
    closing: Mapped[int] = mapped_column(BigInteger)


class Entry(Base):
    """A movement of the account. OPENING is the balance an account had before its first statement.

    `identity` names the movement whatever statement it is in; what is not booked has another.
    """

    __tablename__ = "bank_entry"
    __table_args__ = (
        UniqueConstraint("account_id", "identity"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("direction IN ('CREDIT', 'DEBIT')", name="direction"),
        Index("ix_bank_entry_state", "state", "id"),
        Index("ix_bank_entry_statement_id", "statement_id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"))
    identity: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))  # ENTRY | OPENING
    status: Mapped[str] = mapped_column(String(4))  # BOOK PDNG INFO, VOID if withdrawn
    state: Mapped[str] = mapped_column(String(8))  # OPEN PROPOSED SETTLED, NONE if not booked
    reference: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    direction: Mapped[str] = mapped_column(String(6))
    booked_on: Mapped[date | None]
    value_on: Mapped[date | None]
    transaction_code: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    batch: Mapped[str] = mapped_column(Text)  # JSON list
    charges: Mapped[int] = mapped_column(BigInteger)
    instructed: Mapped[int | None] = mapped_column(BigInteger)
    instructed_currency: Mapped[str | None] = mapped_column(String(3))

    @property
    def signed(self) -> int:
        """Return the amount: in is positive, out negative."""
        return self.amount if self.direction == "CREDIT" else -self.amount


class DetailRow(Base):
    """A transaction behind an entry; `notified_by` is the camt.054 that told of it."""

    __tablename__ = "bank_detail"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)
    entry_id: Mapped[int] = mapped_column(ForeignKey("bank_entry.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    direction: Mapped[str] = mapped_column(String(6))
    end_to_end_id: Mapped[str | None] = mapped_column(Text, index=True)
    refs: Mapped[str] = mapped_column(Text)  # JSON list
    counterparty_name: Mapped[str | None] = mapped_column(Text)
    counterparty_account: Mapped[str | None] = mapped_column(Text)
    other_names: Mapped[str] = mapped_column(
        Text, server_default="[]"
    )  # JSON list: on whose behalf
    remittance: Mapped[str] = mapped_column(Text)
    charges: Mapped[int] = mapped_column(BigInteger)
    instructed: Mapped[int | None] = mapped_column(BigInteger)
    instructed_currency: Mapped[str | None] = mapped_column(String(3))
    return_reason: Mapped[str | None] = mapped_column(Text)
    notified_by: Mapped[str | None] = mapped_column(ForeignKey("bank_file.sha256"))


class Notice(Base):
    """An entry of a camt.054 that waits for the statement it belongs to."""

    __tablename__ = "bank_notice"
    __table_args__ = (UniqueConstraint("account_id", "identity"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    identity: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(ForeignKey("bank_file.sha256"))
    reference: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    direction: Mapped[str] = mapped_column(String(6))
    booked_on: Mapped[date | None]
    details: Mapped[str] = mapped_column(Text)  # JSON, as values.Detail
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("bank_entry.id"))


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
    """

    __tablename__ = "bank_set_off"
    __table_args__ = (
        CheckConstraint(
            "state <> 'APPROVED' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="maker_is_not_checker",
        ),
        CheckConstraint("state IN ('PROPOSED', 'APPROVED', 'WITHDRAWN')", name="state"),
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
    made: Mapped[str | None] = mapped_column(String(160))  # the receipt it made
