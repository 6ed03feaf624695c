"""The journal as text for beancount 3: every amount stands in a transaction and in a balance. Pure.

An outside program refuses the file when one minor unit of it was changed (SETTLEMENT §5). What the
postings mean is not known here.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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


class BeancountText:
    """What is written of a journal whose entries come by twice: to be counted, and to be written.

    `count` every entry first; then `head`, each `transaction` in order, and `tail` are the file,
    what is not empty parted by an empty line.
    """

    def __init__(self, title: str) -> None:
        """Begin to count the journal of one server."""
        self._title = title
        self._first: dict[str, date] = {}
        self._currencies: defaultdict[str, set[str]] = defaultdict(set)
        self._sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._moved: defaultdict[str, int] = defaultdict(int)
        self._last = date.min

    def count(self, entry: ExportEntry) -> None:
        """Take an entry into what stands before and after the transactions."""
        self._last = max(self._last, entry.posted_on)
        for account, currency, amount in _moves(entry):
            self._first[account] = min(entry.posted_on, self._first.get(account, entry.posted_on))
            self._currencies[account].add(currency)
            self._sums[account, currency] += amount
            self._moved[currency] += abs(amount)
            if self._moved[currency] >= _SUM_BELOW:
                raise BadJournalError(f"sums of {currency} outgrow 28 digits")

    def head(self) -> Iterator[str]:
        """Yield what stands before the transactions."""
        yield f'; {one_line(self._title)}\noption "title" {_quoted(self._title)}\n{_EXACT}\n'
        opens = [
            f"{self._first[account]} open {account_name(account)} "
            f"{','.join(sorted(self._currencies[account]))}\n"
            for account in sorted(self._first)
        ]
        yield "".join(opens)

    def transaction(self, entry: ExportEntry) -> str:
        """Return a transaction with its postings sorted, so that their order tells nothing."""
        document = _quoted(entry.document)
        head = f"{entry.posted_on} * {_quoted(entry.narration)}\n  document: {document}\n"
        return head + "".join(sorted(map(_legs, entry.postings), key=str.encode))

    def tail(self) -> str:
        """Return a `balance` per account and currency, the day after the last entry, to the unit.

        Beancount compares the balance of an account together with the accounts below it.
        """
        sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        for (account, currency), amount in self._sums.items():
            for above in accumulate(account.split(":"), "{}:{}".format):
                if (above, currency) in self._sums:
                    sums[above, currency] += amount
        day = self._last + timedelta(days=1)
        return "".join(
            f"{day} balance {account_name(account)}  "
            f"{decimal_text(sums[account, currency], currency)} ~ 0 {currency}\n"
            for account, currency in sorted(sums)
        )


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


def _moves(entry: ExportEntry) -> Iterator[tuple[str, str, int]]:
    """Yield (account, currency, signed amount) of every leg."""
    for posting in entry.postings:
        yield posting.debit, posting.currency, posting.amount
        yield posting.credit, posting.currency, -posting.amount


def _quoted(text: str) -> str:
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_line(text: str) -> str:
    """Return text without what would end a line or cannot be written as UTF-8."""
    return _UNPRINTABLE.sub(" ", text)
