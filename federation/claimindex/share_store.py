"""The SQL of shares told to the hub, and of what is more than the whole. Nothing here commits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, delete, func, select, update

from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.messages import Over, ShareFact
from federation.claimindex.place_store import rulings_matching, rulings_on, was_known
from federation.claimindex.shares import Share
from federation.claimindex.tables import ContestedClaim, IndexShare, SharesOverRow
from federation.store.base import to_micros
from federation.store.bulk import in_chunks, insert_rows
from federation.store.sessions import ReadSession, WriteSession
from federation.values.right import Right

_COLUMNS: Any = IndexShare.__table__.columns
_TOLD = ["node", "share_id", "source", "host", "path", "wildcard", "use", "right", "territories"]
_TOLD += ["bps", "starts_at", "ends_at", "recorded_at"]


async def known_ids(session: ReadSession, node: str, share_ids: Iterable[str]) -> dict[str, Any]:
    """At the hub: return {share id: its row} of those of some ids that a node says now."""
    found: dict[str, Any] = {}
    for chunk in in_chunks(sorted(set(share_ids))):
        rows = await session.execute(
            select(*_COLUMNS).where(
                IndexShare.node == node,
                IndexShare.share_id.in_(chunk),
                IndexShare.withdrawn_at.is_(None),
            )
        )
        found |= {row.share_id: row for row in rows}
    return found


async def add(session: WriteSession, node: str, facts: Sequence[ShareFact], now: datetime) -> None:
    """At the hub: enter what a node says that its parties have."""
    rows = [
        (
            node,
            fact.share_id,
            fact.source,
            fact.host,
            fact.path,
            fact.wildcard,
            fact.use,
            fact.right.value,
            " ".join(fact.territories),
            fact.bps,
            to_micros(fact.starts_at),
            to_micros(fact.ends_at) if fact.ends_at else None,
            to_micros(now),
        )
        for fact in facts
    ]
    await insert_rows(session, IndexShare, _TOLD, rows)


async def withdraw(
    session: WriteSession, node: str, share_ids: Sequence[str], now: datetime
) -> None:
    """At the hub: note from when on a node says some of it no more."""
    for chunk in in_chunks(share_ids):
        these = and_(
            IndexShare.node == node,
            IndexShare.share_id.in_(chunk),
            IndexShare.withdrawn_at.is_(None),
        )
        await session.execute(update(IndexShare).where(these).values(withdrawn_at=now))


async def shares_matching(
    session: ReadSession, keys: Collection[UrlKey], known_at: datetime | None
) -> list[Any]:
    """At the hub: return the rows that match some addresses, as they are or were known."""
    query: Any = select(*_COLUMNS).where(was_known(IndexShare, known_at))
    return await rulings_matching(session, IndexShare, query, keys)


async def shares_on(
    session: ReadSession, places: Collection[ClaimKey]
) -> dict[ClaimKey, list[Share]]:
    """At the hub: return {place: what collectives say now that they have of it}."""
    query: Any = select(*_COLUMNS).where(was_known(IndexShare, None))
    found: dict[ClaimKey, list[Share]] = {place: [] for place in places}
    for row in await rulings_on(session, IndexShare, query, places):
        place = ClaimKey(row.host, row.path, row.wildcard)
        if place in found:
            found[place].append(share_of(row.node, fact_of_row(row)))
    return found


async def places_of_several(session: ReadSession) -> list[ClaimKey]:
    """At the hub: return the places of which several collectives say that they have a part."""
    by = (IndexShare.host, IndexShare.path, IndexShare.wildcard)
    several = func.count(IndexShare.node.distinct()) > 1
    query = select(*by).where(was_known(IndexShare, None)).group_by(*by).having(several)
    return [ClaimKey(*row) for row in await session.execute(query)]


def fact_of_row(row: Any) -> ShareFact:
    """Return a share as a node told it."""
    return ShareFact(
        share_id=row.share_id,
        source=row.source,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        right=Right(row.right),
        bps=row.bps,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        territories=row.territories.split(),
    )


def share_of(node: str, fact: ShareFact) -> Share:
    """Return what is added up of a share."""
    territories = tuple(fact.territories)
    return Share(
        node,
        fact.source,
        fact.use,
        fact.right,
        territories,
        fact.bps,
        fact.starts_at,
        fact.ends_at,
    )


async def over_of(session: ReadSession, contested: Collection[int]) -> dict[int, list[Over]]:
    """Return {place by its number: what is more than the whole there}."""
    found: dict[int, list[Over]] = {}
    for chunk in in_chunks(sorted(contested)):
        rows = await session.scalars(
            select(SharesOverRow)
            .where(SharesOverRow.contested.in_(chunk))
            .order_by(SharesOverRow.contested, SharesOverRow.id)
        )
        for row in rows:
            found.setdefault(row.contested, []).append(_over(row))
    return found


def _over(row: SharesOverRow) -> Over:
    parts = msgspec.json.decode(row.parts, type=dict[str, int])
    return Over(row.use, Right(row.right), row.territory, row.starts_at, row.ends_at, parts)


async def every_over(session: ReadSession) -> dict[ClaimKey, list[Over]]:
    """Return {place: what is more than the whole there} of every place that is noted."""
    rows = (
        await session.scalars(select(ContestedClaim).where(ContestedClaim.of_shares.is_(True)))
    ).all()
    found = await over_of(session, [row.id for row in rows])
    return {ClaimKey(row.host, row.path, row.wildcard): found.get(row.id, []) for row in rows}


async def keep_over(session: WriteSession, contested: int, over: Sequence[Over]) -> None:
    """Let what is noted of a place be this."""
    await session.execute(delete(SharesOverRow).where(SharesOverRow.contested == contested))
    for one in over:
        session.add(
            SharesOverRow(
                contested=contested,
                use=one.use,
                right=one.right.value,
                territory=one.territory,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                parts=msgspec.json.encode(one.parts, order="sorted").decode(),
            )
        )
    await session.flush()
