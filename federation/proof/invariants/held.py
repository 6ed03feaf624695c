"""What is true of held money that is released: by whom it is held, and at the hub (I18)."""

from collections import defaultdict
from datetime import date

import msgspec
from sqlalchemy import func, select

from federation.months.tables import HeldItem, Run
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.suspense.messages import HeldReleased
from federation.suspense.store import months_of_runs
from federation.suspense.tables import HeldElsewhere, OrderedRelease, Release, ReleaseOrder
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

_Item = tuple[Month, LicenceKey, str, str]  # month, licence key, reason, address


async def released_within_held(session: ReadSession, here: str) -> Check:
    """I18: until no day was more released of an item than was held of it by then.

    A correction may leave less than what was released before it; nothing is released after that.
    """
    del here
    months = await months_of_runs(session)
    out: defaultdict[_Item, list[tuple[date, int]]] = defaultdict(list)
    rows = await session.execute(
        select(HeldItem, Release.released_at, Release.amount)
        .join(Release, Release.held_item == HeldItem.id)
        .order_by(Release.id)
    )
    for row, at, amount in rows:
        item = (months[row.run_id], row.licence, row.reason, row.url_key)
        out[item].append((at.date(), amount))
    wrong: list[str] = []
    for item, released in out.items():
        held = await _held(session, item, months)
        gone = 0
        for on, amount in released:
            gone += amount
            # What came and went on one day has no order: all that came then counts.
            there = sum(more for since, more in held if since < on or (since == on and more > 0))
            if gone > there:
                wrong.append(f"{'/'.join(item)}: {gone} released, {there} held")
    return len(out), wrong


async def _held(
    session: ReadSession, item: _Item, months: dict[str, Month]
) -> list[tuple[date, int]]:
    period, licence, reason, url_key = item
    rows = await session.execute(
        select(HeldItem.run_id, HeldItem.held_since, HeldItem.amount).where(
            HeldItem.licence == licence, HeldItem.reason == reason, HeldItem.url_key == url_key
        )
    )
    return [(since, amount) for run_id, since, amount in rows if months.get(run_id) == period]


async def ordered_within_held(session: ReadSession, here: str) -> Check:
    """I18: a licensor is told to release no more than it holds, and the claimant hears just that.

    Of a month that was corrected after the order the hub keeps only what is held now.
    """
    del here  # a node orders nothing
    corrections = await session.execute(
        select(Run.period, func.max(Run.approved_at))
        .where(Run.state == "APPROVED", Run.corrects.is_not(None))
        .group_by(Run.period)
    )
    corrected = {period: at for period, at in corrections}
    sums: defaultdict[int, int] = defaultdict(int)
    parts: defaultdict[int, defaultdict[tuple[Month, LicenceKey], int]]
    parts = defaultdict(lambda: defaultdict(int))
    wrong: list[str] = []
    orders: dict[int, ReleaseOrder] = {}
    rows = await session.execute(
        select(ReleaseOrder, HeldElsewhere, OrderedRelease.amount)
        .join(OrderedRelease, OrderedRelease.release_order == ReleaseOrder.id)
        .join(HeldElsewhere, HeldElsewhere.id == OrderedRelease.held_elsewhere)
        .order_by(OrderedRelease.id)
    )
    for order, held, amount in rows:
        orders[order.id] = order
        parts[order.id][held.period, held.licence] += amount
        if order.ended_at is not None:
            continue
        sums[held.id] += amount
        later = corrected.get(held.period)
        if sums[held.id] > held.amount and (later is None or later < order.ordered_at):
            where = f"{held.period}/{held.licence}/{held.reason}/{held.url_key}"
            wrong.append(f"{where}: {sums[held.id]} ordered, {held.amount} held")
    for number, order in orders.items():
        told = _told(order)
        if told and told != parts[number]:
            wrong.append(f"{order.held_claim}/{order.licensor}: another amount is told")
    return len(orders), wrong


def _told(order: ReleaseOrder) -> dict[tuple[Month, LicenceKey], int]:
    found: defaultdict[tuple[Month, LicenceKey], int] = defaultdict(int)
    for message in msgspec.json.decode(order.told, type=list[HeldReleased]):
        for item in message.items:
            found[item.period, item.licence] += int(item.amount)
    return found
