"""Exchange by published reference rates, exactly (SETTLEMENT §0, convert)."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import ClassVar

from federation.errors import RefusalError
from federation.money import exponent
from federation.values.month import Month, last_day

MAX_AGE = timedelta(days=7)
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,20})?")


class MissingRateError(RefusalError):
    """A currency that money is converted from or to has no published rate."""

    code: ClassVar[str] = "NO_RATE"


class StaleRateError(RefusalError):
    """The last published rate of a currency is older than seven days."""

    code: ClassVar[str] = "STALE_RATE"


class MalformedRateError(RefusalError):
    """A rate is a decimal number above 0, written in digits."""

    code: ClassVar[str] = "MALFORMED_RATE"


class DuplicateRateError(RefusalError):
    """There are two rates for one currency and day."""

    code: ClassVar[str] = "DUPLICATE_RATE"


class Rates:
    """What one unit of the clearing currency costs, as published; notes which rates were used.

    With `on`, the last day of the period, a rate published later does not exist and one older
    than seven days is refused, each when money needs it and not before.
    """

    def __init__(
        self, clearing: str, published: Mapping[str, tuple[str, str]], *, on: date | None = None
    ) -> None:
        self.clearing = clearing
        self.on = on
        self._published = dict(published)
        self._exact: dict[str, Fraction] = {}

    @property
    def published(self) -> dict[str, tuple[str, str]]:
        """Return {currency: (date, rate)} of every rate there is to consult."""
        return dict(self._published)

    @property
    def used(self) -> dict[str, tuple[str, str]]:
        """Return {currency: (date, rate)} of every rate consulted so far."""
        return {currency: self._published[currency] for currency in sorted(self._exact)}

    def convert(self, amount: int, source: str, target: str) -> int:
        """Convert minor units, rounding half to even; 0 needs no rate."""
        if amount == 0 or source == target:
            return amount
        return round(amount * self.factor(source, target))

    def factor(self, source: str, target: str) -> Fraction:
        """Return the exact number of minor units of `target` for one of `source`."""
        if source == target:
            return Fraction(1)
        shift = Fraction(10) ** (exponent(target) - exponent(source))
        return shift * self._rate(target) / self._rate(source)

    def _rate(self, currency: str) -> Fraction:
        if currency == self.clearing:
            return Fraction(1)
        if currency not in self._exact:
            self._exact[currency] = self._consult(currency)
        return self._exact[currency]

    def _consult(self, currency: str) -> Fraction:
        when = f" on {self.on}" if self.on else ""
        if currency not in self._published:
            raise MissingRateError(f"{currency}{when}")
        day, rate = self._published[currency]
        if self.on is not None and date.fromisoformat(day) > self.on:
            raise MissingRateError(f"{currency}{when}, only on {day}")
        if self.on is not None and self.on - date.fromisoformat(day) > MAX_AGE:
            raise StaleRateError(f"{currency}{when}, last on {day}")
        return parse_rate(rate)


def parse_rate(text: str) -> Fraction:
    """Return the exact value of a published rate."""
    if _DECIMAL.fullmatch(text) is None or not Fraction(text):
        raise MalformedRateError(repr(text[:40]))
    return Fraction(text)


def reference_rates(table: Iterable[tuple[date, str, str]], clearing: str, period: Month) -> Rates:
    """Return the last rates published on or before the last day of a period."""
    on = last_day(period)
    chosen: dict[str, tuple[date, str]] = {}
    seen: set[tuple[date, str]] = set()
    for day, currency, rate in table:
        if (day, currency) in seen:
            raise DuplicateRateError(f"{currency} on {day}")
        seen.add((day, currency))
        if day <= on and (currency not in chosen or chosen[currency][0] < day):
            chosen[currency] = (day, rate)
    published = {currency: (day.isoformat(), rate) for currency, (day, rate) in chosen.items()}
    return Rates(clearing, published, on=on)
