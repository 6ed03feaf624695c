"""What other collectives withhold of pages of a site that members of theirs claim too.

Of a page that several claim the no of one is enough (SETTLEMENT §3.5), and a page below a narrower
claim of another collective is that one's. A gate that is told it refuses there, and nowhere else:
who holds a page is in its policy as claims, so the others stand there as one more holder, with what
it refuses. What they allow opens nothing: the word of the site's own collective stands beside it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Final

import msgspec

from federation.addresses.matching import (
    Filed,
    candidate_hosts,
    candidate_paths,
    is_pattern,
    lies_within,
)
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex, IndexedClaim, IndexedRuling
from federation.claimindex.messages import Slice
from federation.consent.deciding import Ruling, may_refuse_by, use_reserved
from federation.consent.states import ALL_USES, Reason, State
from federation.nodes.changing import days_of, instants_of, segments, why
from federation.registry.site_store import SiteFacts

WORK_MAX: Final = 20_000_000
"""So many rulings and claims are looked at for one site, for some seconds: others say how many."""
_MEETING: Final = 50  # as so many counts a pattern and a claim: what comes of them is kept
_HOLDER: Final = "~elsewhere"  # no member has this id
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def with_contested(
    facts: SiteFacts,
    elsewhere: Slice,
    uses: Collection[str],
    span: tuple[datetime, datetime],
) -> SiteFacts:
    """Return what a site has to know, with what others withhold of its pages while a policy holds.

    Where they say more than is told, or than can be looked through (`WORK_MAX`), all pages of the
    site are withheld. A yes for one page below what they withhold is not followed here, nor are the
    bounds of a claim by a pattern with a `*`.
    """
    if elsewhere.is_cut:
        return _all_withheld(facts)
    places = _Places(facts.own)
    on_site = [
        (one, list(places.shared_with(one.key))) for one in index_store.indexed_claims(elsewhere)
    ]
    claims = [one for one, shared in on_site if shared]
    if not claims:
        return facts
    rulings = index_store.indexed_rulings(elsewhere)
    shared = {place for _, each in on_site for place in each}
    try:
        return _Contested(facts, claims, shared, rulings, sorted(uses), span).told()
    except _TooMuchSaidError:
        return _all_withheld(facts)


def _all_withheld(facts: SiteFacts) -> SiteFacts:
    of_all = [_theirs(one, one.key) for one in facts.own]
    more = [_ruling(one, Ruling(State.OPT_OUT, ALL_USES, _EPOCH)) for one in of_all]
    return replace(facts, others=[*facts.others, *of_all], rulings=[*facts.rulings, *more])


class _TooMuchSaidError(Exception):
    """Others say more of a site than can be looked through."""


class _Places:
    """Where the claims of a site's own member are."""

    def __init__(self, claims: Iterable[IndexedClaim]) -> None:
        self._filed: Filed[IndexedClaim] = Filed()
        self._wide: dict[str, list[ClaimKey]] = {}
        for claim in claims:
            self._filed.add(claim.key, claim)
            if claim.key.wildcard:
                self._wide.setdefault(claim.key.host, []).append(claim.key)

    def shared_with(self, key: ClaimKey) -> Iterator[ClaimKey]:
        """Yield the places of the site whose pages another claim holds as well, or before them."""
        if _is_on(self._filed, key):
            yield key
        for host, is_wild in candidate_hosts(key.host):
            if is_wild and (host, True) != (key.host, key.wildcard):
                for own in self._wide.get(host, ()):
                    if key.path != own.path and key.path in candidate_paths(own.path):
                        yield ClaimKey(key.host, own.path, key.wildcard)


class _Contested:
    """The claims of others on pages of a site, and what their collectives say there."""

    def __init__(
        self,
        facts: SiteFacts,
        claims: list[IndexedClaim],
        shared: set[ClaimKey],
        rulings: list[IndexedRuling],
        uses: list[str],
        span: tuple[datetime, datetime],
    ) -> None:
        self._facts, self._claims, self._rulings = facts, claims, rulings
        self._shared = shared
        self._uses, self._span = uses, span
        self._work = 0
        self._days = days_of(span)
        here = [*facts.own, *facts.others]
        self._here = ClaimIndex(here, ())
        self._everybody = ClaimIndex([*here, *claims], ())
        self._theirs = ClaimIndex(claims, rulings)

    def told(self) -> SiteFacts:
        """Return what the site has to know with it; the same where they withhold nothing."""
        claims, rulings = list[IndexedClaim](), [*self._on_pages(), *self._on_patterns()]
        for place in sorted(self._places, key=lambda each: each.text):
            page = _a_page_below(place)
            if not self._is_theirs(page):
                continue
            claims += self._copies(page, place)
            of_place = _theirs(self._claims[0], place)
            words = [_ruling(of_place, one) for one in self._withheld(page)]
            if words:
                claims.append(of_place)
                rulings += words
        if not rulings:
            return self._facts
        own = {one.holder_id for one in self._facts.own}
        return replace(
            self._facts,
            own=[*self._facts.own, *(one for one in claims if one.holder_id in own)],
            others=[*self._facts.others, *(one for one in claims if one.holder_id not in own)],
            rulings=[*self._facts.rulings, *dict.fromkeys(rulings)],
        )

    def _look_at(self, count: int) -> None:
        """Count what is looked at, before it is."""
        self._work += count
        if self._work > WORK_MAX:
            raise _TooMuchSaidError

    @cached_property
    def _places(self) -> set[ClaimKey]:
        """The places at which something may begin to be withheld: shared ones, what is below."""
        filed: Filed[IndexedClaim] = Filed()
        for claim in self._claims:
            filed.add(claim.key, claim)
        subjects = (one.subject for one in self._rulings if one.subject is not None)
        below = (key for key in subjects if not is_pattern(key.path) and _is_on(filed, key))
        return {*self._shared, *below}

    def _is_theirs(self, page: UrlKey) -> bool:
        """Tell whether a page of the site is one that a member of another collective claims."""
        node = self._facts.own[0].node
        holders = [self._everybody.claimants(page, day) for day in self._days]
        self._look_at(sum(map(len, holders)))
        held = {one.node for each in holders for one in each}
        return bool(held - {node}) and any(self._here.claimants(page, day) for day in self._days)

    def _copies(self, page: UrlKey, place: ClaimKey) -> Iterator[IndexedClaim]:
        """Yield who holds a place here, as holders of it: a narrower claim takes none from them."""
        held = dict.fromkeys(one for day in self._days for one in self._here.claimants(page, day))
        for one in held:
            if one.key != place:
                name = f"{one.claim_id} at {place.text}"
                yield msgspec.structs.replace(one, claim_id=name, key=place)

    def _withheld(self, page: UrlKey) -> Iterator[Ruling]:
        """Yield what they withhold of a page, each ruling enough by itself."""
        bearing = [self._theirs.said_of(page, day) for day in self._days]
        bears = sum(len(group) for day in bearing for groups in day for group in groups)
        for use in self._uses:
            self._look_at(bears)
            instants = instants_of(bearing, use, self._span)
            if instants is None:
                yield Ruling(State.OPT_OUT, use, self._span[0])
                continue
            self._look_at(bears * len(instants))
            reasons = [why(self._theirs, page, use, at) for at in instants]
            for reason, begins, ends in segments(reasons, instants):
                if reason is not None:
                    yield Ruling(_state(reason), use, begins, ends)

    def _on_pages(self) -> Iterator[IndexedRuling]:
        """Yield what they withhold of single pages, at these."""
        subjects = {one.subject for one in self._rulings if one.subject is not None}
        for place in sorted(subjects, key=lambda each: each.text):
            if place.wildcard or "*" in place.path or not place.path.endswith("$"):
                continue
            page = UrlKey(place.host, place.path.removesuffix("$"))
            if self._is_theirs(page):
                for one in self._withheld(page):
                    yield IndexedRuling(self._claims[0].node, one, place, None)

    def _on_patterns(self) -> Iterator[IndexedRuling]:
        """Yield what they may withhold by patterns, each where it may match a claim of theirs."""
        held: dict[str, set[ClaimKey]] = {}
        for claim in self._claims:
            held.setdefault(claim.node, set()).add(claim.key)
        for one in self._rulings:
            use, place = use_reserved(one.ruling), one.subject
            if use is None or place is None:
                continue
            if "*" not in place.path and not (place.wildcard and is_pattern(place.path)):
                continue
            said = Ruling(_state(may_refuse_by(one.ruling)), use, *one.ruling[2:4])
            theirs = held.get(one.node, set())
            self._look_at(len(theirs) * _MEETING)
            for at in {_meeting(place, key) for key in theirs} - {None}:
                yield IndexedRuling(one.node, said, at, None)


def _meeting(pattern: ClaimKey, claim: ClaimKey) -> ClaimKey | None:
    """Return where a pattern and a claim may both match a page, or more; None: nowhere."""
    is_below = claim.wildcard and pattern.host.endswith(f".{claim.host}")
    if not is_below and (pattern.host, pattern.wildcard) not in candidate_hosts(claim.host):
        return None
    host, wildcard = (
        (pattern if is_below else claim).host,
        (pattern if is_below else claim).wildcard,
    )
    start = pattern.path.removesuffix("$").partition("*")[0]
    if start.startswith(claim.path):
        return ClaimKey(host, pattern.path, wildcard)
    return ClaimKey(host, claim.path, wildcard) if claim.path.startswith(start) else None


def _a_page_below(place: ClaimKey) -> UrlKey:
    """Return a page below a place of which nobody says anything by its own address."""
    host = f"0-nobody.{place.host}" if place.wildcard else place.host
    return UrlKey(host, f"{place.path.rstrip('/')}/~")


def _is_on(filed: Filed[IndexedClaim], key: ClaimKey) -> bool:
    """Tell whether a place lies within one of some claims."""
    page = UrlKey(key.host, key.path)
    return any(lies_within(key, one.key) for group in filed.matching(page) for one in group)


def _theirs(one: IndexedClaim, place: ClaimKey) -> IndexedClaim:
    """Return the claim of the others, as one, on a place."""
    holder = f"{_HOLDER} {place.text}"
    return IndexedClaim(one.node, holder, holder, place, date.min, None, one.content_tier, None)


def _ruling(of: IndexedClaim, ruling: Ruling) -> IndexedRuling:
    return IndexedRuling(of.node, ruling, None, of.holder_id)


def _state(reason: Reason | None) -> str:
    """Return by which state a reason is enough, whatever anybody else says: as an opt-out is."""
    return State.RESERVED_EX_ANTE if reason is Reason.RESERVED_EX_ANTE else State.OPT_OUT
