"""The journal as text for hledger: every amount stands in a transaction and in an assertion. Pure.

Each transaction is zero per currency by itself and the last one asserts the balance of every
account, so an amount changed by one minor unit is refused wherever it is changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from federation.ledger.beancount import BadJournalError, ExportEntry, ExportPosting, one_line
from federation.money import decimal_text, exponent

_ROOTS = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})


def write_hledger(title: str, entries: Iterable[ExportEntry]) -> bytes:
    """Return the journal of one server, sorted by date and document."""
    posted = list(entries)
    transactions = sorted(
        (entry.posted_on, one_line(entry.document).encode(), _transaction(entry))
        for entry in posted
    )
    blocks = [
        f"; {one_line(title)}\n",
        "".join(f"{line}\n" for line in _declarations(posted)),
        *(text for _, _, text in transactions),
        _assertions(posted),
    ]
    return "\n".join(block for block in blocks if block).encode()


def _transaction(entry: ExportEntry) -> str:
    """Return a transaction with its postings sorted, so that their order tells nothing."""
    legs = sorted(map(_legs, entry.postings), key=str.encode)
    head = f"{entry.posted_on} * {_description(entry.narration)}\n"
    return f"{head}    ; document: {one_line(entry.document)}\n{''.join(legs)}"


def _legs(posting: ExportPosting) -> str:
    if posting.amount < 1 or posting.debit == posting.credit:
        raise BadJournalError(f"{posting.amount} from {posting.credit} to {posting.debit}")
    meta = "".join(f"    ; {key}: {one_line(posting.meta[key])}\n" for key in sorted(posting.meta))
    return "".join(
        f"    {_account(account)}  {_amount(amount, posting.currency)}\n{meta}"
        for account, amount in (
            (posting.debit, posting.amount),
            (posting.credit, -posting.amount),
        )
    )


def _amount(minor: int, currency: str) -> str:
    return f"{decimal_text(minor, currency)} {currency}"


def _account(name: str) -> str:
    """Return an account as hledger reads it: as it is, if nothing in it means anything."""
    root, *components = name.split(":")
    plain = all(part and not set(part) & set(' \t;"') for part in components)
    if root not in _ROOTS or not components or not plain or one_line(name) != name:
        raise BadJournalError(f"no account: {name[:80]!r}")
    return name


def _moves(entries: Iterable[ExportEntry]) -> Iterator[tuple[str, str, int]]:
    for entry in entries:
        for posting in entry.postings:
            yield posting.debit, posting.currency, posting.amount
            yield posting.credit, posting.currency, -posting.amount


def _declarations(entries: Sequence[ExportEntry]) -> Iterator[str]:
    """Yield each currency with its decimals, and each account, for `hledger check --strict`."""
    for currency in sorted({currency for _, currency, _ in _moves(entries)}):
        # A decimal mark has to stand there even where no decimals follow.
        yield f"commodity 1.{'0' * exponent(currency)} {currency}"
    for account in sorted({account for account, _, _ in _moves(entries)}):
        yield f"account {_account(account)}"


def _assertions(entries: Sequence[ExportEntry]) -> str:
    """Return a transaction of nothing, the day after the last, that states every balance."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for account, currency, amount in _moves(entries):
        sums[account, currency] += amount
    if not sums:
        return ""
    day = max((entry.posted_on for entry in entries), default=date.min) + timedelta(days=1)
    lines = [
        f"    {account}  {_amount(0, currency)} = {_amount(balance, currency)}\n"
        for (account, currency), balance in sorted(sums.items())
    ]
    return f"{day} * Balances\n" + "".join(lines)


def _description(text: str) -> str:
    """Return text for a description: a semicolon would begin a comment, the rest is kept."""
    return one_line(text).replace(";", ",").strip() or "-"
