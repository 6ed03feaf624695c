"""How long a statement holds, and which periods of a thing it takes the place of; pure.

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

    def meets(self, other: "Span") -> bool:
        """Tell whether some instant lies in both periods."""
        return self.common(other) is not None

    def common(self, other: "Span") -> "Span | None":
        """Return the time that lies in both periods, None where none does."""
        starts_at = max(self.starts_at, other.starts_at)
        ends = [end for end in (self.ends_at, other.ends_at) if end is not None]
        ends_at = min(ends, default=None)
        return Span(starts_at, ends_at) if ends_at is None or starts_at < ends_at else None


class Displaced(NamedTuple):
    """A version that is superseded, and the periods over which it is still in force."""

    version: int
    rests: tuple[Span, ...]


def next_boundary(known: Iterable[Span], at: datetime) -> datetime | None:
    """Return the first instant after another at which a version begins or ends; None is never.

    To there a statement holds that names no end itself: what is said of a later time is not lost,
    neither a later version nor that there is none.
    """
    ends = (instant for span in known for instant in span if instant is not None)
    return min((instant for instant in ends if instant > at), default=None)


def first_gap(known: Iterable[Span], period: Span) -> datetime | None:
    """Return the first instant of a period at which no version is in force; None where none is."""
    reached = period.starts_at
    for span in sorted(known, key=lambda span: span.starts_at):
        if span.holds(reached):
            if span.ends_at is None or (
                period.ends_at is not None and period.ends_at <= span.ends_at
            ):
                return None
            reached = span.ends_at
    return reached


def displaced(known: Sequence[tuple[int, Span]], period: Span) -> list[Displaced]:
    """Return the versions that are no longer in force over the whole of their periods."""
    return [
        Displaced(version, _without(span, period)) for version, span in known if span.meets(period)
    ]


def _without(span: Span, period: Span) -> tuple[Span, ...]:
    """Return what is left of a period when another is taken out of it."""
    rests: list[Span] = []
    if span.starts_at < period.starts_at:
        rests.append(Span(span.starts_at, period.starts_at))
    if period.ends_at is not None and (span.ends_at is None or period.ends_at < span.ends_at):
        rests.append(Span(period.ends_at, span.ends_at))
    return tuple(rests)
