"""Every SQL statement about money held here: what there is, listed, claimed, released."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from federation.distribution import store as distribution
from federation.distribution.service import run_of as followed_run
from federation.distribution.tables import DistributedRun, MemberBalance
from federation.licensing.tables import Receipt
from federation.months import store as months
from federation.months.tables import HeldItem, Run
from federation.payments.states import OUTSTANDING
from federation.payments.tables import Payment, PaymentEvent
from federation.settlement.run_document import RunDocument, decode
from federation.store.bulk import for_driver, in_chunks, insert_rows
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.items import HeldSum
from federation.suspense.messages import ListedItem
from federation.suspense.tables import (
    HeldListing,
    Release,
)
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB

LISTED_MAX = 1_000  # of what is looked at for one address


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """A month this server has settled, and when."""

    period: Month
    run_id: str
    at: datetime


async def settled_months(
    session: ReadSession, here: str, as_of: datetime | None = None
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
            select(
                DistributedRun.period, DistributedRun.run_id, DistributedRun.recorded_at
            ).order_by(DistributedRun.period)
        )
        found = [SettledMonth(period, run_id, at) for period, run_id, at in rows]
    return [month for month in found if as_of is None or month.at <= as_of]


async def run_of(session: ReadSession, here: str, period: Month) -> RunDocument:
    """Return the run a month was settled by, whatever corrected it since (LookupError)."""
    if here == HUB:
        run = await months.approved_run(session, period)
        if run is not None:
            return decode(run.document)
    else:
        row = await distribution.find_distribution(session, period)
        if row is not None:
            return followed_run(row)
    raise LookupError(f"{period} is not settled here")


async def original_runs(session: ReadSession, here: str) -> dict[Month, str]:
    """Return {month: the run it was settled by, not what corrects it}: one name on every server."""
    return {month.period: month.run_id for month in await settled_months(session, here)}


async def held_sums(
    session: ReadSession,
    *,
    url_key: str | None = None,
    period: Month | None = None,
    as_of: datetime | None = None,
) -> list[HeldSum]:
    """Return what is held, or was at an instant, by month, licence, reason and address.

    A correction adds items of its own, also negative ones; what comes to 0 is left out.
    """
    query = select(HeldItem).order_by(HeldItem.id)
    if url_key is not None:
        query = query.where(HeldItem.url_key == url_key)
    if as_of is not None:
        query = query.where(HeldItem.held_since <= as_of.date())
    of_runs = await months_of_runs(session)
    if period is not None:
        of_runs = {run_id: month for run_id, month in of_runs.items() if month == period}
        query = query.where(HeldItem.run_id.in_(of_runs))
    gone = await _released(session, as_of)
    first: dict[tuple[Month, LicenceKey, str, str], HeldItem] = {}
    sums: dict[tuple[Month, LicenceKey, str, str], int] = {}
    for item in await session.scalars(query):
        month = of_runs.get(item.run_id)
        if month is None:
            continue
        key = (month, item.licence, item.reason, item.url_key)
        first.setdefault(key, item)
        sums[key] = sums.get(key, 0) + item.amount - gone.get(item.id, 0)
    return [
        HeldSum(
            item=first[key].id,
            run_id=first[key].run_id,
            period=key[0],
            licence=key[1],
            reason=key[2],
            url_key=key[3],
            currency=first[key].currency,
            since=first[key].held_since,
            amount=amount,
        )
        for key, amount in sums.items()
        if amount
    ]


async def held_by_item(
    session: ReadSession, period: Month
) -> dict[tuple[str, LicenceKey, str, str], int]:
    """Return {(address, licence key, reason, currency): what a month's runs held}.

    Corrections are included; releases are not taken off.
    """
    of_runs = await months_of_runs(session)
    of_period = [run_id for run_id, month in of_runs.items() if month == period]
    rows = await session.execute(
        select(
            HeldItem.url_key, HeldItem.licence, HeldItem.reason, HeldItem.currency, HeldItem.amount
        ).where(HeldItem.run_id.in_(of_period))
    )
    found: dict[tuple[str, LicenceKey, str, str], int] = {}
    for url_key, licence, reason, currency, amount in rows:
        key = (url_key, licence, reason, currency)
        found[key] = found.get(key, 0) + amount
    return found


async def months_of_runs(session: ReadSession) -> dict[str, Month]:
    """Return {run: month} of everything approved or distributed here, corrections included."""
    approved = await session.execute(select(Run.run_id, Run.period).where(Run.state == "APPROVED"))
    shared = await session.execute(select(DistributedRun.run_id, DistributedRun.period))
    return {run_id: period for run_id, period in (*approved, *shared)}


async def _released(session: ReadSession, as_of: datetime | None) -> dict[int, int]:
    query = select(Release.held_item, Release.amount)
    if as_of is not None:
        query = query.where(Release.released_at <= as_of)
    found: dict[int, int] = {}
    for item, amount in await session.execute(query):
        found[item] = found.get(item, 0) + amount
    return found


async def held_items_by_id(session: ReadSession, items: Collection[int]) -> dict[int, HeldItem]:
    """Return held items by id."""
    rows = await session.scalars(select(HeldItem).where(HeldItem.id.in_(items)))
    return {row.id: row for row in rows}


async def receipts(session: ReadSession) -> dict[str, list[tuple[date, int]]]:
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


async def distributions(session: ReadSession, periods: Collection[Month]) -> list[DistributedRun]:
    """Return what a node did with some months, oldest first."""
    query = select(DistributedRun).where(DistributedRun.period.in_(periods))
    return list(await session.scalars(query.order_by(DistributedRun.period)))


async def balances(session: ReadSession, periods: Collection[Month]) -> list[MemberBalance]:
    """Return members' balances of some months, oldest first."""
    query = select(MemberBalance).where(MemberBalance.period.in_(periods))
    return list(
        await session.scalars(query.order_by(MemberBalance.period, MemberBalance.member_id))
    )


async def outstanding_payments(
    session: ReadSession, as_of: datetime | None = None
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
    session: WriteSession, period: Month, holder: str, items: Sequence[ListedItem]
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
    rows: list[tuple[object, ...]] = [
        (
            period,
            holder,
            item.reason,
            item.url_key,
            sha256_hex(item.url_key.encode()),
            item.amount_band,
            item.held_since,
        )
        for item in items
    ]
    await insert_rows(session, HeldListing, columns, for_driver(session, rows))


async def listing(
    session: ReadSession,
    *,
    period: Month | None = None,
    url_key: str | None = None,
    after: int = 0,
    limit: int = LISTED_MAX,
) -> list[HeldListing]:
    """Return what is listed and still open, in the order it was published."""
    query = select(HeldListing).where(HeldListing.id > after, HeldListing.closed_on.is_(None))
    if period is not None:
        query = query.where(HeldListing.period == period)
    if url_key is not None:
        query = query.where(HeldListing.url_digest == sha256_hex(url_key.encode()))
    query = query.order_by(HeldListing.id).limit(limit)
    return list(await session.scalars(query))


async def close_listing(
    session: WriteSession,
    holder: str,
    urls: Collection[str],
    periods: Collection[Month],
    on: date,
) -> None:
    """At a node: nothing is left to claim for some addresses of some months."""
    for chunk in in_chunks(digests(urls)):
        await session.execute(
            update(HeldListing)
            .where(
                HeldListing.url_digest.in_(chunk),
                HeldListing.holder == holder,
                HeldListing.period.in_(periods),
                HeldListing.closed_on.is_(None),
            )
            .values(closed_on=on)
        )


def digests(urls: Collection[str]) -> list[str]:
    """Return the SHA-256 of each address, by which rows are found."""
    return sorted({sha256_hex(url_key.encode()) for url_key in urls})
