"""Every SQL statement of the claim index, and a node's own answer in its stead. No commits."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from datetime import date
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey, UrlKey
from federation.registry.facts import fact_of_claim, fact_of_opt_out
from federation.registry.index import ClaimIndex, IndexedClaim, IndexedOptOut
from federation.registry.messages import (
    ClaimFact,
    OptOutFact,
    RegistryDelta,
    Slice,
    SliceClaim,
    SliceOptOut,
)
from federation.registry.store import is_near
from federation.registry.tables import (
    Claim,
    IndexClaim,
    IndexOptOut,
    Member,
    OptOut,
    RegistryVersion,
)
from federation.store.base import to_micros
from federation.store.bulk import for_driver, in_chunks, insert_rows
from federation.store.sessions import ReadSession, WriteSession

# Of one statement, which looks through all that stands on its hosts:
HOSTS_AT_ONCE: Final = 500
PATHS_AT_ONCE: Final = 5_000
LETTERS_AT_ONCE: Final = 1_000_000  # of its paths
LETTERS_SHORT: Final = 20_000  # of a question whose every path is asked for

_OnHosts = type[Claim | OptOut | IndexClaim | IndexOptOut]
_OptOut = TypeVar("_OptOut", OptOut, IndexOptOut)


async def next_version(session: WriteSession, node: str) -> int:
    """Count one more delta of a node's registry and return its number."""
    row = await session.get(RegistryVersion, node)
    if row is None:
        row = RegistryVersion(node=node, version=0)
        session.add(row)
    row.version += 1
    return row.version


async def version_of(session: ReadSession, node: str) -> int:
    """Return the number of the last delta of a node's registry."""
    row = await session.get(RegistryVersion, node)
    return row.version if row else 0


async def known_claims(session: ReadSession, claim_ids: Iterable[str]) -> set[tuple[str, str]]:
    """At the hub: return the (node, claim id) that the index has of some claim ids."""
    found = set[tuple[str, str]]()
    for chunk in in_chunks(sorted(set(claim_ids))):
        rows = await session.execute(
            select(IndexClaim.node, IndexClaim.claim_id).where(IndexClaim.claim_id.in_(chunk))
        )
        found |= {(node, claim_id) for node, claim_id in rows}
    return found


async def apply_delta(session: WriteSession, node: str, delta: RegistryDelta) -> None:
    """At the hub: enter a node's claims and opt-outs in the index, less what it withdraws."""
    await _withdraw(session, node, delta)
    claims = [
        (
            node,
            fact.claim_id,
            fact.holder_id,
            fact.host,
            fact.path,
            fact.wildcard,
            fact.counts_from,
            fact.counts_to,
            fact.content_tier,
            fact.canonical,
        )
        for fact in delta.claims
    ]
    columns = [
        "node",
        "claim_id",
        "holder_id",
        "host",
        "path",
        "wildcard",
        "counts_from",
        "counts_to",
        "content_tier",
        "canonical",
    ]
    await insert_rows(session, IndexClaim, columns, for_driver(session, claims))
    opt_outs = [
        (
            node,
            fact.holder_id,
            fact.host,
            fact.path,
            fact.wildcard,
            fact.use,
            to_micros(fact.effective_at),
            to_micros(fact.ends_at) if fact.ends_at else None,
        )
        for fact in delta.opt_outs
    ]
    columns = ["node", "holder_id", "host", "path", "wildcard", "use", "effective_at", "ends_at"]
    await insert_rows(session, IndexOptOut, columns, opt_outs)


async def _withdraw(session: WriteSession, node: str, delta: RegistryDelta) -> None:
    for chunk in in_chunks(delta.withdrawn_claims):
        await session.execute(
            delete(IndexClaim).where(IndexClaim.node == node, IndexClaim.claim_id.in_(chunk))
        )
    for fact in delta.withdrawn_opt_outs:
        await session.execute(
            delete(IndexOptOut).where(
                IndexOptOut.node == node,
                IndexOptOut.holder_id.is_not_distinct_from(fact.holder_id),
                IndexOptOut.host.is_not_distinct_from(fact.host),
                IndexOptOut.path.is_not_distinct_from(fact.path),
                IndexOptOut.wildcard == fact.wildcard,
                IndexOptOut.use == fact.use,
                IndexOptOut.effective_at == fact.effective_at,
            )
        )


async def index_slice(session: ReadSession, keys: Iterable[UrlKey]) -> Slice:
    """At the hub: return all the index knows about some addresses and their canonical ones."""
    wanted = set(keys)
    claims = {(row.node, row.claim_id): row for row in await _claims_on(session, wanted)}
    more = {UrlKey.of(row.canonical) for row in claims.values() if row.canonical} - wanted
    claims |= {(row.node, row.claim_id): row for row in await _claims_on(session, more)}
    opt_outs = await _opt_outs_on(session, IndexOptOut, wanted | more)
    opt_outs += await _opt_outs_of(session, {row.holder_id for row in claims.values()})
    return Slice(
        claims=[SliceClaim(row.node, _claim_fact(row)) for row in claims.values()],
        opt_outs=[SliceOptOut(row.node, _opt_out_fact(row)) for row in opt_outs],
    )


async def claims_held(
    session: ReadSession,
    node: str,
    holder: str,
    *,
    on: date,
    near: tuple[str | None, str] | None = None,
    limit: int,
) -> list[ClaimKey]:
    """At the hub: return what a member of a node claims on a day; `near` is as in `is_near`."""
    query = select(IndexClaim.host, IndexClaim.path, IndexClaim.wildcard)
    query = query.where(
        IndexClaim.holder_id == holder,
        IndexClaim.node == node,
        IndexClaim.counts_from <= on,
        or_(IndexClaim.counts_to.is_(None), IndexClaim.counts_to > on),
    )
    if near is not None:
        query = query.where(is_near(IndexClaim, *near))
    rows = await session.execute(query.order_by(IndexClaim.host, IndexClaim.path).limit(limit))
    return [ClaimKey(host, path, wildcard) for host, path, wildcard in rows]


async def claims_slice(session: ReadSession, keys: Iterable[UrlKey]) -> Slice:
    """At the hub: return who claims some addresses, and nothing else the index knows of them."""
    rows = await _claims_on(session, set(keys))
    return Slice(claims=[SliceClaim(row.node, _claim_fact(row)) for row in rows], opt_outs=[])


def _hosts(keys: Iterable[UrlKey]) -> set[tuple[str, bool]]:
    """Return the (host, wildcard) under which claims on some addresses may stand."""
    return {pattern for host in {key.host for key in keys} for pattern in candidate_hosts(host)}


async def _bearing_on(
    session: ReadSession, on: _OnHosts, keys: Collection[UrlKey]
) -> AsyncIterator[ColumnElement[bool]]:
    """Yield conditions, one a statement, that together are true of what some addresses match.

    Whoever asks chooses the addresses, and a host may have claims by the ten thousand: of a host
    with more than there are addresses only those that match are read. No statement is larger than
    the limits above, give or take what one address adds.
    """
    standing = await _standing(session, on, keys)
    at: dict[str, set[str]] = {}
    for key in keys:
        at.setdefault(key.host, set()).add(key.path)
    asked: dict[str, set[str]] = {}
    for named, there in at.items():
        for host in {host for host, _ in candidate_hosts(named)}:
            if standing is None or host in standing:
                asked.setdefault(host, set()).update(there)
    small = {host for host in asked if standing and standing[host].total() <= len(asked[host])}
    for chunk in in_chunks(sorted(small)):
        yield on.host.in_(chunk)
    large = asked.keys() - small
    hosts, paths, letters = set[str](), set[str](), 0
    for host, path in ((each, path) for each in sorted(large) for path in asked[each]):
        more = {*candidate_paths(path, None if standing is None else standing[host])} - paths
        hosts.add(host)
        paths |= more
        letters += sum(map(len, more))
        if len(hosts) >= HOSTS_AT_ONCE or len(paths) >= PATHS_AT_ONCE or letters >= LETTERS_AT_ONCE:
            yield and_(on.host.in_(hosts), on.path.in_(paths))
            hosts, paths, letters = set(), set(), 0
    if paths:
        yield and_(on.host.in_(hosts), on.path.in_(paths))


async def _standing(
    session: ReadSession, on: _OnHosts, keys: Collection[UrlKey]
) -> dict[str, Counter[int]] | None:
    """Return {host: how many of its paths are so long}; None where a question is too short."""
    if sum(len(key.path) * key.path.count("/") for key in keys) <= LETTERS_SHORT:
        return None
    found: dict[str, Counter[int]] = {}
    length = func.length(on.path)
    for chunk in in_chunks(sorted({host for host, _ in _hosts(keys)})):
        counted = select(on.host, length, func.count()).where(on.host.in_(chunk))
        for host, letters, count in await session.execute(counted.group_by(on.host, length)):
            found.setdefault(host, Counter())[letters] = count
    return found


async def own_slice(session: ReadSession, node: str, keys: Iterable[UrlKey]) -> Slice:
    """At a node: return the same as the index would, from its own registry only."""
    wanted = set(keys)
    claims = await _own_claims_on(session, node, wanted)
    canonicals = (fact.canonical for _, fact in claims.values())
    more = {UrlKey.of(canonical) for canonical in canonicals if canonical} - wanted
    claims |= await _own_claims_on(session, node, more)
    opt_outs = await _opt_outs_on(session, OptOut, wanted | more)
    for chunk in in_chunks(sorted({member_id for member_id, _ in claims.values()})):
        opt_outs += await session.scalars(select(OptOut).where(OptOut.member_id.in_(chunk)))
    return Slice(
        claims=[SliceClaim(node, fact) for _, fact in claims.values()],
        opt_outs=[SliceOptOut(node, fact_of_opt_out(node, row)) for row in opt_outs],
    )


async def _own_claims_on(
    session: ReadSession, node: str, keys: Collection[UrlKey]
) -> dict[str, tuple[str, ClaimFact]]:
    """Return (member, claim) by row."""
    hosts = _hosts(keys)
    found: dict[str, tuple[str, ClaimFact]] = {}
    async for bears in _bearing_on(session, Claim, keys):
        rows = await session.execute(select(Claim, Member.joined_on).join(Member).where(bears))
        found |= {
            row.claim_id: (row.member_id, fact_of_claim(node, row, day))
            for row, day in rows
            if (row.host, row.wildcard) in hosts
        }
    return found


async def _claims_on(session: ReadSession, keys: Collection[UrlKey]) -> list[IndexClaim]:
    hosts = _hosts(keys)
    found: dict[tuple[str, str], IndexClaim] = {}
    async for bears in _bearing_on(session, IndexClaim, keys):
        rows = await session.scalars(select(IndexClaim).where(bears))
        found |= {
            (row.node, row.claim_id): row for row in rows if (row.host, row.wildcard) in hosts
        }
    return list(found.values())


async def _opt_outs_on(
    session: ReadSession, of: type[_OptOut], keys: Collection[UrlKey]
) -> list[_OptOut]:
    """Return the opt-outs that may match some addresses; of their hosts, every pattern."""
    hosts = _hosts(keys)
    found: dict[int, _OptOut] = {}
    is_pattern = or_(of.path.contains("*"), of.path.endswith("$"))
    async for bears in _bearing_on(session, of, keys):
        found |= {row.id: row for row in await session.scalars(select(of).where(bears))}
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        asked = select(of).where(of.host.in_(chunk), is_pattern)
        found |= {row.id: row for row in await session.scalars(asked)}
    return [row for row in found.values() if (row.host, row.wildcard) in hosts]


async def _opt_outs_of(session: ReadSession, holders: Collection[str]) -> list[IndexOptOut]:
    rows: list[IndexOptOut] = []
    for chunk in in_chunks(sorted(holders)):
        rows += await session.scalars(select(IndexOptOut).where(IndexOptOut.holder_id.in_(chunk)))
    return rows


def _claim_fact(row: IndexClaim) -> ClaimFact:
    return ClaimFact(
        claim_id=row.claim_id,
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        counts_from=row.counts_from,
        counts_to=row.counts_to,
        content_tier=row.content_tier,
        canonical=row.canonical,
    )


def _opt_out_fact(row: IndexOptOut) -> OptOutFact:
    return OptOutFact(
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
    )


def claim_index(answer: Slice) -> ClaimIndex:
    """Turn an answer of the index into something verdicts can ask."""
    return ClaimIndex(
        (
            IndexedClaim(
                node=entry.node,
                claim_id=entry.fact.claim_id,
                holder_id=entry.fact.holder_id,
                key=ClaimKey(entry.fact.host, entry.fact.path, entry.fact.wildcard),
                counts_from=entry.fact.counts_from,
                counts_to=entry.fact.counts_to,
                content_tier=entry.fact.content_tier,
                canonical=UrlKey.of(entry.fact.canonical) if entry.fact.canonical else None,
            )
            for entry in answer.claims
        ),
        (
            IndexedOptOut(
                node=entry.node,
                use=entry.fact.use,
                effective_at=entry.fact.effective_at,
                subject=_subject(entry.fact),
                holder_id=entry.fact.holder_id,
                ends_at=entry.fact.ends_at,
            )
            for entry in answer.opt_outs
        ),
    )


def _subject(fact: OptOutFact) -> ClaimKey | None:
    if fact.host is None or fact.path is None:
        return None
    return ClaimKey(fact.host, fact.path, fact.wildcard)
