"""Whose a URL is and whether it is withheld, from claims and opt-outs held in memory.

The rules are SETTLEMENT §3, classes 5 to 8 and Matching. Where claims come from is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from federation.registry.matching import Filed
from federation.registry.urls import ClaimKey, UrlKey

ALL_USES = "*"
REMEMBERED_URLS = 65_536
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IndexedClaim:
    """A member's claim with the UTC days on which it counts (`counts_to` is exclusive)."""

    node: str
    claim_id: str
    holder_id: str
    key: ClaimKey
    counts_from: date
    counts_to: date | None
    content_tier: str
    canonical: UrlKey | None

    def counts_on(self, day: date) -> bool:
        """Tell whether the claim counts on a UTC day."""
        return self.counts_from <= day and (self.counts_to is None or day < self.counts_to)


@dataclass(frozen=True, slots=True)
class Reservation:
    """An opt-out recorded at a collective; it names a URL (`subject`) or a member."""

    node: str
    use: str
    effective_at: datetime
    subject: ClaimKey | None
    holder_id: str | None

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.holder_id is None):
            raise ValueError("a reservation names either a subject or a holder")

    def withholds(self, use: str, at: datetime) -> bool:
        """Tell whether the opt-out was in force for a use at an instant."""
        return self.use in (ALL_USES, use) and self.effective_at <= at


class ClaimIndex:
    """Claims and opt-outs, looked up by URL."""

    def __init__(self, claims: Iterable[IndexedClaim], reservations: Iterable[Reservation]) -> None:
        self._claims: _Remembering[IndexedClaim] = _Remembering()
        for claim in sorted(claims, key=lambda c: (c.node, c.holder_id, c.claim_id)):
            self._claims.add(claim.key, claim)
        self._subjects: _Remembering[Reservation] = _Remembering()
        self._holders: dict[tuple[str, str], list[Reservation]] = {}
        self._anything_withheld = False
        for reservation in reservations:
            self._reserve(reservation)

    def without_reservations(self) -> "ClaimIndex":
        """Return the same claims with no opt-out at all."""
        found = ClaimIndex((), ())
        found._claims = self._claims
        return found

    def claimants(self, key: UrlKey, at: datetime) -> tuple[IndexedClaim, ...]:
        """Return the most specific claims that count on the UTC day of `at`; () if none does."""
        chain = self._claims.matching(key)
        day = at.astimezone(UTC).date() if chain else None
        for claims in chain:
            counting = tuple(c for c in claims if day is not None and c.counts_on(day))
            if counting:
                return counting
        return ()

    def is_reserved(self, key: UrlKey, use: str, at: datetime) -> bool:
        """Tell whether a URL is RESERVED (SETTLEMENT §3.5), its canonical URLs included.

        One step only: the canonical URL of a canonical URL is not followed.
        """
        if not self._anything_withheld:
            return False
        claimants = self.claimants(key, at)
        if self._is_withheld(key, claimants, use, at):
            return True
        canonicals = {claim.canonical for claim in claimants if claim.canonical is not None}
        return any(self._is_withheld(c, self.claimants(c, at), use, at) for c in canonicals)

    def _is_withheld(
        self, key: UrlKey, claimants: tuple[IndexedClaim, ...], use: str, at: datetime
    ) -> bool:
        """Apply the opt-outs of the claimants' own collectives; unclaimed, those of any."""
        nodes = {claim.node for claim in claimants}
        by_url = (r for group in self._subjects.matching(key) for r in group)
        if any(r.withholds(use, at) for r in by_url if not nodes or r.node in nodes):
            return True
        holders = {(claim.node, claim.holder_id) for claim in claimants}
        return any(r.withholds(use, at) for h in holders for r in self._holders.get(h, ()))

    def _reserve(self, reservation: Reservation) -> None:
        self._anything_withheld = True
        if reservation.subject is not None:
            self._subjects.add(reservation.subject, reservation)
        elif reservation.holder_id is not None:
            holder = (reservation.node, reservation.holder_id)
            self._holders.setdefault(holder, []).append(reservation)


class _Remembering(Filed[T]):
    """What matched a URL is remembered for its next line."""

    def __init__(self) -> None:
        super().__init__()
        self._remembered: dict[UrlKey, tuple[tuple[T, ...], ...]] = {}

    def matching(self, key: UrlKey) -> tuple[tuple[T, ...], ...]:
        found = self._remembered.get(key)
        if found is None:
            found = super().matching(key)
            if len(self._remembered) >= REMEMBERED_URLS:
                self._remembered.clear()
            self._remembered[key] = found
        return found
