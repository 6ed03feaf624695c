"""What is said of a page while a policy is good, and when that changes. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeAlias

from federation.addresses.urls import UrlKey
from federation.claimindex.index import Claimed, ClaimIndex
from federation.consent.deciding import Ruling, can_decide
from federation.consent.states import Reason

CHANGES_MAX: Final = 100
"""Of the word on one use of one page, while a policy is good: partners say how many."""
Bearing: TypeAlias = Sequence[Sequence[Sequence[Sequence[Ruling]]]]
"""What bears on a page, as `ClaimIndex.said_of` has it, on each day of a span."""


def why(index: ClaimIndex, key: UrlKey, use: str, at: datetime) -> Reason | None:
    """Return why a page is reserved; of what it may be a copy is not asked (§3.5)."""
    return index.why_withheld(Claimed(key, at, index.claimants(key, at), {}), use)


def days_of(span: tuple[datetime, datetime]) -> list[datetime]:
    """Return the first instant of each UTC day of a span: claims begin and end with days."""
    first, last = span
    found = [first]
    while (day := _day_after(found[-1])) < last:
        found.append(day)
    return found


def _day_after(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def instants_of(
    bearing: Bearing, use: str, span: tuple[datetime, datetime]
) -> list[datetime] | None:
    """Return the first instant of a span, and those in it at which the word on a use may change.

    `bearing` is what bears on the page on each day. None where the changes are too many.
    """
    first, last = span
    days = set(days_of(span))
    found = set(days)
    for ruling in (one for day in bearing for groups in day for group in groups for one in group):
        if can_decide(ruling, use, ruling.effective_at):
            ends = (ruling.effective_at, ruling.ends_at)
            found.update(at for at in ends if at is not None and first < at < last)
            if len(found) > len(days) + CHANGES_MAX:
                return None
    return sorted(found)


def segments(
    reasons: Sequence[Reason | None], instants: Sequence[datetime]
) -> Iterator[tuple[Reason | None, datetime, datetime | None]]:
    """Yield each reason with the instants from which to before which it stands; the last stays."""
    begins = 0
    for place in range(1, len(instants) + 1):
        if place == len(instants) or reasons[place] != reasons[begins]:
            ends = instants[place] if place < len(instants) else None
            yield reasons[begins], instants[begins], ends
            begins = place
