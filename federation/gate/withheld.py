"""Is a page withheld from a use, by what the site's policy says? Pure.

The answer is that of the claim index of the collective (`registry.index`): the same rulings in the
same order, judged by the same function. What an application may take an address for beyond that
only refuses.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from federation.addresses.readings import loose_readings
from federation.addresses.urls import ClaimKey, UrlKey, normalise_subject
from federation.addresses.withholding import Withheld
from federation.consent.deciding import Ruling, why_reserved
from federation.consent.states import Reason, State
from federation.signing.policy import SiteOptOut
from federation.signing.site_rulings import SiteClaim, SiteRulings, canonical_key, claim_key

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """What is said of one place, as it is spelled."""

    rulings: Sequence[Ruling]


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """A claim, what is said of its holder, and the address of its original."""

    claim: SiteClaim
    rulings: Sequence[Ruling]
    canonical: UrlKey | None


_Places = Sequence[Sequence[_Place]]
_Claims = Sequence[Sequence[_Claim]]


class WithheldPages:
    """What a policy says of the pages of its site."""

    def __init__(self, said: SiteRulings) -> None:
        self._places: Withheld[_Place] = Withheld()
        self._claims: Withheld[_Claim] = Withheld()
        self._has_claims = bool(said.claims)
        for key, rulings in said.places.items():
            self._places.add(key, _Place(rulings))
        for claim, rulings in said.claims:
            self._claims.add(claim_key(claim), _Claim(claim, rulings, canonical_key(claim)))

    def why(self, keys: Iterable[UrlKey], use: str, at: datetime) -> Reason | None:
        """Return why an address is withheld in any of its readings; None where it is in none."""
        found = {reason for key in keys for reason in self._reasons(key, use, at)}
        return next((reason for reason in Reason if reason in found), None) if found else None

    def _reasons(self, key: UrlKey, use: str, at: datetime) -> Iterator[Reason]:
        places, claims = self._at(key)
        yield from self._judged(places, claims, use, at)
        is_loose = self._places.has_loose or self._claims.has_loose
        for path in loose_readings(key.path):
            if is_loose or path != key.path:
                yield from self._loosely(UrlKey(key.host, path), (places, claims), use, at)

    def _loosely(
        self, loose: UrlKey, written: tuple[_Places, _Claims], use: str, at: datetime
    ) -> Iterator[Reason]:
        """Judge what an application may read an address as.

        What the address as written says too keeps its order, so that nothing of it is overruled by
        what does not stand there. All else is judged alone: a yes that only another spelling finds
        opens nothing.
        """
        places, claims = written
        found = set(self._places.read_as(loose))
        held = set(self._claims.read_as(loose)) if self._has_claims else set[_Claim]()
        here, held_here = _restricted(places, found), _restricted(claims, held)
        if here is not places or held_here is not claims:
            yield from self._judged(here, held_here, use, at)
        for place in _others(found, places):
            yield from self._judged([[place]], (), use, at)
        for claim in _others(held, claims):
            yield from self._judged((), [[claim]], use, at)

    def _at(self, key: UrlKey) -> tuple[_Places, _Claims]:
        claims = self._claims.as_written(key) if self._has_claims else ()
        return self._places.as_written(key), claims

    def _judged(self, places: _Places, claims: _Claims, use: str, at: datetime) -> Iterator[Reason]:
        """Yield why a page is reserved for whoever holds it, and why its original is."""
        claimants = _standing(claims, at)
        yield from _of_page(places, claimants, use, at)
        for canonical in {one.canonical for one in claimants if one.canonical is not None}:
            there, holding = self._at(canonical)
            yield from _of_page(there, _standing(holding, at), use, at)


def of_opt_outs(optouts: Iterable[SiteOptOut]) -> SiteRulings:
    """Return what an older node says: opt-outs only, those of the member on each of its claims."""
    places: dict[ClaimKey, list[Ruling]] = {}
    for one in optouts:
        ruling = Ruling(State.OPT_OUT, one.use, one.effective_at)
        places.setdefault(normalise_subject(one.subject), []).append(ruling)
    return SiteRulings(places)


def _of_page(
    places: _Places, claimants: Sequence[_Claim], use: str, at: datetime
) -> Iterator[Reason]:
    groups = [[ruling for one in group for ruling in one.rulings] for group in places]
    for holder in [one.rulings for one in claimants] or [()]:
        reason = why_reserved([*groups, holder], use, at)
        if reason is not None:
            yield reason


def _standing(claims: _Claims, at: datetime) -> Sequence[_Claim]:
    """Return the most specific claims that count on the UTC day."""
    if not claims:
        return ()
    day = at.astimezone(UTC).date()
    counting = ([one for one in group if one.claim.counts_on(day)] for group in claims)
    return next((group for group in counting if group), ())


def _restricted(groups: Sequence[Sequence[T]], to: set[T]) -> Sequence[Sequence[T]]:
    """Return groups less what is not in a collection; they themselves where that is nothing."""
    if all(one in to for group in groups for one in group):
        return groups
    kept = ([one for one in group if one in to] for group in groups)
    return [group for group in kept if group]


def _others(found: Iterable[T], groups: Sequence[Sequence[T]]) -> Iterator[T]:
    """Yield what is found and in none of the groups."""
    known = {one for group in groups for one in group}
    return (one for one in found if one not in known)
