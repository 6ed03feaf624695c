"""Balances and ages of accounts: exact sums of what was moved. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Sums:
    """What an account was debited and credited with, minor units of one currency."""

    debits: int = 0
    credits: int = 0

    @property
    def balance(self) -> int:
        """Return debits less credits: negative for what is owed."""
        return self.debits - self.credits


@dataclass(slots=True)
class TrialBalance:
    """The sums of every account by (name, currency); debits equal credits in each currency."""

    accounts: dict[tuple[str, str], Sums] = field(default_factory=dict[tuple[str, str], Sums])

    def control(self) -> dict[str, Sums]:
        """Return {currency: the sums of every account}: debits equal credits."""
        found: dict[str, Sums] = {}
        for (_, currency), sums in sorted(self.accounts.items()):
            total = found.setdefault(currency, Sums())
            total.debits += sums.debits
            total.credits += sums.credits
        return found


@dataclass(slots=True)
class Lots:
    """What an account's balance consists of, by the day it came: the oldest leaves first.

    Amounts are signed as the balance is. What leaves more than there was turns the balance.
    """

    lots: deque[tuple[date, int]] = field(default_factory=deque[tuple[date, int]])

    def move(self, day: date, amount: int) -> None:
        """Add an amount of either sign, in the order of the days."""
        while amount and self.lots and (self.lots[0][1] > 0) != (amount > 0):
            since, held = self.lots.popleft()
            rest = held + amount
            if rest and (rest > 0) == (held > 0):
                self.lots.appendleft((since, rest))
                return
            amount = rest
        if amount and self.lots and self.lots[-1][0] == day:
            amount += self.lots.pop()[1]
        if amount:
            self.lots.append((day, amount))

    @property
    def balance(self) -> int:
        """Return the sum of the lots."""
        return sum(amount for _, amount in self.lots)

    def by_age(self, on: date, bounds: Sequence[int]) -> list[int]:
        """Return the balance by age in days: up to each bound, then older than all of them."""
        sums = [0] * (len(bounds) + 1)
        for since, amount in self.lots:
            age = (on - since).days
            sums[sum(age > bound for bound in bounds)] += amount
        return sums

    @property
    def oldest(self) -> date | None:
        """Return the day of the oldest lot."""
        return self.lots[0][0] if self.lots else None
