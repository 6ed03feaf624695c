"""What a bank says, as values: statements, entries with their details, reports on payments. Pure.

Amounts are integers in minor units, above 0 with a direction as banks write them; `signed` is
positive for money that comes in.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Direction = Literal["CREDIT", "DEBIT"]
Kind = Literal["camt.053", "camt.054", "pain.002"]


def signed(amount: int, direction: Direction) -> int:
    """Return an amount as the holder of the account sees it: in is positive, out negative."""
    return amount if direction == "CREDIT" else -amount


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands: line, statement and entry, from 1; 0 is none."""

    line: int = 0
    statement: int = 0
    entry: int = 0

    def __str__(self) -> str:
        parts = [
            f"{name} {number}"
            for name, number in (
                ("line", self.line),
                ("statement", self.statement),
                ("entry", self.entry),
            )
            if number
        ]
        return ", ".join(parts) or "file"


@dataclass(frozen=True, slots=True)
class Instructed:
    """The amount as it was ordered, where the bank converted it: minor units of its currency."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction of an entry. `references` are all its other ids, as the bank wrote them.

    `charges` are minor units that the bank took out of the amount; `return_reason` is the code
    by which a payment came back. `other_names` are the parties on whose behalf the counterparty
    acted. `movement_ids` are the references that name this movement and no other.

    `further_references` and `further_text` come from places that only some banks fill. They help
    to match a transaction and are no part of its identity (`banking.checks`), so that statements
    are known again which were imported before those places were read.
    """

    amount: int
    currency: str
    direction: Direction
    end_to_end_id: str | None = None
    bank_reference: str | None = None
    references: tuple[str, ...] = ()
    counterparty_name: str | None = None
    counterparty_account: str | None = None
    remittance: str = ""
    instructed: Instructed | None = None
    charges: int = 0
    return_reason: str | None = None
    other_names: tuple[str, ...] = ()
    further_references: tuple[str, ...] = ()
    further_text: str = ""
    movement_ids: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return all free text of the transaction: the remittance, then what is said elsewhere."""
        more = "" if self.further_text in self.remittance else self.further_text
        return " ".join(part for part in (self.remittance, more) if part)


@dataclass(frozen=True, slots=True)
class BankEntry:
    """A line of a statement: one movement of the account, with one or many transactions behind.

    The amount may be 0: a line by which the bank only tells something.

    `status` is BOOK, PDNG or INFO (only what is booked counts); `reference` is the bank's own,
    `number` the bank's numbering within this statement, `batch` its ids of a collective order.
    """

    place: Place
    amount: int
    currency: str
    direction: Direction
    status: str
    booked_on: date | None
    value_on: date | None
    reference: str | None = None
    number: str | None = None
    transaction_code: str = ""
    text: str = ""
    is_reversal: bool = False
    charges: int = 0
    instructed: Instructed | None = None
    batch: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()

    @property
    def only(self) -> Detail | None:
        """Return the one transaction of an entry that is no batch."""
        return self.details[0] if len(self.details) == 1 else None

    @property
    def signed(self) -> int:
        """Return the amount: in is positive, out negative."""
        return signed(self.amount, self.direction)

    @property
    def is_booked(self) -> bool:
        """Say whether the money has moved."""
        return self.status == "BOOK"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement (camt.053) or a notification without balances (camt.054) of one account.

    `opening` and `closing` are signed minor units of `currency`; a page of a longer statement
    opens and closes with interim balances. `from_on` and `to_on` are the stated period, or the
    days of the two balances.
    """

    place: Place
    id: str
    account: str
    currency: str | None
    sequence: int | None
    page: int | None
    from_on: date | None
    to_on: date | None
    opening: int | None
    closing: int | None
    entries: tuple[BankEntry, ...]


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What a bank says of one payment (by EndToEndId): ISO status, and the reason of a refusal."""

    place: Place
    end_to_end_id: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A report on a payment file: on the whole, and on payments by their id (pain.002)."""

    id: str
    original_message_id: str
    status: str | None
    reason: str
    payments: tuple[PaymentStatus, ...]


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file as a bank sent it: what it is, and what it says."""

    kind: Kind
    version: int
    message_id: str
    statements: tuple[Statement, ...] = ()
    report: StatusReport | None = None
