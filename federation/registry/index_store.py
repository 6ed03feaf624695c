"""Every SQL statement of the claim index, and a node's own answer in its stead. No commits."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from datetime import date, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from federation.addresses.matching import candidate_hosts, candidate_paths, rule_length
from federation.addresses.urls import ClaimKey, UrlKey
from federation.consent.deciding import Ruling
from federation.consent.states import State
from federation.registry.facts import fact_of_claim, fact_of_opt_out
from federation.registry.index import ClaimIndex, IndexedClaim, IndexedRuling
from federation.registry.messages import (
    ClaimFact,
    OptOutFact,
    Slice,
    SliceClaim,
    SliceOptOut,
)
from federation.registry.store import is_near, known
from federation.registry.tables import (
    HAS_STAR,
    Claim,
    IndexClaim,
    IndexClaimPast,
    IndexOptOut,
    IndexOptOutPast,
    Member,
    OptOut,
)
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

# Of one statement, which looks through all that stands on its hosts:
HOSTS_AT_ONCE: Final = 500
PATHS_AT_ONCE: Final = 5_000
LETTERS_AT_ONCE: Final = 1_000_000  # of its paths
LETTERS_SHORT: Final = 20_000  # of a question whose every path is asked for

_OnHosts = type[Claim | OptOut | IndexClaim | IndexOptOut | IndexClaimPast | IndexOptOutPast]
_OptOut = TypeVar("_OptOut", OptOut, IndexOptOut, IndexOptOutPast)


async def index_slice(
    session: ReadSession, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> Slice:
    """At the hub: return all the index knows about some addresses and their canonical ones.

    Or knew at an instant: what a node said after it is left out, what it took back is there.
    """
    wanted = set(keys)
    claims = await _claims_known(session, wanted, known_at)
    more = {UrlKey.of(row.canonical) for row in claims if row.canonical} - wanted
    claims += await _claims_known(session, more, known_at)
    facts = {(row.node, row.claim_id): _claim_fact(row) for row in claims}
    opt_outs: list[IndexOptOut | IndexOptOutPast] = []
    opt_outs += await _opt_outs_on(session, IndexOptOut, wanted | more, known_at)
    opt_outs += await _opt_outs_of(session, IndexOptOut, claims, known_at)
    if known_at is not None:
        opt_outs += await _opt_outs_on(session, IndexOptOutPast, wanted | more, known_at)
        opt_outs += await _opt_outs_of(session, IndexOptOutPast, claims, known_at)
    return Slice(
        claims=[SliceClaim(node, fact) for (node, _), fact in facts.items()],
        opt_outs=[SliceOptOut(row.node, _opt_out_fact(row)) for row in opt_outs],
    )


async def _claims_known(
    session: ReadSession, keys: Collection[UrlKey], known_at: datetime | None
) -> list[IndexClaim | IndexClaimPast]:
    found: list[IndexClaim | IndexClaimPast] = []
    found += await _claims_on(session, IndexClaim, keys, known_at)
    if known_at is not None:
        found += await _claims_on(session, IndexClaimPast, keys, known_at)
    return found


def _was_known(of: _OnHosts, known_at: datetime | None) -> ColumnElement[bool]:
    """Return which rows were known at an instant, or are known now (None)."""
    if issubclass(of, Claim | OptOut):
        return known(of, known_at)
    if known_at is None:
        return true()
    if issubclass(of, IndexClaimPast | IndexOptOutPast):
        return and_(of.recorded_at <= known_at, of.withdrawn_at > known_at)
    return of.recorded_at <= known_at


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
        lengths = None if standing is None else standing[host]
        more = {*candidate_paths(path, lengths), *_whole(on, path, lengths)} - paths
        hosts.add(host)
        paths |= more
        letters += sum(map(len, more))
        if len(hosts) >= HOSTS_AT_ONCE or len(paths) >= PATHS_AT_ONCE or letters >= LETTERS_AT_ONCE:
            yield and_(on.host.in_(hosts), on.path.in_(paths))
            hosts, paths, letters = set(), set(), 0
    if paths:
        yield and_(on.host.in_(hosts), on.path.in_(paths))


def _whole(on: _OnHosts, path: str, lengths: Collection[int] | None) -> list[str]:
    """Return the pattern that an opt-out of a path and nothing below it has, if one may be there.

    `lengths` are as in `candidate_paths`.
    """
    if issubclass(on, Claim | IndexClaim | IndexClaimPast):
        return []
    return [f"{path}$"] if lengths is None or len(path) + 1 in lengths else []


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


async def own_slice(
    session: ReadSession, node: str, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> Slice:
    """At a node: return the same as the index would, from its own registry only."""
    claims, opt_outs = await own_rows(session, node, keys, known_at)
    return Slice(
        claims=[SliceClaim(node, fact) for fact in claims],
        opt_outs=[SliceOptOut(node, fact_of_opt_out(node, row)) for row in opt_outs],
    )


async def own_rows(
    session: ReadSession, node: str, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> tuple[list[ClaimFact], list[OptOut]]:
    """At a node: return the claims and the rulings that its answer is made of."""
    wanted = set(keys)
    claims = await _own_claims_on(session, node, wanted, known_at)
    canonicals = (fact.canonical for _, fact in claims.values())
    more = {UrlKey.of(canonical) for canonical in canonicals if canonical} - wanted
    claims |= await _own_claims_on(session, node, more, known_at)
    opt_outs = await _opt_outs_on(session, OptOut, wanted | more, known_at)
    opt_outs += await rulings_naming(session, {one for one, _ in claims.values()}, known_at)
    return [fact for _, fact in claims.values()], opt_outs


async def rulings_naming(
    session: ReadSession, members: Collection[str], known_at: datetime | None = None
) -> list[OptOut]:
    """At a node: return the rulings that name some members."""
    found: list[OptOut] = []
    for chunk in in_chunks(sorted(members)):
        named = select(OptOut).where(OptOut.member_id.in_(chunk), known(OptOut, known_at))
        found += await session.scalars(named)
    return found


async def _own_claims_on(
    session: ReadSession, node: str, keys: Collection[UrlKey], known_at: datetime | None
) -> dict[str, tuple[str, ClaimFact]]:
    """Return (member, claim) by row; a claim counts from the day its member was known to join."""
    joined_on = func.coalesce(Claim.joined_on, Member.joined_on, type_=Member.joined_on.type)
    hosts = _hosts(keys)
    found: dict[str, tuple[str, ClaimFact]] = {}
    async for bears in _bearing_on(session, Claim, keys):
        query = select(Claim, joined_on).join(Member).where(bears, known(Claim, known_at))
        rows = await session.execute(query)
        found |= {
            row.claim_id: (row.member_id, fact_of_claim(node, row, day))
            for row, day in rows
            if (row.host, row.wildcard) in hosts
        }
    return found


_AnyClaim = TypeVar("_AnyClaim", IndexClaim, IndexClaimPast)


async def _claims_on(
    session: ReadSession,
    of: type[_AnyClaim],
    keys: Collection[UrlKey],
    known_at: datetime | None,
) -> list[_AnyClaim]:
    hosts = _hosts(keys)
    found: dict[tuple[str, str], _AnyClaim] = {}
    async for bears in _bearing_on(session, of, keys):
        rows = await session.scalars(select(of).where(bears, _was_known(of, known_at)))
        found |= {
            (row.node, row.claim_id): row for row in rows if (row.host, row.wildcard) in hosts
        }
    return list(found.values())


async def _opt_outs_on(
    session: ReadSession,
    of: type[_OptOut],
    keys: Collection[UrlKey],
    known_at: datetime | None,
) -> list[_OptOut]:
    """Return the opt-outs that may match some addresses; of their hosts, each pattern with a `*`.

    One that ends in `$` and has none is the whole of a path: it is asked for as the paths are.
    """
    hosts = _hosts(keys)
    found: dict[int, _OptOut] = {}
    is_pattern = of.path.like(HAS_STAR)  # as the index of patterns has it
    is_known = _was_known(of, known_at)
    async for bears in _bearing_on(session, of, keys):
        found |= {row.id: row for row in await _read(session, of, and_(bears, is_known))}
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        asked = and_(of.host.in_(chunk), is_pattern, is_known)
        found |= {row.id: row for row in await _read(session, of, asked)}
    return [row for row in found.values() if (row.host, row.wildcard) in hosts]


async def _read(
    session: ReadSession, of: type[_OptOut], which: ColumnElement[bool]
) -> list[_OptOut]:
    """Return rows that nobody changes: as tuples with names they cost half of what objects do."""
    table: Any = of
    columns: list[Any] = [*table.__table__.columns]
    rows: Any = await session.execute(select(*columns).where(which))
    return list(rows)


_InIndex = TypeVar("_InIndex", IndexOptOut, IndexOptOutPast)


async def _opt_outs_of(
    session: ReadSession,
    of: type[_InIndex],
    claims: Iterable[IndexClaim | IndexClaimPast],
    known_at: datetime | None,
) -> list[_InIndex]:
    rows: list[_InIndex] = []
    for chunk in in_chunks(sorted({row.holder_id for row in claims})):
        named = select(of).where(of.holder_id.in_(chunk), _was_known(of, known_at))
        rows += await session.scalars(named)
    return rows


def _claim_fact(row: IndexClaim | IndexClaimPast) -> ClaimFact:
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


def _opt_out_fact(row: IndexOptOut | IndexOptOutPast) -> OptOutFact:
    return OptOutFact(
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        state=State(row.state),
        source=row.source,
        since=row.since,
    )


def claim_index(answer: Slice) -> ClaimIndex:
    """Turn an answer of the index into something verdicts can ask."""
    return ClaimIndex(indexed_claims(answer), indexed_rulings(answer))


def indexed_claims(answer: Slice) -> list[IndexedClaim]:
    """Return the claims of an answer."""
    return [indexed_claim(entry.node, entry.fact) for entry in answer.claims]


def indexed_rulings(answer: Slice) -> list[IndexedRuling]:
    """Return the rulings of an answer."""
    return [
        indexed_ruling(entry.node, entry.fact, ruling_of(entry.fact)) for entry in answer.opt_outs
    ]


def indexed_claim(node: str, fact: ClaimFact) -> IndexedClaim:
    """Return a claim of a node as verdicts ask for it."""
    return IndexedClaim(
        node=node,
        claim_id=fact.claim_id,
        holder_id=fact.holder_id,
        key=ClaimKey(fact.host, fact.path, fact.wildcard),
        counts_from=fact.counts_from,
        counts_to=fact.counts_to,
        content_tier=fact.content_tier,
        canonical=UrlKey.of(fact.canonical) if fact.canonical else None,
    )


def indexed_ruling(node: str, fact: OptOutFact, ruling: Ruling) -> IndexedRuling:
    """Return what a node says of the subject of a fact."""
    return IndexedRuling(node, ruling, _subject(fact), fact.holder_id)


def ruling_of(fact: OptOutFact) -> Ruling:
    """Return what a fact of the index says of its subject."""
    length = rule_length(fact.path or "")
    return Ruling(
        fact.state, fact.use, fact.effective_at, fact.ends_at, fact.source, length, fact.since
    )


def _subject(fact: OptOutFact) -> ClaimKey | None:
    if fact.host is None or fact.path is None:
        return None
    return ClaimKey(fact.host, fact.path, fact.wildcard)
