"""The checks of one statement, and how its entries are recognised in another one. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from federation.bankfiles.entries import BankEntry, Statement
from federation.errors import RefusalError
from federation.money import decimal_text
from federation.store.canonical import digest


class BalanceMismatchError(RefusalError):
    """Opening balance and booked entries do not add up to the closing balance."""

    code: ClassVar[str] = "BALANCE_MISMATCH"


class EntryTwiceError(RefusalError):
    """A statement has an entry twice."""

    code: ClassVar[str] = "ENTRY_TWICE"


class CurrencyNotHeldError(RefusalError):
    """An amount is in another currency than the account."""

    code: ClassVar[str] = "CURRENCY_NOT_HELD"


def check_currency(statement: Statement, currency: str) -> None:
    """Refuse entries in another currency than the account's."""
    for entry in statement.entries:
        if entry.currency != currency:
            raise CurrencyNotHeldError(
                f"{entry.place}: {entry.currency}, the account is {currency}"
            )


def check_balances(statement: Statement, currency: str) -> None:
    """Refuse a statement whose opening balance and booked entries miss the closing (I17)."""
    if statement.opening is None or statement.closing is None:
        return
    booked = sum(entry.signed for entry in statement.entries if entry.is_booked)
    missing = statement.closing - statement.opening - booked
    if missing:
        texts = [decimal_text(minor, currency) for minor in (statement.opening, booked)]
        raise BalanceMismatchError(
            f"{statement.place}: opening {texts[0]}, booked {texts[1]}, closing "
            f"{decimal_text(statement.closing, currency)} {currency}: "
            f"{decimal_text(missing, currency)} is not explained"
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """How an entry is recognised when another statement or notification lists it too.

    `name` is a digest of what the bank says of the entry. Entries with the same name look alike,
    and `number` counts them from 1. `names_one` is true where the bank or the payer gave an id
    that belongs to one movement of money only (see `movement_ids`).
    """

    name: str
    number: int
    names_one: bool

    @property
    def text(self) -> str:
        """Return the identity as it is kept: 64 hexadecimal digits."""
        return numbered(self.name, self.number)


def numbered(name: str, number: int) -> str:
    """Return the identity of the n-th of the entries that look alike."""
    return name if number == 1 else digest([name, number])


def identities(entries: Sequence[BankEntry]) -> list[Identity]:
    """Return the identity of each entry of a statement or notification, in their order.

    An entry is recognised by the bank's reference, its day and its amount (some banks give a
    payment and its charge the same reference). Without a reference it is recognised by everything
    the bank says of it. Entries that look alike are counted; the balances prove how many there
    are. A statement is refused as ENTRY_TWICE where two entries have an id of one movement and
    the same content and number (`NtryRef`).
    """
    found: list[Identity] = []
    alike: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        key = _key(entry)
        name, names_one = digest(key), key[0] == "reference" or _names_one(entry)
        alike[name] += 1
        whole = (name, entry.number or "", digest(_content(entry)))
        if whole in seen and (names_one or entry.number is not None):
            raise EntryTwiceError(
                f"{entry.place}: {entry.reference or entry.number or 'no reference'}"
            )
        seen.add(whole)
        found.append(Identity(name, alike[name], names_one))
    return found


def reference_of(entry: BankEntry) -> str | None:
    """Return the bank's own reference of an entry, where it gives one."""
    return entry.reference or (entry.only.bank_reference if entry.only else None)


def _key(entry: BankEntry) -> list[Any]:
    """Return what an identity is a digest of; a pending entry differs from the one booked later.

    Identities in the database were made from this list. If it changes, statements imported before
    are no longer recognised.
    """
    day = entry.booked_on or entry.value_on
    status = "BOOK" if entry.is_booked else entry.status
    common = [status, day.isoformat() if day else "", entry.direction, str(entry.amount)]
    reference = reference_of(entry)
    if reference is not None:
        end_to_end_id = entry.only.end_to_end_id if entry.only else None
        return ["reference", *common, reference, end_to_end_id or ""]
    return ["content", *common, *_content(entry)]


def _content(entry: BankEntry) -> list[Any]:
    """Return what the bank says of an entry besides its reference."""
    details = [
        [detail.end_to_end_id or "", list(detail.references), detail.remittance, str(detail.amount)]
        for detail in entry.details
    ]
    value_on = entry.value_on.isoformat() if entry.value_on else ""
    return [value_on, entry.transaction_code, entry.text, details]


def _names_one(entry: BankEntry) -> bool:
    return any(detail.end_to_end_id or detail.movement_ids for detail in entry.details)
