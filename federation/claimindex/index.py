"""Whose a URL is and whether it is withheld, from claims and opt-outs held in memory.

The rules are SETTLEMENT §3, classes 5 to 8 and Matching. Where claims come from is not known here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

import msgspec

from federation.addresses.matching import Filed
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.shares import Share, excess
from federation.consent.deciding import NOTHING_SAID, Decided, Ruling, decide, stricter
from federation.consent.states import Reason

REMEMBERED_URLS = 65_536
REMEMBERED_THINGS = 1_000_000  # of all of them: on each page of a place all matches that is said
T = TypeVar("T")


class IndexedClaim(msgspec.Struct, frozen=True):
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


class IndexedRuling(msgspec.Struct, frozen=True):
    """A ruling recorded at a collective, such as an opt-out: of a URL (`subject`) or a member."""

    node: str
    ruling: Ruling
    subject: ClaimKey | None
    holder_id: str | None

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.holder_id is None):
            raise ValueError("a ruling names either a subject or a holder")


class IndexedShare(msgspec.Struct, frozen=True):
    """What a collective says that its party has at a place."""

    place: ClaimKey
    share: Share


class Claimed(msgspec.Struct, frozen=True):
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
    """Claims and rulings, looked up by URL."""

    def __init__(
        self,
        claims: Iterable[IndexedClaim],
        rulings: Iterable[IndexedRuling],
        shares: Iterable[IndexedShare] = (),
    ) -> None:
        self._claims: _Remembering[IndexedClaim] = _Remembering()
        for claim in sorted(claims, key=lambda c: (c.node, c.holder_id, c.claim_id)):
            self._claims.add(claim.key, claim)
        self._subjects: _Remembering[IndexedRuling] = _Remembering()
        self._holders: dict[tuple[str, str], list[Ruling]] = {}
        self._shares: _Remembering[IndexedShare] = _Remembering()
        self._has_shares = False
        for share in shares:
            self._shares.add_subject(share.place, share)
            self._has_shares = True
        self._has_rulings = False
        for ruling in rulings:
            self._add(ruling)

    def without_rulings(self) -> "ClaimIndex":
        """Return the same claims, with nothing said of their use."""
        found = ClaimIndex((), ())
        found._claims = self._claims
        found._shares, found._has_shares = self._shares, self._has_shares
        return found

    def claimants(self, key: UrlKey, at: datetime) -> tuple[IndexedClaim, ...]:
        """Return the most specific claims that count on the UTC day of `at`; () if none does."""
        chain = self._claims.matching(key)
        if not chain:
            return ()
        day = at.astimezone(UTC).date()
        for claims in chain:
            counting = [c for c in claims if c.counts_on(day)]
            if counting:
                return tuple(counting)
        return ()

    def look_up(self, key: UrlKey, at: datetime) -> Claimed:
        """Return who claims an address at an instant, and who claims its canonical addresses.

        One step only: the canonical URL of a canonical URL is not followed.
        """
        claims = self.claimants(key, at)
        canonicals = {claim.canonical for claim in claims if claim.canonical is not None}
        return Claimed(key, at, claims, {c: self.claimants(c, at) for c in canonicals})

    def why_reserved(self, key: UrlKey, use: str, at: datetime) -> Reason | None:
        """Return why a URL is RESERVED (SETTLEMENT §3.5), its canonical URLs included; or None."""
        return self.why_withheld(self.look_up(key, at), use)

    def is_reserved(self, key: UrlKey, use: str, at: datetime) -> bool:
        """Tell whether a URL is RESERVED."""
        return self.why_reserved(key, use, at) is not None

    def why_withheld(self, found: Claimed, use: str) -> Reason | None:
        """Return the same of an address that was looked up here."""
        return self.decide(found, use).reason

    def decide(self, found: Claimed, use: str) -> Decided:
        """Return the same, with the ruling that says so."""
        if not self._has_rulings:
            return NOTHING_SAID
        pages = [(found.key, found.claims), *found.canonicals.items()]
        return stricter(
            [
                decide(groups, use, found.at)
                for key, claimants in pages
                for groups in self._bearing_on(key, claimants)
            ]
        )

    def excess(self, key: UrlKey, use: str, at: datetime) -> int:
        """Return how much of an address several collectives say is theirs beyond the whole.

        In 1/10,000, at most 10,000, at the most specific place of which several say so.
        """
        if not self._has_shares:
            return 0
        for group in self._shares.matching(key):
            found = excess([one.share for one in group], use, at)
            if found is not None:
                return found
        return 0

    def said_of(self, key: UrlKey, at: datetime) -> list[list[Sequence[Ruling]]]:
        """Return all from which it is decided, at any instant of a UTC day, what is said of a page.

        What its original says is not among it. There is one list for each claimant of whom, or by
        whose collective, anything is said, of whatever use and time.
        """
        found = self._bearing_on(key, self.claimants(key, at))
        return [groups for groups in found if any(groups)]

    def _bearing_on(
        self, key: UrlKey, claimants: tuple[IndexedClaim, ...]
    ) -> Iterator[list[Sequence[Ruling]]]:
        """Yield what each claimant's own collective says of a page; unclaimed, what any does."""
        places = self._subjects.matching(key)
        holders = {(claim.node, claim.holder_id): None for claim in claimants}
        if not claimants:
            nodes = {one.node for group in places for one in group}
            holders = {(node, ""): None for node in sorted(nodes)}
        for node, holder in holders:
            groups: list[Sequence[Ruling]] = [
                [one.ruling for one in group if one.node == node] for group in places
            ]
            yield [*groups, self._holders.get((node, holder), ())]

    def _add(self, one: IndexedRuling) -> None:
        self._has_rulings = True
        if one.subject is not None:
            self._subjects.add_subject(one.subject, one)
        elif one.holder_id is not None:
            self._holders.setdefault((one.node, one.holder_id), []).append(one.ruling)


class _Remembering(Filed[T]):
    """What matched a URL is remembered for its next line."""

    def __init__(self) -> None:
        super().__init__()
        self._remembered: dict[UrlKey, tuple[tuple[T, ...], ...]] = {}
        self._things = 0

    def matching(self, key: UrlKey) -> tuple[tuple[T, ...], ...]:
        found = self._remembered.get(key)
        if found is None:
            found = super().matching(key)
            things = sum(map(len, found))
            is_full = len(self._remembered) >= REMEMBERED_URLS
            if is_full or self._things + things > REMEMBERED_THINGS:
                self._remembered.clear()
                self._things = 0
            self._remembered[key] = found
            self._things += things
        return found
