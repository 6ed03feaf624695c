"""Bank accounts, files, statements, and entries with their details."""

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

from federation.store.base import AutoId, Base, Instant


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
        Index("ix_bank_entry_amount", "currency", "amount"),
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
