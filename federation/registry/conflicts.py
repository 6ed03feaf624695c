"""On which days several parties hold the same claim: pure.

A party is a member of a node; at the hub, a node: what its own members contest is decided there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from federation.addresses.urls import ClaimKey


@dataclass(frozen=True, slots=True)
class Standing:
    """A party's claim, and the UTC days on which it counts (`counts_to` is exclusive)."""

    party: str
    claim_id: str
    counts_from: date
    counts_to: date | None
    recorded_at: datetime

    def counts_on(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        return self.counts_from <= day and (self.counts_to is None or day < self.counts_to)


@dataclass(frozen=True, slots=True)
class Days:
    """The first day on which a claim is contested, and the first on which it is no more."""

    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A claim that several parties hold: who, on which days, and since when that is known."""

    number: int
    key: ClaimKey
    found_at: datetime
    sides: tuple[Standing, ...]
    days: tuple[Days, ...]

    @property
    def parties(self) -> list[str]:
        """Return who holds it on a day on which another does as well."""
        return sorted({side.party for side in self.sides})


def contested_days(claims: Sequence[Standing]) -> tuple[Days, ...]:
    """Return the days on which two parties or more hold the claim; days that touch are one."""
    edges = {claim.counts_from for claim in claims}
    edges |= {claim.counts_to for claim in claims if claim.counts_to is not None}
    found: list[Days] = []
    ordered = sorted(edges)
    for place, day in enumerate(ordered):
        if len({claim.party for claim in claims if claim.counts_on(day)}) < 2:  # noqa: PLR2004
            continue
        ends = ordered[place + 1] if place + 1 < len(ordered) else None
        if found and found[-1].ends_on == day:
            found[-1] = Days(found[-1].starts_on, ends)
        else:
            found.append(Days(day, ends))
    return tuple(found)


def sides(claims: Iterable[Standing], days: Sequence[Days]) -> tuple[Standing, ...]:
    """Return the claims that count on some of the contested days, the one known first in front."""
    touched = [claim for claim in claims if any(_overlaps(claim, one) for one in days)]
    return tuple(sorted(touched, key=lambda one: (one.recorded_at, one.party, one.claim_id)))


def _overlaps(claim: Standing, days: Days) -> bool:
    begins_before = days.ends_on is None or claim.counts_from < days.ends_on
    ends_after = claim.counts_to is None or days.starts_on < claim.counts_to
    return begins_before and ends_after
