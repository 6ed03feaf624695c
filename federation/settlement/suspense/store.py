"""Every SQL statement about held money: what there is, listed, claimed, released. No commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from federation.licensing.tables import Receipt
from federation.settlement.messages import RunApproved
from federation.settlement.payments.states import OUTSTANDING
from federation.settlement.payments.tables import Payment, PaymentEvent
from federation.settlement.run_document import HUB, RunDocument, decode
from federation.settlement.suspense.messages import ListedItem
from federation.settlement.suspense.tables import HeldClaim, HeldListing, Release
from federation.settlement.tables import (
    Distribution,
    HeldItem,
    MemberBalance,
    Run,
)
from federation.store.bulk import insert_rows
from federation.store.canonical import sha256_hex

PAGE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """A month this server has settled, and when."""

    period: str
    run_id: str
    at: datetime


def _table(model: type) -> Table:
    return model.__table__  # type: ignore[attr-defined,no-any-return]


async def settled_months(
    session: AsyncSession, here: str, as_of: datetime | None = None
) -> list[SettledMonth]:
    """Return the months settled here until an instant, oldest first."""
    if here == HUB:
        query = select(Run.period, Run.run_id, Run.approved_at).where(
            Run.state == "APPROVED", Run.corrects.is_(None)
        )
        approved = await session.execute(query.order_by(Run.period))
        found = [SettledMonth(period, run_id, at) for period, run_id, at in approved if at]
    else:
        rows = await session.execute(
            select(Distribution.period, Distribution.run_id, Distribution.recorded_at).order_by(
                Distribution.period
            )
        )
        found = [SettledMonth(period, run_id, at) for period, run_id, at in rows]
    return [month for month in found if as_of is None or month.at <= as_of]


async def run_of(session: AsyncSession, here: str, period: str) -> RunDocument:
    """Return the run a month was settled by."""
    if here == HUB:
        query = select(Run.document).where(
            Run.period == period, Run.state == "APPROVED", Run.corrects.is_(None)
        )
        return decode((await session.execute(query)).scalar_one())
    row = await session.get_one(Distribution, period)
    return decode(msgspec.json.decode(row.document, type=RunApproved).document.encode())


async def held_items(
    session: AsyncSession,
    *,
    url_key: str | None = None,
    run_id: str | None = None,
    until: date | None = None,
) -> list[HeldItem]:
    """Return held items in the order they were kept."""
    query = select(HeldItem).order_by(HeldItem.id)
    if url_key is not None:
        query = query.where(HeldItem.url_key == url_key)
    if run_id is not None:
        query = query.where(HeldItem.run_id == run_id)
    if until is not None:
        query = query.where(HeldItem.held_since <= until)
    return list(await session.scalars(query))


async def released(
    session: AsyncSession, items: Collection[int] | None = None, as_of: datetime | None = None
) -> dict[int, int]:
    """Return {held item: what was released of it until an instant}."""
    query = select(Release.held_item, Release.amount)
    if items is not None:
        query = query.where(Release.held_item.in_(items))
    if as_of is not None:
        query = query.where(Release.released_at <= as_of)
    found: dict[int, int] = {}
    for item, amount in await session.execute(query):
        found[item] = found.get(item, 0) + amount
    return found


async def receipts(session: AsyncSession) -> dict[str, list[tuple[date, int]]]:
    """Return {licence: [(day, amount)] in order} of everything received."""
    rows = await session.execute(
        select(Receipt.licence, Receipt.received_on, Receipt.amount).order_by(
            Receipt.received_on, Receipt.id
        )
    )
    found: dict[str, list[tuple[date, int]]] = {}
    for licence, day, amount in rows:
        found.setdefault(licence, []).append((day, amount))
    return found


async def distributions(session: AsyncSession, periods: Collection[str]) -> list[Distribution]:
    """Return what a node did with some months, oldest first."""
    query = select(Distribution).where(Distribution.period.in_(periods))
    return list(await session.scalars(query.order_by(Distribution.period)))


async def balances(session: AsyncSession, periods: Collection[str]) -> list[MemberBalance]:
    """Return members' balances of some months, oldest first."""
    query = select(MemberBalance).where(MemberBalance.period.in_(periods))
    return list(
        await session.scalars(query.order_by(MemberBalance.period, MemberBalance.member_id))
    )


async def outstanding_payments(
    session: AsyncSession, as_of: datetime | None = None
) -> list[tuple[Payment, date]]:
    """Return the payments that cannot be made, or could not at an instant, and since when."""
    events = select(PaymentEvent).order_by(PaymentEvent.id)
    if as_of is not None:
        events = events.where(PaymentEvent.at <= as_of)
    last = {event.payment_id: event for event in await session.scalars(events)}
    waiting = {name: event.at.date() for name, event in last.items() if event.state == OUTSTANDING}
    query = select(Payment).where(Payment.payment_id.in_(waiting)).order_by(Payment.payment_id)
    return [(row, waiting[row.payment_id]) for row in await session.scalars(query)]


async def add_listing(
    session: AsyncSession, period: str, holder: str, items: Sequence[ListedItem]
) -> None:
    """At a node: keep a part of the hub's list."""
    columns = [
        "period",
        "holder",
        "reason",
        "url_key",
        "url_digest",
        "amount_band",
        "held_since",
    ]
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows: list[tuple[object, ...]] = [
        (
            period,
            holder,
            item.reason,
            item.url_key,
            sha256_hex(item.url_key.encode()),
            item.amount_band,
            item.held_since.isoformat() if is_sqlite else item.held_since,
        )
        for item in items
    ]
    await insert_rows(session, _table(HeldListing), columns, rows)


async def listing(
    session: AsyncSession,
    *,
    period: str | None = None,
    url_key: str | None = None,
    after: int = 0,
    limit: int = PAGE_MAX,
) -> list[HeldListing]:
    """Return what is listed and still open, in the order it was published."""
    query = select(HeldListing).where(HeldListing.id > after, HeldListing.closed_on.is_(None))
    if period is not None:
        query = query.where(HeldListing.period == period)
    if url_key is not None:
        query = query.where(HeldListing.url_digest == sha256_hex(url_key.encode()))
    query = query.order_by(HeldListing.id).limit(min(max(limit, 1), PAGE_MAX))
    return list(await session.scalars(query))


async def close_listing(
    session: AsyncSession, holder: str, url_key: str, periods: Collection[str], on: date
) -> None:
    """At a node: nothing is left to claim for an address of some months."""
    await session.execute(
        update(HeldListing)
        .where(
            HeldListing.url_digest == sha256_hex(url_key.encode()),
            HeldListing.holder == holder,
            HeldListing.period.in_(periods),
            HeldListing.closed_on.is_(None),
        )
        .values(closed_on=on)
    )


async def next_claim_number(session: AsyncSession, node: str) -> int:
    """Return how many claims a node has filed, and one."""
    query = select(func.count()).select_from(HeldClaim).where(HeldClaim.node == node)
    return (await session.scalar(query) or 0) + 1


async def find_claim(session: AsyncSession, claim: str) -> HeldClaim | None:
    """Return a claim on held money."""
    return await session.get(HeldClaim, claim)


async def claims(
    session: AsyncSession,
    *,
    state: str | None = None,
    url_key: str | None = None,
    after: str = "",
    limit: int = PAGE_MAX,
) -> list[HeldClaim]:
    """Return claims on held money by id."""
    query = select(HeldClaim).where(HeldClaim.id > after).order_by(HeldClaim.id)
    if state is not None:
        query = query.where(HeldClaim.state == state)
    if url_key is not None:
        query = query.where(HeldClaim.url_digest == sha256_hex(url_key.encode()))
    return list(await session.scalars(query.limit(min(max(limit, 1), PAGE_MAX))))


async def releases(session: AsyncSession, claim: str | None = None) -> list[Release]:
    """Return what was released, in order."""
    query = select(Release).order_by(Release.id)
    if claim is not None:
        query = query.where(Release.held_claim == claim)
    return list(await session.scalars(query))


def left_of(items: Sequence[HeldItem], gone: Mapping[int, int]) -> dict[int, int]:
    """Return {held item: what is left of it}, without those of which nothing is left."""
    left = {item.id: item.amount - gone.get(item.id, 0) for item in items}
    return {item: amount for item, amount in left.items() if amount}
