"""Every SQL statement about works whose rightholders are no members. Nothing here commits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select, text

from federation.addresses.urls import ClaimKey
from federation.claimindex.place_store import known, rulings_on
from federation.history.kinds import Body, Kind
from federation.history.spans import Span
from federation.mandates.tables import OF_RIGHTHOLDERS, ConsentRecord
from federation.registry.tables import OptOut
from federation.store.asked import among
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession


class Version(NamedTuple):
    """What is said of a thing over a period, and since when and until when that is known."""

    body: Any
    span: Span
    merged_into: str | None
    recorded_at: datetime
    superseded_at: datetime | None


async def has_records(session: ReadSession) -> bool:
    """Tell whether any record of a rightholder is known: most collectives have none."""
    query = select(ConsentRecord.id).where(text(OF_RIGHTHOLDERS)).limit(1)
    return (await session.execute(query)).first() is not None


async def versions_around(
    session: ReadSession, kind: Kind[Body], things: Collection[str], now: datetime
) -> dict[str, list[Version]]:
    """Return {thing: what is known of it, or was until an instant: until `now` or later}."""
    of = kind.table
    columns = (of.starts_at, of.ends_at, of.merged_into, of.recorded_at, of.superseded_at)
    query = select(of.thing, of.body, *columns).where(
        among(session, of.thing, sorted(things)),
        or_(of.superseded_at.is_(None), of.superseded_at >= now),
    )
    found: dict[str, list[Version]] = defaultdict(list)
    for thing, body, starts_at, ends_at, merged, recorded, gone in await session.execute(query):
        span = Span(starts_at, ends_at)
        found[thing].append(Version(kind.decode(body), span, merged, recorded, gone))
    return found


async def rulings_at(
    session: ReadSession, records: Collection[int], pages: Collection[ClaimKey]
) -> dict[int, list[Any]]:
    """Return {record: its rulings on some pages that are known now}; they are for reading only."""
    table: Any = OptOut
    columns: list[Any] = [*table.__table__.columns]
    query: Any = select(*columns).where(known(OptOut), OptOut.record.is_not(None))
    found: dict[int, list[Any]] = defaultdict(list)
    for row in await rulings_on(session, OptOut, query, pages):
        if row.record in records:
            found[row.record].append(row)
    return found


async def rulings_numbered(session: ReadSession, numbers: Sequence[int]) -> list[OptOut]:
    """Return some rulings by id, to be known no more."""
    found: list[OptOut] = []
    for chunk in in_chunks(sorted(numbers)):
        query = select(OptOut).where(OptOut.id.in_(chunk))
        found += await session.scalars(query.order_by(OptOut.id))
    return found
