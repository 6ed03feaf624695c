"""Amounts of money: integers in minor units of an ISO 4217 currency, never a float."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from iso4217 import Currency

from federation.errors import RefusalError


class UnknownCurrencyError(RefusalError):
    """This is not an ISO 4217 currency with a minor unit."""

    code: ClassVar[str] = "UNKNOWN_CURRENCY"


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of `currency` (ISO 4217: EUR 2, JPY 0, KWD 3)."""
    try:
        digits = Currency(currency).exponent
    except ValueError as error:
        raise UnknownCurrencyError(currency) from error
    if digits is None:
        raise UnknownCurrencyError(currency)
    return int(digits)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency: `Money(123456, "EUR")` is EUR 1,234.56."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{decimal_text(self.minor, self.currency)} {self.currency}"


def decimal_text(minor: int, currency: str) -> str:
    """Write an amount with exactly the decimals of its currency: 1012 JPY is "1012"."""
    digits = exponent(currency)
    sign = "-" if minor < 0 else ""
    if digits == 0:
        return f"{sign}{abs(minor)}"
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"
