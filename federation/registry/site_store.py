"""What of a registry the site of one member has to know: who holds its pages, what is said of them.

A site answers on the hosts of its member's claims. What is read is what a node's own answer
(`own_store.own_index`) may say of any page there. Nothing here commits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from federation.addresses.matching import (
    candidate_hosts,
    candidate_paths,
    outermost,
    rule_length,
)
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.entitlement import counts_from
from federation.claimindex.index import IndexedClaim, IndexedRuling
from federation.claimindex.place_store import known
from federation.consent.deciding import Ruling
from federation.registry import own_store
from federation.registry.imports import holder_id
from federation.registry.tables import Claim, Member, OptOut
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

PLACES_AT_ONCE: Final = 100
"""Of more places of a member all that stands on their hosts is read: a question looks through it
once for each."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The claims that may hold a page of a site or the original of one, and what is said there.

    `own` are the member's. `originals` are the addresses of which pages there are copies.
    """

    own: list[IndexedClaim]
    others: list[IndexedClaim]
    rulings: list[IndexedRuling]
    originals: frozenset[UrlKey]


async def site_facts(session: ReadSession, node: str, member_id: str) -> SiteFacts:
    """Return what a member's site has to know; what other collectives hold is not known here."""
    places = await _places(session, member_id)
    members, claims = await _claims_around(session, node, places)
    originals = _originals(claims)
    there = await own_store.own_rows(session, node, originals)
    all_claims = dict.fromkeys([*claims, *there.claims])
    holder = holder_id(node, member_id)
    rulings = await _rulings_around(session, node, places)
    rulings += await _rulings_of(session, node, members)
    rulings += (_said(node, row) for row in there.rulings)
    return SiteFacts(
        [claim for claim in all_claims if claim.holder_id == holder],
        [claim for claim in all_claims if claim.holder_id != holder],
        list(dict.fromkeys(rulings)),
        originals,
    )


async def originals_on(session: ReadSession, node: str, member_id: str) -> frozenset[UrlKey]:
    """Return the addresses of which pages of a member's site are copies."""
    places = await _places(session, member_id)
    _, claims = await _claims_around(session, node, places)
    return _originals(claims)


def _originals(claims: Iterable[IndexedClaim]) -> frozenset[UrlKey]:
    return frozenset(claim.canonical for claim in claims if claim.canonical is not None)


async def _places(session: ReadSession, member_id: str) -> list[ClaimKey]:
    held = select(Claim.host, Claim.path).where(Claim.member_id == member_id, known(Claim))
    return outermost(
        ClaimKey(host, path, wildcard=False) for host, path in await session.execute(held)
    )


def _said(node: str, row: own_store.RulingRow) -> IndexedRuling:
    """Return a ruling without its row: what two rows say alike is told once."""
    return own_store.indexed(node, row, own_store.as_ruling(row)._replace(row=None))


async def _claims_around(
    session: ReadSession, node: str, places: Sequence[ClaimKey]
) -> tuple[set[str], list[IndexedClaim]]:
    """Return the claims that may hold a page of some places, and whose they are."""
    joined_on = func.coalesce(Claim.joined_on, Member.joined_on, type_=Member.joined_on.type)
    of = Claim
    query = select(
        *(of.claim_id, of.member_id, of.host, of.path, of.wildcard),
        *(of.valid_from, of.valid_to, of.content_tier, of.canonical, joined_on),
    ).join(Member)
    near, members = _Near(places), set[str]()
    found: dict[str, IndexedClaim] = {}
    for bears in _around(of, places):
        for row in await session.execute(query.where(known(of), bears)):
            claim_id, member, host, path, wildcard, begins, ends, tier, canonical, joined = row
            key = ClaimKey(host, path, wildcard)
            if near.is_near(key):
                members.add(member)
                found[claim_id] = IndexedClaim(
                    node,
                    claim_id,
                    holder_id(node, member),
                    key,
                    counts_from(joined, begins),
                    ends,
                    tier,
                    UrlKey.of(canonical) if canonical else None,
                )
    return members, list(found.values())


async def _rulings_around(
    session: ReadSession, node: str, places: Sequence[ClaimKey]
) -> list[IndexedRuling]:
    of = OptOut
    query = select(
        of.id,
        of.host,
        of.path,
        of.wildcard,
        of.state,
        of.use,
        of.effective_at,
        of.ends_at,
        of.source,
        of.since,
    )
    found: dict[int, IndexedRuling] = {}
    near = _Near(places)
    for bears in _around(of, places):
        rows = await session.execute(query.where(of.host.is_not(None), known(of), bears))
        for row_id, host, path, wildcard, state, use, begins, ends, source, since in rows:
            key = ClaimKey(host or "", path or "", wildcard)
            if near.is_near(key):
                ruling = Ruling(state, use, begins, ends, source, rule_length(key.path), since)
                found[row_id] = IndexedRuling(node, ruling, key, None)
    return list(found.values())


async def _rulings_of(
    session: ReadSession, node: str, members: Iterable[str]
) -> list[IndexedRuling]:
    """Return what names some members."""
    of, found = OptOut, list[IndexedRuling]()
    query = select(of.member_id, of.state, of.use, of.effective_at, of.ends_at, of.source, of.since)
    for chunk in in_chunks(sorted(members)):
        named = query.where(of.member_id.in_(chunk), known(of))
        for member, state, use, begins, ends, source, since in await session.execute(named):
            ruling = Ruling(state, use, begins, ends, source, since=since)
            found.append(IndexedRuling(node, ruling, None, holder_id(node, member or "")))
    return found


def _around(on: type[Claim | OptOut], places: Sequence[ClaimKey]) -> Iterable[ColumnElement[bool]]:
    """Yield conditions, one a statement, that are true of what may match a page of some places."""
    if len(places) > PLACES_AT_ONCE:
        hosts = {host for place in places for host, _ in candidate_hosts(place.host)}
        for chunk in in_chunks(sorted(hosts)):
            yield on.host.in_(chunk)
    elif places:
        yield or_(*(_around_one(on, place) for place in places))


def _around_one(on: type[Claim | OptOut], place: ClaimKey) -> ColumnElement[bool]:
    hosts = sorted({host for host, _ in candidate_hosts(place.host)})
    base = place.path.rstrip("/")
    is_there = or_(
        on.path.in_([*candidate_paths(place.path), f"{place.path}$"]),
        on.path.startswith(f"{base}/", autoescape=True) if base else true(),
        on.path.contains("*"),
    )
    return and_(on.host.in_(hosts), is_there)


class _Near:
    """Tells which claims and subjects may match a page of some places."""

    def __init__(self, places: Collection[ClaimKey]) -> None:
        self._hosts = {pair for place in places for pair in candidate_hosts(place.host)}
        self._places = {place.path for place in places}
        self._above = {path for place in places for path in candidate_paths(place.path)}

    def is_near(self, key: ClaimKey) -> bool:
        """Tell it of one; of a pattern with a `*` no more is asked than its host."""
        if (key.host, key.wildcard) not in self._hosts:
            return False
        path = key.path.removesuffix("$")
        if "*" in path or path in self._above:
            return True
        return not self._places.isdisjoint(candidate_paths(path))
