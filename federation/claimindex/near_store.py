"""What stands at some places and below, as on the pages of a site, here or in the index.

What is looked up for an address is in `place_store`; a site has addresses without number. Nothing
here commits.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, true

from federation.addresses.matching import candidate_hosts, candidate_paths, outermost
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex import index_store
from federation.claimindex.index_store import claim_fact, opt_out_fact
from federation.claimindex.messages import (
    Slice,
    SliceClaim,
    SliceOptOut,
    SliceRequest,
    joined,
)
from federation.claimindex.tables import ClaimRow, IndexClaim, IndexOptOut, RulingRow
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

PLACES_AT_ONCE: Final = 100
"""Of more places of a member all that stands on their hosts is read: a question looks through it
once for each."""
CLAIMS_MAX: Final = 1_000
RULINGS_MAX: Final = 10_000
HOSTS_MAX: Final = 10_000
"""So many are told in one answer; of more only that there are more."""


async def answer(session: ReadSession, asked: SliceRequest, node: str) -> Slice:
    """At the hub: answer a node about addresses, about the places of sites, or about hosts."""
    if asked.hosts:
        return await shared_hosts(session, node)
    keys = {UrlKey(host, path) for host, path in asked.keys}
    places = {ClaimKey(host, path, wildcard=False) for host, path in asked.places}
    found = await index_store.index_slice(session, keys) if keys else Slice([], [])
    return joined([found, await slice_near(session, node, places)]) if places else found


async def shared_hosts(session: ReadSession, node: str) -> Slice:
    """At the hub: return on which hosts both a node's members and members of others claim pages."""
    own = select(IndexClaim.host).where(IndexClaim.node == node)
    others = select(IndexClaim.host).where(IndexClaim.node != node, IndexClaim.host.in_(own))
    found = (await session.scalars(others.distinct().limit(HOSTS_MAX + 1))).all()
    is_cut = len(found) > HOSTS_MAX
    return Slice([], [], is_cut=is_cut, hosts=[] if is_cut else sorted(found))


async def slice_near(session: ReadSession, node: str, places: Collection[ClaimKey]) -> Slice:
    """At the hub: return what members of others than a node claim at places, and say there.

    Claims on subdomains are told for a place on the same host only.
    """
    claims: list[IndexClaim] = []
    for chunk in in_chunks(outermost(places), PLACES_AT_ONCE):
        held = select(IndexClaim).where(IndexClaim.node != node, or_(*map(_is_there, chunk)))
        claims += await session.scalars(held.limit(CLAIMS_MAX + 1 - len(claims)))
        if len(claims) > CLAIMS_MAX:
            return Slice([], [], is_cut=True)
    found: dict[int, IndexOptOut] = {}
    for condition in _rulings_of(claims):
        query = select(IndexOptOut).where(condition)
        rows = await session.scalars(query.limit(RULINGS_MAX + 1))
        found |= {row.id: row for row in rows}
        if len(found) > RULINGS_MAX:
            return Slice([], [], is_cut=True)
    return Slice(
        [SliceClaim(row.node, claim_fact(row)) for row in claims],
        [SliceOptOut(found[key].node, opt_out_fact(found[key])) for key in sorted(found)],
    )


def _is_there(place: ClaimKey) -> ColumnElement[bool]:
    """Tell of a claim on the host of a place whether it may hold pages of it.

    A shorter path may: where the site's own claim is on all subdomains, the host goes before.
    """
    base = place.path.rstrip("/")
    below = IndexClaim.path.startswith(f"{base}/", autoescape=True) if base else true()
    above = IndexClaim.path.in_(candidate_paths(place.path))
    return and_(IndexClaim.host == place.host, or_(above, below))


def _rulings_of(claims: Sequence[IndexClaim]) -> Iterable[ColumnElement[bool]]:
    """Yield conditions, one a statement, of what the collectives of claims say where these are."""
    if not claims:
        return
    of = IndexOptOut
    is_theirs = of.node.in_(sorted({row.node for row in claims}))
    for holders in in_chunks(sorted({row.holder_id for row in claims})):
        yield and_(is_theirs, of.holder_id.in_(holders))
    keys = outermost(ClaimKey(row.host, row.path, row.wildcard) for row in claims)
    for chunk in in_chunks(keys, PLACES_AT_ONCE):
        for bears in around(of, chunk):
            yield and_(is_theirs, of.host.is_not(None), bears)
    for key in keys:
        if key.wildcard:
            yield and_(is_theirs, of.host.endswith(f".{key.host}", autoescape=True))


def around(
    on: type[ClaimRow | RulingRow], places: Sequence[ClaimKey]
) -> Iterable[ColumnElement[bool]]:
    """Yield conditions, one a statement, that are true of what may match a page of some places."""
    if len(places) > PLACES_AT_ONCE:
        hosts = {host for place in places for host, _ in candidate_hosts(place.host)}
        for chunk in in_chunks(sorted(hosts)):
            yield on.host.in_(chunk)
    elif places:
        yield or_(*(_around_one(on, place) for place in places))


def _around_one(on: type[ClaimRow | RulingRow], place: ClaimKey) -> ColumnElement[bool]:
    path: Any = on.path
    hosts = sorted({host for host, _ in candidate_hosts(place.host)})
    base = place.path.rstrip("/")
    is_there = or_(
        path.in_([*candidate_paths(place.path), f"{place.path}$"]),
        path.startswith(f"{base}/", autoescape=True) if base else true(),
        path.contains("*"),
    )
    return and_(on.host.in_(hosts), is_there)


class Near:
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
