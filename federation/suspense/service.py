"""What this server holds and why; the list that goes to every node."""

import asyncio
from datetime import datetime

from federation.distribution import disputed_store
from federation.documents.sheet import Sheet
from federation.months import store as months_store
from federation.settlement.rates import Rates
from federation.settlement.run import compute
from federation.settlement.run_document import RunDocument
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense import overview, store
from federation.suspense.items import SuspenseItem
from federation.suspense.messages import LISTED_PER_MESSAGE, HeldPublished, ListedItem
from federation.suspense.release import band
from federation.trust.store import node_parties
from federation.values.held import DISPUTED, UNMATCHED
from federation.values.licence_key import component_of, number_of
from federation.values.month import Month, last_day
from federation.values.party import HUB

CLAIMABLE = (UNMATCHED, DISPUTED)


async def publish(session: WriteSession, document: RunDocument, run_id: str, now: datetime) -> None:
    """Send every node the addresses money of a month is held for, and how much in bands."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for item in await store.held_sums(session, period=document.period):
        # A correction lists the addresses it is the first to hold money for.
        if item.run_id == run_id and item.reason in CLAIMABLE and item.amount > 0:
            by_currency = sums.setdefault((item.url_key, item.reason), {})
            by_currency[item.currency] = by_currency.get(item.currency, 0) + item.amount
    if not sums:
        return
    rates = await month_rates(session, document)
    listed = [
        ListedItem(url_key, reason, band(by_currency, rates), now.date())
        for (url_key, reason), by_currency in sorted(sums.items())
    ]
    targets = [party.entity_id for party in await node_parties(session)]
    for start in range(0, len(listed), LISTED_PER_MESSAGE):
        body = HeldPublished(document.period, listed[start : start + LISTED_PER_MESSAGE])
        await outbox.post_to_each(session, targets=targets, message=body, now=now)


async def month_rates(session: ReadSession, document: RunDocument) -> Rates:
    """Return the rates of a run, and of its month for currencies the run did not need."""
    on = last_day(document.period)
    table = sorted(row for row in await months_store.rate_table(session) if row[0] <= on)
    published = {currency: (day.isoformat(), rate) for day, currency, rate in table}
    published |= {currency: (rate.date, rate.rate) for currency, rate in document.rates.items()}
    return Rates(document.hub.clearing_currency, published, on=on)


async def held_here(
    session: ReadSession, here: str, as_of: datetime | None = None
) -> list[SuspenseItem]:
    """Return everything this server holds, or held at a past instant, with its reason.

    Members' balances are those of the last month settled by then.
    """
    months = await store.settled_months(session, here, as_of)
    if not months:
        return []
    settled = {month.period: month.at.date() for month in months}
    held = [item for item in await store.held_sums(session, as_of=as_of) if item.period in settled]
    receipts = await store.receipts(session)
    last = await _month(session, here, months[-1])
    result = await asyncio.to_thread(compute, last.document)
    wanted = {item.period for item in held}
    if any(row.carried_forward for row in result.licences.values()):
        wanted |= settled.keys()  # how long it waits is seen from the months before
    loaded = {
        month.period: await _month(session, here, month)
        for month in months[:-1]
        if month.period in wanted
    }
    loaded[last.period] = last
    found = [
        *overview.held(held, loaded, receipts),
        *overview.no_usage(list(loaded.values()), result, here, receipts),
        *overview.not_collected(last, result, here),
        *overview.of_payments(await store.outstanding_payments(session, as_of)),
    ]
    if here != HUB:
        currency = last.document.collectives[here].settlement_currency
        balances = await store.balances(session, settled)
        done = await store.distributions(session, settled)
        found += overview.of_members(balances, currency, settled)
        found += overview.without_recipient(done, currency, settled)
        contested = await disputed_store.sums(session, as_of=as_of)
        found += overview.contested_within(contested, settled)
    return found


async def held_sheet(session: ReadSession, here: str, period: Month) -> Sheet:
    """Return the itemised list of what this server holds of a month, for its own staff."""
    items = await store.held_sums(session, period=period)
    return Sheet(
        number=f"held/{here}/{period}",
        head={"kind": "held items", "holder": here, "period": period},
        texts=("reason", "licence", "component", "url", "held_since", "currency"),
        amounts=("held",),
        lines=[
            {
                "reason": item.reason,
                "licence": number_of(item.licence),
                "component": component_of(item.licence) or "",
                "url": item.url_key,
                "held_since": item.since.isoformat(),
                "currency": item.currency,
                "held": item.amount,
            }
            for item in items
        ],
    )


async def _month(session: ReadSession, here: str, month: store.SettledMonth) -> overview.RunMonth:
    document = await store.run_of(session, here, month.period)
    return overview.RunMonth(month.period, month.at.date(), document)
