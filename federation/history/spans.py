"""Which periods of a thing a new statement takes the place of; pure.

A thing has versions, each in force over a period: from an instant to before another, or without
end. No two versions that are known at one instant are in force at one instant.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from federation.errors import RefusalError


class BadSpanError(RefusalError):
    """What is so from an instant on ends after it, not before or at once."""

    code: ClassVar[str] = "BAD_SPAN"


class Span(NamedTuple):
    """From an instant to before another; None is without end."""

    starts_at: datetime
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        """Tell whether an instant lies in the period."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


class Displaced(NamedTuple):
    """A version that is superseded, and the periods over which it is still in force."""

    version: int
    rests: tuple[Span, ...]


def period_of_change(known: Iterable[Span], starts_at: datetime, ends_at: datetime | None) -> Span:
    """Return over which period a new statement holds.

    From its instant to its own end; without one, to before the next version that is known, so
    that no later statement is lost. Refused (BAD_SPAN) where it would end before it begins.
    """
    if ends_at is None:
        later = [span.starts_at for span in known if span.starts_at > starts_at]
        ends_at = min(later, default=None)
    elif ends_at <= starts_at:
        raise BadSpanError(f"from {starts_at.isoformat()} to {ends_at.isoformat()}")
    return Span(starts_at, ends_at)


def displaced(known: Sequence[tuple[int, Span]], period: Span) -> list[Displaced]:
    """Return the versions that are no longer in force over the whole of their periods."""
    return [
        Displaced(version, _without(span, period))
        for version, span in known
        if _meets(span, period)
    ]


def _meets(one: Span, other: Span) -> bool:
    begins_before = other.ends_at is None or one.starts_at < other.ends_at
    return begins_before and (one.ends_at is None or other.starts_at < one.ends_at)


def _without(span: Span, period: Span) -> tuple[Span, ...]:
    """Return what is left of a period when another is taken out of it."""
    rests: list[Span] = []
    if span.starts_at < period.starts_at:
        rests.append(Span(span.starts_at, period.starts_at))
    if period.ends_at is not None and (span.ends_at is None or period.ends_at < span.ends_at):
        rests.append(Span(period.ends_at, span.ends_at))
    return tuple(rests)
