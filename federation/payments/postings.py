"""What a payment enters in the books, step by step. Pure.

A debt leaves its account when the payment is exported and waits in transit; the bank's word takes
it to `Suspense:BankEntry`, where the imported bank entry stands. Where debt and bank differ in
currency, each side is entered in its own against the exchange account; where only the payment's
currency differs, what the bank's exchange cost or gave is realised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Entry, Posting, transfer
from federation.payments.names import payment_document


class BankAmountError(RefusalError):
    """The bank moved another amount than was to be paid."""

    code: ClassVar[str] = "BANK_AMOUNT"


@dataclass(frozen=True, slots=True)
class Amount:
    """Minor units of a currency, above 0."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Leg:
    """An account of this server's books, and how much enters or leaves it."""

    account: str
    amount: Amount


def exported(
    books: Accounts, payment_id: str, debt: Leg, on: date, meta: Mapping[str, str]
) -> Entry:
    """Return the entry of a payment given to the bank: the debt is in transit."""
    moved = transfer(
        debt.account, books.owed("InTransit"), debt.amount.minor, debt.amount.currency, meta
    )
    return _entry(payment_id, "exported", on, tuple(moved))


def rejected(
    books: Accounts, payment_id: str, debt: Leg, on: date, meta: Mapping[str, str]
) -> Entry:
    """Return the entry of a payment that the bank refused: it is owed again."""
    moved = transfer(
        books.owed("InTransit"), debt.account, debt.amount.minor, debt.amount.currency, meta
    )
    return _entry(payment_id, "rejected", on, tuple(moved))


def booked(
    books: Accounts, debt: Leg, paid: Amount, bank: Amount, meta: Mapping[str, str]
) -> tuple[Posting, ...]:
    """Return the postings of a payment that the bank debited."""
    _refuse_other_amount(paid, bank)
    return exchanged(
        books,
        Leg(books.owed("InTransit"), debt.amount),
        Leg(books.suspense("BankEntry"), bank),
        meta,
    )


def credited(
    books: Accounts, debt: Leg, paid: Amount, bank: Amount, meta: Mapping[str, str]
) -> tuple[Posting, ...]:
    """Return the postings of money that came in for a debt, or came back to it."""
    _refuse_other_amount(paid, bank)
    return exchanged(
        books,
        Leg(books.suspense("BankEntry"), bank),
        Leg(debt.account, debt.amount),
        meta,
    )


def exchanged(
    books: Accounts, debit: Leg, credit: Leg, meta: Mapping[str, str]
) -> tuple[Posting, ...]:
    """Move money from one account to another whose amount or currency is not the same."""
    into, out = debit.amount, credit.amount
    if into.currency != out.currency:
        exchange = books.equity("Clearing")
        return (
            *transfer(debit.account, exchange, into.minor, into.currency, meta),
            *transfer(exchange, credit.account, out.minor, out.currency, meta),
        )
    both, realised = min(into.minor, out.minor), books.equity("FxRealised")
    moved = 0 if debit.account == credit.account else both
    return (
        *transfer(debit.account, credit.account, moved, into.currency, meta),
        *transfer(debit.account, realised, into.minor - both, into.currency, meta),
        *transfer(realised, credit.account, out.minor - both, into.currency, meta),
    )


def reversal(entry: Entry, *, document: str, narration: str, on: date) -> Entry:
    """Return the entry that takes another back."""
    swapped = tuple(
        Posting(posting.credit, posting.debit, posting.amount, posting.currency, posting.meta)
        for posting in entry.postings
    )
    return Entry(on, document, narration, swapped, reverses=entry.document)


def _entry(payment_id: str, step: str, on: date, postings: tuple[Posting, ...]) -> Entry:
    return Entry(on, payment_document(payment_id, step), f"Payment {payment_id} {step}", postings)


def _refuse_other_amount(paid: Amount, bank: Amount) -> None:
    """In its own currency a payment is of its amount; charges are entries of their own."""
    if bank.minor <= 0 or (bank.currency == paid.currency and bank.minor != paid.minor):
        raise BankAmountError(
            f"{bank.minor} {bank.currency} for {paid.minor} {paid.currency}, in minor units"
        )
