"""Who shares in a base or a tier, and with how many works, on a period's last day (SETTLEMENT §6).

It knows a member's standing and claims; what is shared out is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from federation.claimindex.index import IndexedRuling
from federation.consent.states import ALL_USES, State

_OPT_OUTS: Final = frozenset({State.OPT_OUT, State.RESERVED_EX_ANTE})


@dataclass(frozen=True, slots=True)
class Membership:
    """How a member stands with its collective; days are UTC."""

    holder_id: str
    joined_on: date
    left_on: date | None = None
    suspended_on: date | None = None


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim with its number of works and the days on which it counts (`counts_to` exclusive)."""

    counts_from: date
    counts_to: date | None
    works: int = 1

    def counts_on(self, day: date) -> bool:
        """Tell whether the claim counts on a UTC day."""
        return self.counts_from <= day and (self.counts_to is None or day < self.counts_to)


def counts_from(joined_on: date, valid_from: date | None) -> date:
    """Return the first day on which a member's claim counts (SETTLEMENT §3, Matching)."""
    return joined_on if valid_from is None else max(joined_on, valid_from)


def entitled(
    member: Membership,
    claims: Iterable[HeldClaim],
    rulings: Iterable[IndexedRuling],
    last_day: date,
) -> bool:
    """Tell whether a member shares in the base or its tier for the period that ends on a day.

    `rulings` are those of the member's own collective; of them only an opt-out of all uses that
    names the member takes it out.
    """
    return (
        is_in_standing(member, last_day)
        and any(claim.counts_on(last_day) for claim in claims)
        and not has_withdrawn(member, rulings, last_day)
    )


def is_in_standing(member: Membership, last_day: date) -> bool:
    """Tell whether a member had joined and neither left nor was suspended."""
    ended = (day for day in (member.left_on, member.suspended_on) if day is not None)
    return member.joined_on <= last_day and not any(day <= last_day for day in ended)


def has_withdrawn(member: Membership, rulings: Iterable[IndexedRuling], last_day: date) -> bool:
    """Tell whether an opt-out of all uses names the member before the period is over.

    One that ended within the period takes it out no more: what counts is the period's last instant.
    """
    period_end = datetime.combine(last_day, time(), UTC) + timedelta(days=1)
    return any(
        one.holder_id == member.holder_id
        and one.ruling.state in _OPT_OUTS
        and one.ruling.use == ALL_USES
        and one.ruling.effective_at < period_end
        and (one.ruling.ends_at is None or one.ruling.ends_at >= period_end)
        for one in rulings
    )


def works_on(claims: Iterable[HeldClaim], day: date) -> int:
    """Return the works of the claims that count on a day, copies included."""
    return sum(claim.works for claim in claims if claim.counts_on(day))
