"""The journal as text for beancount 3: every amount stands in a transaction and in a balance. Pure.

An outside program refuses the file when one minor unit of it was changed (SETTLEMENT §5). What the
postings mean is not known here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import ClassVar

from federation.errors import RefusalError
from federation.money import decimal_text

# Without it beancount forgives a balance one minor unit, a transaction half of one.
_EXACT = 'option "tolerance_multiplier" "0"'
_ROOTS = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})
_COMPONENT = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")
_NOT_AT_THE_FRONT = re.compile(r"X*-")
_KEY = re.compile(r"[a-z][a-z0-9_-]+")
_RESERVED_KEYS = frozenset({"filename", "lineno"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


# Beancount adds decimals of 28 digits and rounds longer ones.
_SUM_BELOW = 10**28


class BadJournalError(RefusalError):
    """The journal cannot be written as a beancount file."""

    code: ClassVar[str] = "BAD_JOURNAL"


@dataclass(frozen=True, slots=True)
class ExportPosting:
    """An amount above 0, in minor units, that leaves `credit` and enters `debit`."""

    debit: str
    credit: str
    amount: int
    currency: str
    meta: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """One transaction of the books; `document` names what it records."""

    posted_on: date
    document: str
    narration: str
    postings: Sequence[ExportPosting]


def write_beancount(title: str, entries: Iterable[ExportEntry]) -> bytes:
    """Return the journal of one server, sorted by date and document."""
    posted = list(entries)
    _refuse_long_sums(posted)
    transactions = sorted(
        (entry.posted_on, one_line(entry.document).encode(), _transaction(entry))
        for entry in posted
    )
    blocks = [
        f'; {one_line(title)}\noption "title" {_quoted(title)}\n{_EXACT}\n',
        "".join(f"{line}\n" for line in _opens(posted)),
        *(text for _, _, text in transactions),
        "".join(f"{line}\n" for line in _balances(posted)),
    ]
    return "\n".join(block for block in blocks if block).encode()


def account_name(account: str) -> str:
    """Return an account as beancount reads it; two accounts never become the same.

    A party's code may begin with a hyphen, a name in beancount may not: such a code gets an X in
    front, and so does every code that would look like one that got it (`-A`, `X-A`, `XX-A`).
    """
    root, *components = account.split(":")
    names = [f"X{c}" if _NOT_AT_THE_FRONT.match(c) else c for c in components]
    if root not in _ROOTS or not names or not all(map(_COMPONENT.fullmatch, names)):
        raise BadJournalError(f"no account: {account[:80]!r}")
    return ":".join([root, *names])


def _transaction(entry: ExportEntry) -> str:
    """Return a transaction with its postings sorted, so that their order tells nothing."""
    head = (
        f"{entry.posted_on} * {_quoted(entry.narration)}\n  document: {_quoted(entry.document)}\n"
    )
    return head + "".join(sorted(map(_legs, entry.postings), key=str.encode))


def _legs(posting: ExportPosting) -> str:
    """Return the two legs of a posting, each with its metadata."""
    if posting.amount < 1 or posting.debit == posting.credit:
        raise BadJournalError(f"{posting.amount} from {posting.credit} to {posting.debit}")
    keys = sorted(posting.meta)
    for key in keys:
        if _KEY.fullmatch(key) is None or key in _RESERVED_KEYS:
            raise BadJournalError(f"no key of metadata: {key[:40]!r}")
    meta = "".join(f"    {key}: {_quoted(posting.meta[key])}\n" for key in keys)
    return "".join(
        f"  {account_name(account)}  {decimal_text(amount, posting.currency)} {posting.currency}\n"
        f"{meta}"
        for account, amount in (
            (posting.debit, posting.amount),
            (posting.credit, -posting.amount),
        )
    )


def _moves(entries: Iterable[ExportEntry]) -> Iterator[tuple[date, str, str, int]]:
    """Yield (date, account, currency, signed amount) of every leg."""
    for entry in entries:
        for posting in entry.postings:
            yield entry.posted_on, posting.debit, posting.currency, posting.amount
            yield entry.posted_on, posting.credit, posting.currency, -posting.amount


def _opens(entries: Sequence[ExportEntry]) -> Iterator[str]:
    """Yield an `open` per account on the day of its first use, for the currencies it holds."""
    first: dict[str, date] = {}
    currencies: defaultdict[str, set[str]] = defaultdict(set)
    for day, account, currency, _ in _moves(entries):
        first[account] = min(day, first.get(account, day))
        currencies[account].add(currency)
    for account in sorted(first):
        held = ",".join(sorted(currencies[account]))
        yield f"{first[account]} open {account_name(account)} {held}"


def _balances(entries: Sequence[ExportEntry]) -> Iterator[str]:
    """Yield a `balance` per account and currency, the day after the last entry, to the unit.

    Beancount compares the balance of an account together with the accounts below it.
    """
    held = {(account, currency) for _, account, currency, _ in _moves(entries)}
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for _, account, currency, amount in _moves(entries):
        for above in accumulate(account.split(":"), "{}:{}".format):
            if (above, currency) in held:
                sums[above, currency] += amount
    day = max((entry.posted_on for entry in entries), default=date.min) + timedelta(days=1)
    for account, currency in sorted(sums):
        text = decimal_text(sums[account, currency], currency)
        yield f"{day} balance {account_name(account)}  {text} ~ 0 {currency}"


def _refuse_long_sums(entries: Iterable[ExportEntry]) -> None:
    moved: defaultdict[str, int] = defaultdict(int)
    for _, _, currency, amount in _moves(entries):
        moved[currency] += abs(amount)
        if moved[currency] >= _SUM_BELOW:
            raise BadJournalError(f"sums of {currency} outgrow 28 digits")


def _quoted(text: str) -> str:
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_line(text: str) -> str:
    """Return text without what would end a line or cannot be written as UTF-8."""
    return _UNPRINTABLE.sub(" ", text)
