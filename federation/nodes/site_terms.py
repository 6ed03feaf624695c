"""What a node tells the site of a member: its prefixes, and what is said of its pages.

The same for gates of two ages (decision 50): `rulings` for those that know them, opt-outs for those
that do not, which refuse at least as much by them.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from federation.addresses.matching import Filed
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex import delta_store
from federation.claimindex.index import IndexedClaim
from federation.claimindex.messages import NOTHING, Slice
from federation.consent.deciding import Ruling, use_reserved
from federation.licensing.counter import counter_url
from federation.nodes.contested import with_contested
from federation.nodes.originals import with_originals
from federation.nodes.site_memory import (
    Shelf,
    SiteMemory,
    size_of_keys,
    size_of_opt_outs,
    size_of_slice,
)
from federation.nodes.terms import terms_url
from federation.registry import service as registry
from federation.registry import store
from federation.registry.site_store import (
    Elsewhere,
    SiteFacts,
    asked_elsewhere,
    site_facts,
)
from federation.server import Server, node_config
from federation.signing.policy import POLICY_LIFE, SiteOptOut, SiteTerms
from federation.signing.site_rulings import SiteClaim, SiteRulings, TooManyRulingsError, pack
from federation.store.sessions import ReadSession
from federation.trust.store import find_party
from federation.values.party import HUB

OPT_OUT_LETTERS_MAX: Final = 1 << 20
"""Of the opt-outs for older gates, as they stand in the policy."""
_OPT_OUT_LETTERS: Final = 80  # of one, beside its subject
_KEPT_SECONDS: Final = 600  # a policy is signed again as often, so that what has ended leaves it
_NO_RULINGS: Final[Sequence[Ruling]] = ()


class _Said(NamedTuple):
    """What is said of a site's pages, for gates of two ages."""

    opt_outs: list[SiteOptOut]
    is_all_reserved: bool
    rulings: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was said when the registry was at a version, and until when that may be repeated."""

    version: int
    until: datetime
    elsewhere: Slice
    said: _Said


class SiteTermsHolder:
    """Says what sites must know, and remembers it until the registry changes.

    Sites ask twice a minute, and a member may have rulings by the hundred thousand.
    """

    def __init__(self, server: Server, memory: SiteMemory) -> None:
        self._server, self._memory = server, memory
        self._kept: Shelf[_Kept] = Shelf(memory)
        self._about: Shelf[tuple[int, Elsewhere]] = Shelf(memory)
        # A turn is there while somebody has it or waits for it.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def asked_elsewhere(self, session: ReadSession, member_id: str) -> Elsewhere:
        """Return what others have to be asked about for a member's site (UNKNOWN_MEMBER).

        Other collectives may hold its pages too, and the originals of copies there.
        """
        await self._require(session, member_id)
        version = await delta_store.version_of(session, self._server.code)
        kept = self._about.find(member_id)
        if kept is None or kept[0] != version:
            found = await asked_elsewhere(session, self._server.code, member_id)
            kept = (version, found)
            size = size_of_keys(found.originals) + size_of_keys(found.places)
            self._about.keep(member_id, kept, size)
        return kept[1]

    async def terms(
        self, session: ReadSession, member_id: str, elsewhere: Slice = NOTHING
    ) -> SiteTerms:
        """Return what a member's site must know now (UNKNOWN_MEMBER).

        `elsewhere` is what other collectives hold and say of its pages, and of the originals of
        copies there.
        """
        await self._require(session, member_id)
        turn = self._turns.setdefault(member_id, asyncio.Lock())
        async with turn:  # a site has many processes
            said = await self._said(session, member_id, elsewhere)
        return await _terms(session, self._server, member_id, said)

    async def _require(self, session: ReadSession, member_id: str) -> None:
        try:
            await registry.get_member(session, member_id)
        except registry.UnknownMemberError:
            self._memory.forget(member_id)
            raise

    async def _said(self, session: ReadSession, member_id: str, elsewhere: Slice) -> _Said:
        node, now = self._server.code, self._server.clock()
        version = await delta_store.version_of(session, node)
        kept = self._kept.find(member_id)
        is_so = kept is not None and (kept.version, kept.elsewhere) == (version, elsewhere)
        if kept is None or not is_so or now >= kept.until:
            facts = await site_facts(session, node, member_id)
            if elsewhere != NOTHING:
                uses = (await self._server.terms(session)).use_weight
                span = (now, now + POLICY_LIFE + timedelta(seconds=_KEPT_SECONDS))
                facts = await asyncio.to_thread(with_originals, facts, elsewhere, uses, span)
                facts = await asyncio.to_thread(with_contested, facts, elsewhere, uses, span)
            said = await asyncio.to_thread(_said, facts, now)
            kept = _Kept(version, _until(facts, now), elsewhere, said)
            self._kept.keep(member_id, kept, _size_of(kept))
        return kept.said


def _size_of(kept: _Kept) -> int:
    """Return about how many bytes it takes; also what may be kept of the index's answer besides."""
    said = kept.said
    letters = len(said.rulings or "") + size_of_opt_outs(said.opt_outs)
    return letters + size_of_slice(kept.elsewhere)


async def site_terms(
    session: ReadSession, server: Server, member_id: str, elsewhere: Slice = NOTHING
) -> SiteTerms:
    """Return what a site must know: its prefixes, and every ruling that bears on its pages.

    Where a host is shared, pages of another member may lie below: what that one reserves counts.
    """
    return await SiteTermsHolder(server, SiteMemory(server)).terms(session, member_id, elsewhere)


async def _terms(session: ReadSession, server: Server, member_id: str, said: _Said) -> SiteTerms:
    today = server.clock().astimezone(UTC).date()
    places = await store.places_held(session, member_id, today)
    hub = await find_party(session, HUB)
    prefixes = {f"{each}://{host}{path}" for host, path in places for each in ("http", "https")}
    return SiteTerms(
        prefixes=sorted(prefixes),
        optouts=said.opt_outs,
        collective=server.code,
        # Where a crawler without a licence reads how to buy one: the hub's counter.
        licence_url=counter_url(hub.url if hub else node_config(server).hub.url),
        rsl=terms_url(server, member_id),
        reserved_all=said.is_all_reserved,
        rulings=said.rulings,
    )


def _until(facts: SiteFacts, now: datetime) -> datetime:
    ends = (one.ruling.ends_at for one in facts.rulings)
    return min(
        [now + timedelta(seconds=_KEPT_SECONDS), *(end for end in ends if end and end > now)]
    )


def _said(facts: SiteFacts, now: datetime) -> _Said:
    """Return what is said of the pages; where a policy has no room for it, that all is reserved."""
    places: dict[ClaimKey, list[Ruling]] = {}
    holders: dict[str, list[Ruling]] = {}
    for one in facts.rulings:  # in whatever order: what is made of them has one, as its ETag has
        if one.ruling.ends_at is not None and one.ruling.ends_at <= now:
            continue
        if one.subject is not None:
            places.setdefault(one.subject, []).append(one.ruling)
        elif one.holder_id is not None:
            holders.setdefault(one.holder_id, []).append(one.ruling)
    try:
        rulings = pack(SiteRulings(places, _site_claims(facts, holders, now)), now)
    except TooManyRulingsError:
        return _Said([], is_all_reserved=True, rulings=None)
    opt_outs = _within_limits(_OptOuts(facts, places, holders, now).all())
    return _Said(opt_outs or [], is_all_reserved=opt_outs is None, rulings=rulings)


def _site_claims(
    facts: SiteFacts, holders: Mapping[str, Sequence[Ruling]], now: datetime
) -> list[tuple[SiteClaim, Sequence[Ruling]]]:
    """Return who may hold a page while the policy is good; none where nothing depends on it."""
    days = _days(now)
    claims = [one for one in (*facts.own, *facts.others) if any(map(one.counts_on, days))]
    if not any(one.holder_id in holders or one.canonical is not None for one in claims):
        return []
    return [
        (_site_claim(claim, days), holders.get(claim.holder_id, _NO_RULINGS)) for claim in claims
    ]


def _site_claim(claim: IndexedClaim, days: tuple[date, date]) -> SiteClaim:
    first, last = days
    ends = claim.counts_to
    return SiteClaim(
        claim.key.text,
        0,
        claim.counts_from if claim.counts_from > first else None,
        ends if ends is not None and ends <= last else None,
        None if claim.canonical is None else claim.canonical.text,
    )


def _days(now: datetime) -> tuple[date, date]:
    """Return the UTC days on which a policy that is made now may be in force."""
    today = now.astimezone(UTC).date()
    return today, today + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _OptOuts:
    """What an older gate is told of a site: whatever may reserve something, as an opt-out."""

    facts: SiteFacts
    places: Mapping[ClaimKey, Sequence[Ruling]]
    holders: Mapping[str, Sequence[Ruling]]
    now: datetime

    def all(self) -> Iterator[SiteOptOut]:
        """Yield them, some of them more than once."""
        for key, rulings in self.places.items():
            yield from _reserving(key, rulings)
        for claim in (*self.facts.own, *self._others()):
            yield from _reserving(claim.key, self.holders.get(claim.holder_id, ()))
        yield from self._of_originals()

    def _others(self) -> Iterator[IndexedClaim]:
        """Yield the claims of others that may hold a page of the site, not those above its own."""
        days = _days(self.now)
        is_steady = all(one.counts_on(day) for one in self.facts.own for day in days)
        own: Filed[IndexedClaim] = Filed()
        for claim in self.facts.own:
            own.add(claim.key, claim)
        wide = {one.key.host for one in self.facts.own if one.key.wildcard}
        for claim in self.facts.others:
            host = claim.key.host
            is_narrower = (host in wide and not claim.key.wildcard) or any(
                host.endswith(f".{each}") for each in wide
            )
            if not is_steady or is_narrower or own.matching(UrlKey(host, claim.key.path)):
                yield claim

    def _of_originals(self) -> Iterator[SiteOptOut]:
        """Yield what reserves the original of a claim's pages, as an opt-out of the claim."""
        copies = [
            (claim, claim.canonical)
            for claim in (*self.facts.own, *self.facts.others)
            if claim.canonical is not None
        ]
        if not copies:
            return
        said: Filed[Sequence[Ruling]] = Filed()
        for key, rulings in self.places.items():
            said.add_subject(key, rulings)
        for claim in (*self.facts.own, *self.facts.others):
            said.add(claim.key, self.holders.get(claim.holder_id, ()))
        for claim, canonical in copies:
            for group in said.matching(canonical):
                for rulings in group:
                    yield from _reserving(claim.key, rulings)


def _reserving(key: ClaimKey, rulings: Sequence[Ruling]) -> Iterator[SiteOptOut]:
    for ruling in rulings:
        use = use_reserved(ruling)
        if use is not None:
            yield SiteOptOut(key.text, use, ruling.effective_at)


def _within_limits(opt_outs: Iterator[SiteOptOut]) -> list[SiteOptOut] | None:
    """Return opt-outs, each once; None where they are more than older gates are told one by one."""
    found: dict[tuple[str, str, datetime], SiteOptOut] = {}
    letters = 0
    for one in opt_outs:
        name = (one.subject, one.use, one.effective_at)
        if name not in found:
            found[name] = one
            letters += len(one.subject) + _OPT_OUT_LETTERS
        if letters > OPT_OUT_LETTERS_MAX:
            return None
    return [found[name] for name in sorted(found)]
