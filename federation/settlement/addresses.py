"""What of a member's amount for a licence and use each of its addresses earned. Pure.

A collective's plan ends with an amount per member, licence and use (SETTLEMENT §6). It is split
over the addresses that were used by what each weighs, so that they add up to it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from federation.settlement.arithmetic import largest_remainder
from federation.values.month import Month

COPIES = "~"
"""Stands for the addresses of copies at other collectives, which are not known here."""


class Earner(NamedTuple):
    """Whose amount is split: a member's, for the use of a licence (its number) in a month."""

    period: Month
    member: str
    licence: str
    use: str

    def scope(self, node: str) -> str:
        """Return the scope by which ties are decided (SETTLEMENT §0.5)."""
        return f"{self.period}/{node}/{self.licence}/{self.member}/{self.use}"


def address_of(url_key: str | None) -> str:
    """Return the address that a portion of usage weighs for."""
    return url_key or COPIES


def by_address(
    earner: Earner, node: str, amount: int, weights: Mapping[str, int]
) -> dict[str, int]:
    """Return {address: minor units}; nothing where no address weighs anything."""
    if not any(weights.values()):
        return {}
    return largest_remainder(amount, weights, scope=earner.scope(node))
