"""Every SQL statement of the claim index, and a node's own answer in its stead. No commits."""

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Text, delete, false, func, literal, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from federation.registry.facts import fact_of_claim, fact_of_opt_out
from federation.registry.index import ClaimIndex, IndexedClaim, IndexedOptOut
from federation.registry.matching import candidate_hosts, candidate_paths
from federation.registry.messages import (
    ClaimFact,
    OptOutFact,
    RegistryDelta,
    Slice,
    SliceClaim,
    SliceOptOut,
)
from federation.registry.tables import (
    Claim,
    IndexClaim,
    IndexOptOut,
    Member,
    OptOut,
    RegistryVersion,
)
from federation.registry.urls import ClaimKey, UrlKey
from federation.store.base import to_micros
from federation.store.bulk import for_driver, in_chunks, insert_rows
from federation.store.sessions import ReadSession, WriteSession

KEYS_COMPARED_MAX = 50  # as many as one token has prefixes
PATHS_AT_ONCE = 5_000  # in one statement, which looks through all claims of its hosts


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
    opt_outs = await _opt_outs_on(session, wanted | more)
    opt_outs += await _opt_outs_of(session, {row.holder_id for row in claims.values()})
    return Slice(
        claims=[SliceClaim(row.node, _claim_fact(row)) for row in claims.values()],
        opt_outs=[SliceOptOut(row.node, _opt_out_fact(row)) for row in opt_outs],
    )


async def claims_slice(session: ReadSession, keys: Iterable[UrlKey]) -> Slice:
    """At the hub: return who claims some addresses, and nothing else the index knows of them.

    However many they are, a host's other claims are not read: whoever asks chooses the hosts, and
    one may have claims by the ten thousand. Addresses have few segments (`minting.prefixes_of`).
    """
    wanted = set(keys)
    hosts = sorted({host for host, _ in _hosts(wanted)})
    paths = sorted({path for key in wanted for path in candidate_paths(key.path)})
    rows: list[IndexClaim] = []
    for some in in_chunks(hosts):
        for start in range(0, len(paths), PATHS_AT_ONCE):
            on_them = IndexClaim.path.in_(paths[start : start + PATHS_AT_ONCE])
            asked = select(IndexClaim).where(IndexClaim.host.in_(some), on_them)
            rows += await session.scalars(asked)
    return Slice(claims=[SliceClaim(row.node, _claim_fact(row)) for row in rows], opt_outs=[])


def _hosts(keys: Iterable[UrlKey]) -> set[tuple[str, bool]]:
    """Return the (host, wildcard) under which claims on some addresses may stand.

    Hosts only: the paths that could match a long address are too many to enumerate.
    """
    return {pattern for host in {key.host for key in keys} for pattern in candidate_hosts(host)}


def _bears_on(
    path: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    keys: Collection[UrlKey],
    *,
    has_patterns: bool = False,
) -> ColumnElement[bool]:
    """Return the condition that a path may match one of some addresses, if they are few.

    A host may have claims by the ten thousand; of one address the database looks them through.
    """
    if len(keys) > KEYS_COMPARED_MAX:
        return true()
    begins = [func.substr(literal(key.path, Text), 1, func.length(path)) == path for key in keys]
    patterns = [path.contains("*"), path.endswith("$")] if has_patterns else []
    return or_(false(), *begins, *patterns)


async def own_slice(session: ReadSession, node: str, keys: Iterable[UrlKey]) -> Slice:
    """At a node: return the same as the index would, from its own registry only."""
    wanted = set(keys)
    claims = await _own_claims_on(session, node, wanted)
    canonicals = (fact.canonical for _, fact in claims.values())
    more = {UrlKey.of(canonical) for canonical in canonicals if canonical} - wanted
    claims |= await _own_claims_on(session, node, more)
    opt_outs = await _own_opt_outs_on(session, wanted | more)
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
    hosts, bears = _hosts(keys), _bears_on(Claim.path, keys)
    found: dict[str, tuple[str, ClaimFact]] = {}
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        rows = await session.execute(
            select(Claim, Member.joined_on).join(Member).where(Claim.host.in_(chunk), bears)
        )
        found |= {
            row.claim_id: (row.member_id, fact_of_claim(node, row, day))
            for row, day in rows
            if (row.host, row.wildcard) in hosts
        }
    return found


async def _own_opt_outs_on(session: ReadSession, keys: Collection[UrlKey]) -> list[OptOut]:
    hosts, bears = _hosts(keys), _bears_on(OptOut.path, keys, has_patterns=True)
    rows: list[OptOut] = []
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(select(OptOut).where(OptOut.host.in_(chunk), bears))
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


async def _claims_on(session: ReadSession, keys: Collection[UrlKey]) -> list[IndexClaim]:
    hosts, bears = _hosts(keys), _bears_on(IndexClaim.path, keys)
    rows: list[IndexClaim] = []
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(select(IndexClaim).where(IndexClaim.host.in_(chunk), bears))
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


async def _opt_outs_on(session: ReadSession, keys: Collection[UrlKey]) -> list[IndexOptOut]:
    hosts, bears = _hosts(keys), _bears_on(IndexOptOut.path, keys, has_patterns=True)
    rows: list[IndexOptOut] = []
    for chunk in in_chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(select(IndexOptOut).where(IndexOptOut.host.in_(chunk), bears))
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


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
