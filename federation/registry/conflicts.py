"""On which days several parties hold the same claim: pure.

A party is a member of a node; at the hub, a node: what its own members contest is decided there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from federation.addresses.urls import ClaimKey
from federation.claimindex.messages import Over


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
    """A claim that several parties hold: who, on which days, and since when that is known.

    Or a place of which collectives have more than the whole: what of it is `over`.
    """

    number: int
    key: ClaimKey
    found_at: datetime
    sides: tuple[Standing, ...]
    days: tuple[Days, ...]
    over: tuple[Over, ...] = ()

    @property
    def parties(self) -> list[str]:
        """Return who holds it on a day on which another does as well."""
        return sorted({side.party for side in self.sides})


def contested_days(claims: Sequence[Standing]) -> tuple[Days, ...]:
    """Return the days on which two parties or more hold the claim; days that touch are one."""
    return _days_held(claims, by=2)


def _days_held(claims: Sequence[Standing], *, by: int) -> tuple[Days, ...]:
    edges = {claim.counts_from for claim in claims}
    edges |= {claim.counts_to for claim in claims if claim.counts_to is not None}
    found: list[Days] = []
    ordered = sorted(edges)
    for place, day in enumerate(ordered):
        if len({claim.party for claim in claims if claim.counts_on(day)}) < by:
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


def of_shares(number: int, place: ClaimKey, found_at: datetime, over: Sequence[Over]) -> Conflict:
    """Return the conflict over a place of which collectives have more than the whole."""
    held = [
        Standing(party, "", _day_of(one.starts_at), _day_after(one.ends_at), found_at)
        for one in over
        for party in one.parts
    ]
    parties = sorted({one.party for one in held})
    sides = tuple(_from_first_to_last([one for one in held if one.party == of]) for of in parties)
    return Conflict(number, place, found_at, sides, _days_held(held, by=1), tuple(over))


def _from_first_to_last(held: Sequence[Standing]) -> Standing:
    ends = [one.counts_to for one in held if one.counts_to is not None]
    return Standing(
        held[0].party,
        held[0].claim_id,
        min(one.counts_from for one in held),
        max(ends) if len(ends) == len(held) else None,
        held[0].recorded_at,
    )


def _day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _day_after(ends_at: datetime | None) -> date | None:
    """Return the first UTC day of which no instant lies before an end."""
    if ends_at is None:
        return None
    return _day_of(ends_at - timedelta(microseconds=1)) + timedelta(days=1)
