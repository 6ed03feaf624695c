"""The journal as text for hledger: every amount stands in a transaction and in an assertion. Pure.

Each transaction is zero per currency by itself and the last one asserts the balance of every
account, so an amount changed by one minor unit is refused wherever it is changed.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from federation.ledger.beancount import BadJournalError, ExportEntry, ExportPosting, one_line
from federation.money import decimal_text, exponent

_ROOTS = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})


class HledgerText:
    """What is written of a journal whose entries come by twice: to be counted, and to be written.

    Used as `BeancountText` is.
    """

    def __init__(self, title: str) -> None:
        """Begin to count the journal of one server."""
        self._title = title
        self._sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._last = date.min

    def count(self, entry: ExportEntry) -> None:
        """Take an entry into what stands before and after the transactions."""
        self._last = max(self._last, entry.posted_on)
        for posting in entry.postings:
            self._sums[posting.debit, posting.currency] += posting.amount
            self._sums[posting.credit, posting.currency] -= posting.amount

    def head(self) -> Iterator[str]:
        """Yield the title, and what `hledger check --strict` wants to be declared.

        Each currency comes with its decimals, and each account.
        """
        yield f"; {one_line(self._title)}\n"
        # A decimal mark has to stand there even where no decimals follow.
        commodities = [
            f"commodity 1.{'0' * exponent(currency)} {currency}\n"
            for currency in sorted({currency for _, currency in self._sums})
        ]
        accounts = sorted({account for account, _ in self._sums})
        yield "".join([*commodities, *(f"account {_account(account)}\n" for account in accounts)])

    def transaction(self, entry: ExportEntry) -> str:
        """Return a transaction with its postings sorted, so that their order tells nothing."""
        legs = sorted(map(_legs, entry.postings), key=str.encode)
        head = f"{entry.posted_on} * {_description(entry.narration)}\n"
        return f"{head}    ; document: {one_line(entry.document)}\n{''.join(legs)}"

    def tail(self) -> str:
        """Return a transaction of nothing, the day after the last, that states every balance."""
        if not self._sums:
            return ""
        day = self._last + timedelta(days=1)
        lines = [
            f"    {account}  {_amount(0, currency)} = {_amount(balance, currency)}\n"
            for (account, currency), balance in sorted(self._sums.items())
        ]
        return f"{day} * Balances\n" + "".join(lines)


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


def _description(text: str) -> str:
    """Return text for a description: a semicolon would begin a comment, the rest is kept."""
    return one_line(text).replace(";", ",").strip() or "-"
