"""What stands at some places and below, as on the pages of a site, here or in the index.

What is looked up for an address is in `place_store`; a site has addresses without number. Nothing
here commits.
"""

from bisect import bisect_left
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select, true

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
from federation.claimindex.place_store import standing_at
from federation.claimindex.tables import ClaimRow, IndexClaim, IndexOptOut, RulingRow
from federation.store.asked import asked as asked_table
from federation.store.asked import is_sqlite, parameters_of
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

PLACES_AT_ONCE: Final = 100
"""Of more places of a member all that stands on their hosts is read: a question looks through it
once for each."""
CLAIMS_MAX: Final = 1_000
RULINGS_MAX: Final = 10_000
HOSTS_MAX: Final = 10_000
LETTERS_MAX: Final = 16 << 20  # of all paths: who asks reads no longer answer than 64 MiB
"""So many are told in one answer; of more only that there are more."""


async def answer(session: ReadSession, asked: SliceRequest, node: str) -> Slice:
    """At the hub: answer a node about addresses, and about the places of sites."""
    keys = {UrlKey(host, path) for host, path in asked.keys}
    places = {ClaimKey(host, path, wildcard=False) for host, path in asked.places}
    found = await index_store.index_slice(session, keys) if keys else Slice([], [])
    return joined([found, await slice_near(session, node, places)]) if places else found


async def shared_hosts(session: ReadSession, node: str) -> frozenset[str] | None:
    """At the hub: return on which hosts both a node's members and members of others claim pages.

    All claims are read (`shared_hosts`); None where there are more hosts than are told.
    """
    own = select(IndexClaim.host).where(IndexClaim.node == node)
    others = select(IndexClaim.host).where(IndexClaim.node != node, IndexClaim.host.in_(own))
    query: Any = others.distinct().limit(HOSTS_MAX + 1)
    found = {row.host for row in await session.rows(query, {}, many=True)}
    return frozenset(found) if len(found) <= HOSTS_MAX else None


async def shared_among(session: ReadSession, node: str, hosts: Collection[str]) -> set[str]:
    """At the hub: return the same of some hosts."""
    sqlite = is_sqlite(session)
    there = asked_table(("host",), sqlite=sqlite)
    on_it = select(IndexClaim.claim_id).where(IndexClaim.host == there.c.host)
    query: Any = select(there.c.host).where(
        on_it.where(IndexClaim.node == node).exists(), on_it.where(IndexClaim.node != node).exists()
    )
    parameters = parameters_of(("host",), [(host,) for host in sorted(hosts)], sqlite=sqlite)
    return {row.host for row in await session.rows(query, parameters, many=True)}


async def slice_near(session: ReadSession, node: str, places: Collection[ClaimKey]) -> Slice:
    """At the hub: return what members of others than a node claim at places, and say there.

    Claims on subdomains are told for a place on the same host only.
    """
    claims: dict[tuple[str, str], Any] = {}
    async with aclosing(_claims_near(session, node, outermost(places))) as parts:
        async for rows in parts:
            claims |= {(row.node, row.claim_id): row for row in rows}
            if len(claims) > CLAIMS_MAX:
                return Slice([], [], is_cut=True)
    held = [claims[key] for key in sorted(claims)]
    of_claims = sum(len(row.path) + len(row.canonical or "") for row in held)
    rulings: dict[int, Any] = {}
    async with aclosing(_rulings_of(session, held)) as parts:
        async for rows in parts:
            rulings |= {row.id: row for row in rows}
            letters = of_claims + sum(len(row.path or "") for row in rulings.values())
            if len(rulings) > RULINGS_MAX or letters > LETTERS_MAX:
                return Slice([], [], is_cut=True)
    return Slice(
        [SliceClaim(row.node, claim_fact(row)) for row in held],
        [SliceOptOut(rulings[key].node, opt_out_fact(rulings[key])) for key in sorted(rulings)],
    )


async def _claims_near(
    session: ReadSession, node: str, places: Sequence[ClaimKey]
) -> AsyncGenerator[Sequence[Any]]:
    """Yield the claims on the hosts of places that may hold pages of them, some at a time.

    A shorter path may: where the site's own claim is on all subdomains, the host goes before.
    """
    columns: Any = IndexClaim.__table__.columns
    query: Any = select(*columns).where(IndexClaim.node != node).limit(CLAIMS_MAX + 1)
    for chunk in in_chunks(places, PLACES_AT_ONCE):
        keys = [UrlKey(place.host, place.path) for place in chunk]
        yield await standing_at(session, IndexClaim, query, keys, on_other_hosts=False)
        below = [
            and_(IndexClaim.host == place.host, _begins(IndexClaim.path, place)) for place in chunk
        ]
        yield await session.rows(query.where(or_(*below)), {}, many=True)


async def _rulings_of(session: ReadSession, claims: Sequence[Any]) -> AsyncGenerator[Sequence[Any]]:
    """Yield what the collectives of claims say where these are, some at a time."""
    if not claims:
        return
    of = IndexOptOut
    columns: Any = of.__table__.columns
    query: Any = select(*columns).where(of.node.in_(sorted({row.node for row in claims})))
    query = query.limit(RULINGS_MAX + 1)
    for holders in in_chunks(sorted({row.holder_id for row in claims})):
        yield await session.rows(query.where(of.holder_id.in_(holders)), {}, many=True)
    keys = outermost(ClaimKey(row.host, row.path, row.wildcard) for row in claims)
    for chunk in in_chunks(keys, PLACES_AT_ONCE):
        async for rows in rows_near(session, of, query.where(of.host.is_not(None)), chunk):
            yield rows
    wide = sorted({row.host for row in claims if row.wildcard})
    for hosts in in_chunks(wide, PLACES_AT_ONCE):  # all rows are read, and so once for many
        ends = [of.host.endswith(f".{host}", autoescape=True) for host in hosts]
        yield await session.rows(query.where(or_(*ends)), {}, many=True)


async def rows_near(
    session: ReadSession,
    on: type[ClaimRow | RulingRow],
    query: Select[*tuple[Any, ...]],
    places: Sequence[ClaimKey],
) -> AsyncGenerator[Sequence[Any]]:
    """Yield the rows of a question that may match a page of some places, a statement at a time.

    A row may come twice. How long a path is somebody else chose, so what stands above it is found
    by the lengths that there are.
    """
    if len(places) > PLACES_AT_ONCE:
        hosts = {host for place in places for host, _ in candidate_hosts(place.host)}
        for chunk in in_chunks(sorted(hosts)):
            yield await session.rows(query.where(on.host.in_(chunk)), {}, many=True)
    elif places:
        yield await standing_at(
            session, on, query, [UrlKey(place.host, place.path) for place in places]
        )
        below = or_(*(_below(on, place) for place in places))
        yield await session.rows(query.where(below), {}, many=True)


def _below(on: type[ClaimRow | RulingRow], place: ClaimKey) -> ColumnElement[bool]:
    """Tell of a row whether it is below a place, or a pattern that may be."""
    hosts = sorted({host for host, _ in candidate_hosts(place.host)})
    path: Any = on.path
    return and_(on.host.in_(hosts), or_(_begins(path, place), path.contains("*")))


def _begins(path: Any, place: ClaimKey) -> ColumnElement[bool]:
    base = place.path.rstrip("/")
    return path.startswith(f"{base}/", autoescape=True) if base else true()


class Near:
    """Tells which claims and subjects may match a page of some places."""

    def __init__(self, places: Collection[ClaimKey]) -> None:
        self._hosts = {pair for place in places for pair in candidate_hosts(place.host)}
        self._places = {place.path for place in places}
        self._lengths = set(map(len, self._places))
        self._ordered = sorted(self._places)

    def is_near(self, key: ClaimKey) -> bool:
        """Tell it of one; of a pattern with a `*` no more is asked than its host."""
        if (key.host, key.wildcard) not in self._hosts:
            return False
        path = key.path.removesuffix("$")
        if "*" in path or self._has_below(path):
            return True
        return not self._places.isdisjoint(candidate_paths(path, self._lengths))

    def _has_below(self, path: str) -> bool:
        """Tell whether a place is at a path or below it."""
        if path in self._places:
            return True
        begin = path if path.endswith("/") else f"{path}/"
        at = bisect_left(self._ordered, begin)
        return at < len(self._ordered) and self._ordered[at].startswith(begin)
