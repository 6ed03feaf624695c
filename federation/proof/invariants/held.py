"""What is true of held money and its release: of a holder, of the hub, within a node (I18)."""

from collections import defaultdict
from datetime import date

import msgspec
from sqlalchemy import func, or_, select

from federation.distribution import disputed_store
from federation.distribution.tables import DisputedRelease
from federation.ledger.accounts import Accounts
from federation.ledger.tables import JournalEntry, JournalPosting
from federation.months.tables import HeldItem, Run
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.suspense.messages import HeldReleased
from federation.suspense.store import months_of_runs
from federation.suspense.tables import HeldElsewhere, OrderedRelease, Release, ReleaseOrder
from federation.values.held import DISPUTED
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB

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


async def disputed_as_booked(session: ReadSession, here: str) -> Check:
    """I18: what a node holds for disputes of its own members is what its books have outstanding.

    Month by month, releases taken off: to the unit what is itemised by address.
    """
    if here == HUB:
        return 0, []
    held: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in await disputed_store.sums(session):
        held[row.period, row.currency] += row.left
    booked: defaultdict[tuple[str, str], int] = defaultdict(int)
    for meta, currency, amount in await _outstanding(session, here):
        if meta.get("reason") == DISPUTED:
            booked[meta["period"], currency] += amount
    wrong = [
        f"{period}: {held[period, currency]} {currency} held, {booked[period, currency]} booked"
        for period, currency in sorted({*held, *booked})
        if held[period, currency] != booked[period, currency]
    ]
    return len(booked), wrong


async def disputed_releases_booked(session: ReadSession, here: str) -> Check:
    """I18: what a dispute gave a member is what an entry of the journal moved to it."""
    given: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for row in await session.scalars(select(DisputedRelease)):
        given[row.document, row.member_id, row.currency] += row.amount
    documents = {document for document, _, _ in given}
    moved: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    account = Accounts(here).owed("Members")
    rows = await session.execute(
        select(JournalEntry.document, JournalPosting)
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalPosting.meta.contains('"dispute":"'))
    )
    for document, posting in rows:
        member = msgspec.json.decode(posting.meta).get("member", "")
        sign = 1 if posting.credit == account else -1
        moved[document, member, posting.currency] += sign * posting.amount
    wrong = [
        f"{document}/{member}: {given[document, member, code]} released, "
        f"{moved[document, member, code]} booked"
        for document, member, code in sorted({*given, *moved})
        if given[document, member, code] != moved[document, member, code]
    ]
    return len(documents), wrong


async def _outstanding(session: ReadSession, here: str) -> list[tuple[dict[str, str], str, int]]:
    """Return (tags, currency, amount) of what came to be outstanding, or no more (below 0)."""
    account = Accounts(here).owed("Outstanding")
    rows = await session.scalars(
        select(JournalPosting).where(
            or_(JournalPosting.debit == account, JournalPosting.credit == account)
        )
    )
    return [
        (
            msgspec.json.decode(row.meta, type=dict[str, str]),
            row.currency,
            row.amount if row.credit == account else -row.amount,
        )
        for row in rows
    ]
