"""What a statement must fulfil by itself, and by what name its entries are known again. Pure."""

from collections import Counter
from collections.abc import Sequence
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


def identities(entries: Sequence[BankEntry]) -> list[str]:
    """Return by what each entry is known again in another statement or notification.

    That is the bank's own reference with day and amount: some banks give a payment and its charge
    one reference. An entry without one is known by all that the bank says of it; of several that
    are alike (two fees of a day) each has a number, but where one carries an id that names a
    single movement, its like is the same entry twice, and refused.
    """
    found: list[str] = []
    alike: Counter[str] = Counter()
    numbers: set[tuple[str, str]] = set()
    for entry in entries:
        key = _key(entry)
        name = digest(key)
        alike[name] += 1
        is_twice = alike[name] > 1 and (key[0] == "reference" or _names_one(entry))
        if entry.number is not None:
            is_twice = is_twice or (name, entry.number) in numbers
            numbers.add((name, entry.number))
        if is_twice:
            raise EntryTwiceError(
                f"{entry.place}: {entry.reference or entry.number or 'no reference'}"
            )
        found.append(name if alike[name] == 1 else digest([name, alike[name]]))
    return found


def reference_of(entry: BankEntry) -> str | None:
    """Return the bank's own reference of an entry, where it gives one."""
    return entry.reference or (entry.only.bank_reference if entry.only else None)


def _key(entry: BankEntry) -> list[Any]:
    """Return what tells a movement from others; a pending one is not the one booked later."""
    day = entry.booked_on or entry.value_on
    status = "BOOK" if entry.is_booked else entry.status
    common = [status, day.isoformat() if day else "", entry.direction, str(entry.amount)]
    reference = reference_of(entry)
    if reference is not None:
        end_to_end_id = entry.only.end_to_end_id if entry.only else None
        return ["reference", *common, reference, end_to_end_id or ""]
    details = [
        [detail.end_to_end_id or "", list(detail.references), detail.remittance, str(detail.amount)]
        for detail in entry.details
    ]
    value_on = entry.value_on.isoformat() if entry.value_on else ""
    return ["content", *common, value_on, entry.transaction_code, entry.text, details]


def _names_one(entry: BankEntry) -> bool:
    return any(detail.end_to_end_id or detail.references for detail in entry.details)
