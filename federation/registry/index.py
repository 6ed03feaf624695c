"""Whose a URL is and whether it is withheld, from claims and opt-outs held in memory.

The rules are SETTLEMENT §3, classes 5 to 8 and Matching. Where claims come from is not known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from federation.addresses.matching import Filed
from federation.addresses.urls import ClaimKey, UrlKey

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
class IndexedOptOut:
    """An opt-out recorded at a collective; it names a URL (`subject`) or a member."""

    node: str
    use: str
    effective_at: datetime
    subject: ClaimKey | None
    holder_id: str | None
    ends_at: datetime | None = None  # exclusive

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.holder_id is None):
            raise ValueError("an opt-out names either a subject or a holder")

    def withholds(self, use: str, at: datetime) -> bool:
        """Tell whether the opt-out was in force for a use at an instant."""
        in_force = self.effective_at <= at and (self.ends_at is None or at < self.ends_at)
        return in_force and self.use in (ALL_USES, use)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An address at an instant, and the claims that were found for it.

    `claims` are the most specific ones that count on the UTC day of `at`; `canonicals` are the
    addresses that they call the original of their page, each with the claims found for it there.
    """

    key: UrlKey
    at: datetime
    claims: tuple[IndexedClaim, ...]
    canonicals: Mapping[UrlKey, tuple[IndexedClaim, ...]]

    @property
    def owner(self) -> str | None:
        """The one node whose members claim the address; None if nobody or several nodes do."""
        nodes = {claim.node for claim in self.claims}
        return nodes.pop() if len(nodes) == 1 else None


class ClaimIndex:
    """Claims and opt-outs, looked up by URL."""

    def __init__(self, claims: Iterable[IndexedClaim], opt_outs: Iterable[IndexedOptOut]) -> None:
        self._claims: _Remembering[IndexedClaim] = _Remembering()
        for claim in sorted(claims, key=lambda c: (c.node, c.holder_id, c.claim_id)):
            self._claims.add(claim.key, claim)
        self._subjects: _Remembering[IndexedOptOut] = _Remembering()
        self._holders: dict[tuple[str, str], list[IndexedOptOut]] = {}
        self._anything_withheld = False
        for opt_out in opt_outs:
            self._withhold(opt_out)

    def without_opt_outs(self) -> "ClaimIndex":
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

    def look_up(self, key: UrlKey, at: datetime) -> Claimed:
        """Return who claims an address at an instant, and who claims its canonical addresses.

        One step only: the canonical URL of a canonical URL is not followed.
        """
        claims = self.claimants(key, at)
        canonicals = {claim.canonical for claim in claims if claim.canonical is not None}
        return Claimed(key, at, claims, {c: self.claimants(c, at) for c in canonicals})

    def is_reserved(self, key: UrlKey, use: str, at: datetime) -> bool:
        """Tell whether a URL is RESERVED (SETTLEMENT §3.5), its canonical URLs included."""
        return self.withholds(self.look_up(key, at), use)

    def withholds(self, found: Claimed, use: str) -> bool:
        """Tell the same of an address that was looked up here."""
        if not self._anything_withheld:
            return False
        pages = {found.key: found.claims, **found.canonicals}
        return any(self._is_withheld(key, by, use, found.at) for key, by in pages.items())

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

    def _withhold(self, opt_out: IndexedOptOut) -> None:
        self._anything_withheld = True
        if opt_out.subject is not None:
            self._subjects.add_subject(opt_out.subject, opt_out)
        elif opt_out.holder_id is not None:
            holder = (opt_out.node, opt_out.holder_id)
            self._holders.setdefault(holder, []).append(opt_out)


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
