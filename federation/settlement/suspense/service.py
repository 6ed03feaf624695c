"""What this server holds and why; the list that goes to every node."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.money import exponent
from federation.settlement import store as settlement
from federation.settlement.months import last_day
from federation.settlement.rates import Rates
from federation.settlement.run import compute
from federation.settlement.run_document import HUB, RunDocument
from federation.settlement.suspense import overview, store
from federation.settlement.suspense.items import DISPUTED, UNMATCHED, SuspenseItem
from federation.settlement.suspense.messages import HeldPublished, ListedItem
from federation.settlement.suspense.release import amount_band
from federation.store import outbox
from federation.trust.service import node_parties

LISTED_PER_MESSAGE = 5_000
CLAIMABLE = (UNMATCHED, DISPUTED)


async def publish(session: AsyncSession, document: RunDocument, run_id: str, now: datetime) -> None:
    """Send every node the addresses money of a month is held for, and how much in bands."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    since = now.date()
    for item in await store.held_items(session, run_id=run_id):
        by_currency = sums.setdefault((item.url_key, item.reason), {})
        by_currency[item.currency] = by_currency.get(item.currency, 0) + item.amount
        since = item.held_since
    if not sums:
        return
    rates = await month_rates(session, document)
    listed = [
        ListedItem(url_key, reason, _band(by_currency, rates), since)
        for (url_key, reason), by_currency in sorted(sums.items())
        if reason in CLAIMABLE
    ]
    for party in await node_parties(session):
        for start in range(0, len(listed), LISTED_PER_MESSAGE):
            body = HeldPublished(document.period, listed[start : start + LISTED_PER_MESSAGE])
            await outbox.post(
                session, target=party.entity_id, kind="held.published", body=body, now=now
            )


async def month_rates(session: AsyncSession, document: RunDocument) -> Rates:
    """Return the rates of a run, and of its month for currencies the run did not need."""
    on = last_day(document.period)
    table = sorted(row for row in await settlement.rate_table(session) if row[0] <= on)
    published = {currency: (day.isoformat(), rate) for day, currency, rate in table}
    published |= {currency: (rate.date, rate.rate) for currency, rate in document.rates.items()}
    return Rates(document.hub.clearing_currency, published, on=on)


def _band(by_currency: Mapping[str, int], rates: Rates) -> str:
    """Say how much in the clearing currency; where no rate was published, that it is not known."""
    try:
        total = sum(rates.convert(x, code, rates.clearing) for code, x in by_currency.items())
    except RefusalError:
        return "not known"
    return amount_band(total, exponent(rates.clearing), rates.clearing)


async def held_here(
    session: AsyncSession, here: str, as_of: datetime | None = None
) -> list[SuspenseItem]:
    """Return everything this server holds, or held at a past instant, with its reason.

    Members' balances are those of the last month settled by then.
    """
    months = await store.settled_months(session, here, as_of)
    if not months:
        return []
    settled = {month.period: month.at.date() for month in months}
    currency = ""
    rows = await store.held_items(session, until=as_of.date() if as_of else None)
    gone = await store.released(session, as_of=as_of)
    left = store.left_of(rows, gone)
    wanted = {item.run_id for item in rows if item.id in left}
    receipts = await store.receipts(session)
    loaded = {
        month.run_id: overview.Month(
            month.period, month.at.date(), await store.run_of(session, here, month.period)
        )
        for month in months
        if month.run_id in wanted or month == months[-1]
    }
    last = loaded[months[-1].run_id]
    result = compute(last.document)
    waiting = (
        [
            overview.Month(m.period, m.at.date(), await store.run_of(session, here, m.period))
            if m.run_id not in loaded
            else loaded[m.run_id]
            for m in months
        ]
        if any(row.carried_forward for row in result.licences.values())
        else [last]
    )
    found = [
        *overview.held(rows, left, loaded, receipts),
        *overview.no_usage(waiting, result, here, receipts),
        *overview.not_collected(last, result, here),
        *overview.of_payments(await store.outstanding_payments(session, as_of)),
    ]
    if here != HUB:
        currency = last.document.collectives[here].settlement_currency
        balances = await store.balances(session, settled)
        done = await store.distributions(session, settled)
        found += overview.of_members(balances, currency, settled)
        found += overview.without_recipient(done, currency, settled)
    return found
