"""Every SQL statement about what licensors hold and what they were ordered to release."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from federation.store.bulk import IN_CHUNK, for_driver, in_chunks, insert_rows, set_column
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.items import HeldSum
from federation.suspense.store import digests
from federation.suspense.tables import (
    HeldClaim,
    HeldElsewhere,
    OrderedRelease,
    ReleaseOrder,
)
from federation.values.licence_key import LicenceKey
from federation.values.month import Month


class HeldThere(NamedTuple):
    """A row of what licensors hold as it was read: a month has many (see `HeldElsewhere`)."""

    id: int
    period: Month
    licensor: str
    licence: LicenceKey
    reason: str
    url_key: str
    run_id: str
    amount: int
    stated: int | None
    currency: str
    held_since: date


_HELD_THERE = [getattr(HeldElsewhere, name) for name in HeldThere._fields]


async def held_elsewhere(
    session: ReadSession,
    *,
    period: Month | None = None,
    licensor: str | None = None,
    url_keys: Collection[str] | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[HeldThere]:
    """At the hub: return what licensors hold, in the order it came."""
    query = select(*_HELD_THERE).where(HeldElsewhere.id > after).order_by(HeldElsewhere.id)
    query = query.limit(limit)
    if period is not None:
        query = query.where(HeldElsewhere.period == period)
    if licensor is not None:
        query = query.where(HeldElsewhere.licensor == licensor)
    if url_keys is None:
        return [HeldThere(*row) for row in await session.execute(query)]
    found: list[HeldThere] = []
    for chunk in in_chunks(digests(url_keys)):
        rows = await session.execute(query.where(HeldElsewhere.url_digest.in_(chunk)))
        found += [HeldThere(*row) for row in rows]
    return found


async def set_held_elsewhere(session: WriteSession, rows: Sequence[HeldThere]) -> None:
    """At the hub: write the amounts of some rows, and what was stated of them."""
    amounts = [(str(row.amount), row.id) for row in rows]
    heard = [(None if row.stated is None else str(row.stated), row.id) for row in rows]
    await set_column(session, HeldElsewhere, "amount", ["id"], amounts)
    await set_column(session, HeldElsewhere, "stated", ["id"], heard)


async def ordered(session: ReadSession, items: Collection[int]) -> dict[int, int]:
    """At the hub: return {item: amount} of what licensors were told to release of some items.

    What they said they do not release is left out.
    """
    found: dict[int, int] = {}
    wanted = sorted(items)
    for start in range(0, len(wanted), IN_CHUNK):
        chunk = wanted[start : start + IN_CHUNK]
        rows = await session.execute(_ordered().where(OrderedRelease.held_elsewhere.in_(chunk)))
        for item, amount in rows:
            found[item] = found.get(item, 0) + amount
    return found


async def ordered_of_month(session: ReadSession, period: Month) -> dict[int, int]:
    """At the hub: return the same of everything that licensors hold of a month."""
    found: dict[int, int] = {}
    query = _ordered().join(HeldElsewhere, HeldElsewhere.id == OrderedRelease.held_elsewhere)
    for item, amount in await session.execute(query.where(HeldElsewhere.period == period)):
        found[item] = found.get(item, 0) + amount
    return found


def _ordered() -> Select[int, int]:
    return (
        select(OrderedRelease.held_elsewhere, OrderedRelease.amount)
        .join(ReleaseOrder, ReleaseOrder.id == OrderedRelease.release_order)
        .where(ReleaseOrder.ended_at.is_(None))
    )


async def sums_elsewhere(session: ReadSession, url_key: str) -> list[HeldSum]:
    """At the hub: return what is left of what licensors hold for an address and have stated."""
    rows = await held_elsewhere(session, url_keys=[url_key])
    gone = await ordered(session, [row.id for row in rows])
    return [
        HeldSum(
            item=row.id,
            run_id=row.run_id,
            period=row.period,
            licence=row.licence,
            reason=row.reason,
            url_key=row.url_key,
            currency=row.currency,
            since=row.held_since,
            amount=row.amount - gone.get(row.id, 0),
        )
        for row in rows
        if row.stated == row.amount
    ]


async def add_held_elsewhere(session: WriteSession, rows: Sequence[tuple[object, ...]]) -> None:
    """At the hub: insert what licensors hold.

    Rows are (period, licensor, licence, reason, url key, its digest, run, amount as text, currency,
    day).
    """
    columns = ["period", "licensor", "licence", "reason", "url_key", "url_digest", "run_id"]
    columns += ["amount", "currency", "held_since"]
    await insert_rows(session, HeldElsewhere, columns, for_driver(session, rows))


async def find_order(session: ReadSession, claim: str, licensor: str) -> ReleaseOrder | None:
    """At the hub: return what a licensor was told to release for a claim."""
    return await session.scalar(
        select(ReleaseOrder).where(
            ReleaseOrder.held_claim == claim, ReleaseOrder.licensor == licensor
        )
    )


def _is_open_order() -> ColumnElement[bool]:
    return ReleaseOrder.done_at.is_(None) & ReleaseOrder.ended_at.is_(None)


async def count_open_orders(session: ReadSession) -> int:
    """At the hub: return how many orders are not carried out yet."""
    query = select(func.count()).where(_is_open_order())
    return await session.scalar(query) or 0


async def open_orders(session: ReadSession, *, limit: int) -> list[tuple[ReleaseOrder, HeldClaim]]:
    """At the hub: return the first orders that are not carried out yet, with their claims."""
    query = (
        select(ReleaseOrder, HeldClaim)
        .join(HeldClaim, HeldClaim.id == ReleaseOrder.held_claim)
        .where(_is_open_order())
        .order_by(ReleaseOrder.id)
        .limit(limit)
    )
    return [(order, claim) for order, claim in await session.execute(query)]
