"""Fees and splits to the last minor unit (SETTLEMENT §0): integers and exact fractions only."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from hashlib import sha256
from math import lcm
from typing import TypeVar

from federation.values.bps import WHOLE_BPS

Key = TypeVar("Key", bound=str)


class NothingToSplitBy(ValueError):  # noqa: N818 - it says what is missing; no caller reads it
    """All weights are 0: each rule says what happens instead of a split."""


def part(total: int, bps: int) -> int:
    """Return `bps` of a total, rounded down, so that a doubt favours the rightholders."""
    if total < 0 or bps < 0:
        raise ValueError("a part is taken of 0 or more")
    return total * bps // WHOLE_BPS


def largest_remainder(
    total: int, weights: Mapping[Key, int | Fraction], *, scope: str
) -> dict[Key, int]:
    """Split a total in proportion to weights; amounts of 0 are left out.

    Everybody gets the floor of the exact share, the largest remainders one unit more. Ties go to
    the smaller SHA-256 of `<scope>/<key>`, so that equal claims take turns; `scope` begins with
    the period. Only keys tied at the last unit are hashed.
    """
    prefix = sha256(f"{scope}/".encode())

    def turn(key: str) -> bytes:
        digest = prefix.copy()
        digest.update(key.encode())
        return digest.digest()  # bytes sort as their hex digits do

    return _split(total, weights, turn)


def split_over_months(fee: int, days: Mapping[Key, int]) -> dict[Key, int]:
    """Split a fee over months `YYYY-MM` by days; ties go to the earlier month."""
    return _split(fee, days, str.encode)


def _split(
    total: int, weights: Mapping[Key, int | Fraction], turn: Callable[[Key], bytes]
) -> dict[Key, int]:
    keys, integers = list(weights), _as_integers(weights)
    whole = sum(integers)
    if total < 0 or min(integers, default=0) < 0:
        raise ValueError("a split takes a total and weights of 0 or more")
    if whole == 0:
        raise NothingToSplitBy
    amounts = [total * weight // whole for weight in integers]
    left_over = total - sum(amounts)
    if left_over:
        remainders = [total * weight % whole for weight in integers]
        for place in _largest(remainders, left_over, lambda place: turn(keys[place])):
            amounts[place] += 1
    return {key: amount for key, amount in zip(keys, amounts, strict=True) if amount}


def _as_integers(weights: Mapping[Key, int | Fraction]) -> list[int]:
    """Bring exact fractions to their common denominator."""
    integers = [weight for weight in weights.values() if isinstance(weight, int)]
    if len(integers) == len(weights):
        return integers
    common = lcm(*(weight.denominator for weight in weights.values()))
    return [weight.numerator * (common // weight.denominator) for weight in weights.values()]


def _largest(remainders: list[int], count: int, turn: Callable[[int], bytes]) -> list[int]:
    """Return the places of the `count` largest remainders, ties in turn."""
    last = sorted(remainders, reverse=True)[count - 1]
    above = [place for place, remainder in enumerate(remainders) if remainder > last]
    tied = [place for place, remainder in enumerate(remainders) if remainder == last]
    if len(above) + len(tied) > count:
        tied = sorted(tied, key=turn)[: count - len(above)]
    return above + tied
