"""The SQL by which the claim index follows what nodes say: deltas, and what they withdrew."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, insert, literal, select

from federation.addresses.urls import ClaimKey
from federation.claimindex.messages import OptOutFact, RegistryDelta
from federation.claimindex.place_store import rulings_on
from federation.claimindex.tables import (
    IndexClaim,
    IndexClaimPast,
    IndexOptOut,
    IndexOptOutPast,
    RegistryVersion,
)
from federation.store.base import to_micros
from federation.store.bulk import for_driver, in_chunks, insert_rows
from federation.store.database import business_time
from federation.store.sessions import ReadSession, WriteSession

_SAYS: Final[Sequence[Any]] = (
    IndexOptOut.holder_id,
    IndexOptOut.host,
    IndexOptOut.path,
    IndexOptOut.wildcard,
    IndexOptOut.use,
    IndexOptOut.effective_at,
    IndexOptOut.state,
    IndexOptOut.source,
    IndexOptOut.since,
)


async def next_version(session: WriteSession, node: str) -> int:
    """Count one more delta of a node's registry and return its number."""
    row = await session.get(RegistryVersion, node)
    if row is None:
        row = RegistryVersion(node=node, version=0)
        session.add(row)
    row.version += 1
    row.changed_at = business_time(session)
    return row.version


async def version_of(session: ReadSession, node: str) -> int:
    """Return the number of the last delta of a node's registry."""
    row = await session.get(RegistryVersion, node)
    return row.version if row else 0


async def versions_of(
    session: ReadSession, nodes: Collection[str]
) -> dict[str, tuple[int, datetime | None]]:
    """Return {node: the number of the last delta of its registry, and when that was}."""
    rows = await session.execute(
        select(RegistryVersion.node, RegistryVersion.version, RegistryVersion.changed_at).where(
            RegistryVersion.node.in_(nodes)
        )
    )
    return {node: (version, changed_at) for node, version, changed_at in rows}


async def every_version(session: ReadSession) -> dict[str, int]:
    """At the hub: return {node: the number of the last delta of its registry}."""
    rows = await session.execute(select(RegistryVersion.node, RegistryVersion.version))
    return {node: version for node, version in rows}


async def hosts_changed(session: ReadSession, node: str, since: int, limit: int) -> set[str]:
    """At the hub: return hosts on which claims of a node came or went by deltas after a version.

    So many at most.
    """
    of, past, found = IndexClaim, IndexClaimPast, set[str]()
    came: Any = select(of.host).where(of.node == node, of.version > since)
    gone: Any = select(past.host).where(past.node == node, past.withdrawn_version > since)
    for query in (came, gone):
        rows = await session.rows(query.distinct().limit(limit), {}, many=True)
        found |= {row.host for row in rows}
    return found


async def known_claims(session: ReadSession, claim_ids: Iterable[str]) -> set[tuple[str, str]]:
    """At the hub: return the (node, claim id) that the index has now of some claim ids."""
    return await _ids_of(session, IndexClaim, claim_ids)


async def claims_ever_known(session: ReadSession, claim_ids: Iterable[str]) -> set[tuple[str, str]]:
    """At the hub: return the same of what the index has or had.

    Usage is placed by the index as it was when a month was closed.
    """
    wanted = set(claim_ids)
    now = await _ids_of(session, IndexClaim, wanted)
    return now | await _ids_of(session, IndexClaimPast, wanted)


async def _ids_of(
    session: ReadSession, of: type[IndexClaim | IndexClaimPast], claim_ids: Iterable[str]
) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for chunk in in_chunks(sorted(set(claim_ids))):
        rows = await session.execute(select(of.node, of.claim_id).where(of.claim_id.in_(chunk)))
        found |= {(node, claim_id) for node, claim_id in rows}
    return found


async def apply_delta(session: WriteSession, node: str, delta: RegistryDelta) -> None:
    """At the hub: enter a node's claims and opt-outs in the index, less what it withdraws.

    What is withdrawn is kept beside the index, as it was known until now.
    """
    now = business_time(session)
    await _withdraw(session, node, delta, now)
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
            to_micros(now),
            delta.version,
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
        "recorded_at",
        "version",
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
            to_micros(now),
            fact.state.value,
            fact.source,
            to_micros(fact.since) if fact.since else None,
            delta.version,
        )
        for fact in delta.opt_outs
    ]
    columns = ["node", "holder_id", "host", "path", "wildcard", "use", "effective_at", "ends_at"]
    columns += ["recorded_at", "state", "source", "since", "version"]
    await insert_rows(session, IndexOptOut, columns, opt_outs)


async def _withdraw(session: WriteSession, node: str, delta: RegistryDelta, now: datetime) -> None:
    for chunk in in_chunks(delta.withdrawn_claims):
        these = and_(IndexClaim.node == node, IndexClaim.claim_id.in_(chunk))
        await _move(session, IndexClaim, IndexClaimPast, these, delta.version, now)
    for numbers in in_chunks(await _rows_saying(session, node, delta.withdrawn_opt_outs)):
        these = IndexOptOut.id.in_(numbers)
        await _move(session, IndexOptOut, IndexOptOutPast, these, delta.version, now)


async def _rows_saying(session: ReadSession, node: str, facts: Collection[OptOutFact]) -> list[int]:
    """Return the rows of the index that say what a node said, whenever that ends."""
    of = IndexOptOut
    columns: tuple[Any, ...] = (*_SAYS, of.id)
    query: Any = select(*columns).where(of.node == node)
    subjects = [
        ClaimKey(fact.host, fact.path, fact.wildcard)
        for fact in facts
        if fact.host is not None and fact.path is not None
    ]
    rows = await rulings_on(session, of, query, subjects)
    for chunk in in_chunks(sorted({fact.holder_id for fact in facts if fact.holder_id})):
        rows += await session.rows(query.where(of.holder_id.in_(chunk)), {}, many=len(chunk) > 1)
    wanted = {tuple(getattr(fact, column.key) for column in _SAYS) for fact in facts}
    return sorted(number for *said, number in rows if tuple(said) in wanted)


async def _move(
    session: WriteSession,
    of: type[IndexClaim | IndexOptOut],
    past: type[IndexClaimPast | IndexOptOutPast],
    these: ColumnElement[bool],
    version: int,
    now: datetime,
) -> None:
    """Take rows out of the index by a change, and keep them as known until now."""
    columns: list[Any] = [column for column in of.__table__.c if column.name != "id"]
    until: Any = literal(now, past.withdrawn_at.type)
    by: Any = literal(version, past.withdrawn_version.type)
    names = [*(column.name for column in columns), "withdrawn_at", "withdrawn_version"]
    rows = select(*columns, until, by).where(these)
    await session.execute(insert(past).from_select(names, rows))
    await session.execute(delete(of).where(these))
