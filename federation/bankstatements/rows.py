"""What is kept of a statement's entries and their details. Pure."""

from collections.abc import Sequence

import msgspec

from federation.bankfiles.entries import BankEntry, Detail, Statement
from federation.bankstatements.checks import reference_of
from federation.bankstatements.tables import BankAccount, DetailRow, Entry, StatementRow
from federation.store.canonical import digest


def entry_row(account: BankAccount, statement: StatementRow, name: str, entry: BankEntry) -> Entry:
    """Return the row of an entry, OPEN if it is booked; `name` is its identity."""
    return Entry(
        account_id=account.id,
        statement_id=statement.id,
        identity=name,
        kind="ENTRY",
        status=entry.status[:4],
        state="OPEN" if entry.is_booked else "NONE",
        reference=reference_of(entry),
        amount=entry.amount,
        currency=entry.currency,
        direction=entry.direction,
        booked_on=entry.booked_on or entry.value_on,
        value_on=entry.value_on,
        transaction_code=entry.transaction_code,
        text=entry.text,
        batch=msgspec.json.encode(entry.batch).decode(),
        charges=entry.charges,
        instructed=entry.instructed.amount if entry.instructed else None,
        instructed_currency=entry.instructed.currency if entry.instructed else None,
    )


def opening_row(account: BankAccount, row: StatementRow, statement: Statement) -> Entry:
    """Return the row of what an account held before its first statement: an entry to explain."""
    return Entry(
        account_id=account.id,
        statement_id=row.id,
        identity=digest(["opening"]),
        kind="OPENING",
        status="BOOK",
        state="OPEN",
        reference=None,
        amount=abs(row.opening),
        currency=account.currency,
        direction="CREDIT" if row.opening > 0 else "DEBIT",
        booked_on=statement.from_on,
        value_on=statement.from_on,
        transaction_code="",
        text="Balance before the first statement",
        batch="[]",
        charges=0,
        instructed=None,
        instructed_currency=None,
    )


def detail_rows(
    entry_id: int, details: Sequence[Detail], notified_by: str | None
) -> list[DetailRow]:
    """Return the rows of an entry's transactions, numbered from 1.

    `notified_by` is the file of the notification that told of them, None for the statement.
    """
    return [
        DetailRow(
            entry_id=entry_id,
            number=number,
            amount=detail.amount,
            currency=detail.currency,
            direction=detail.direction,
            end_to_end_id=detail.end_to_end_id,
            refs=msgspec.json.encode([*detail.references, *detail.further_references]).decode(),
            counterparty_name=detail.counterparty_name,
            other_names=msgspec.json.encode(detail.other_names).decode(),
            counterparty_account=detail.counterparty_account,
            remittance=detail.text,
            charges=detail.charges,
            instructed=detail.instructed.amount if detail.instructed else None,
            instructed_currency=detail.instructed.currency if detail.instructed else None,
            return_reason=detail.return_reason,
            notified_by=notified_by,
        )
        for number, detail in enumerate(details, start=1)
    ]
