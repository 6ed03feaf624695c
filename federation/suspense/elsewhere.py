"""At the hub: what licensors hold in their own licences, checked and listed beside the hub's own.

What each holds follows from the month's run, which the hub has computed; it is listed when the
licensor has stated the same of its own books (decision 0007).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.months import store as months
from federation.months.held import split
from federation.settlement.computed import ComputedRun
from federation.settlement.messages import Held
from federation.settlement.rates import Rates
from federation.settlement.run_document import decode
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.sessions import WriteSession
from federation.suspense import elsewhere_store, store
from federation.suspense.elsewhere_store import HeldThere
from federation.suspense.messages import (
    CLOSED_PER_MESSAGE,
    LISTED_PER_MESSAGE,
    HeldClosed,
    HeldPublished,
    HeldStated,
    ListedItem,
    StatedItem,
)
from federation.suspense.release import band
from federation.suspense.service import CLAIMABLE, month_rates
from federation.suspense.tables import ReleaseOrder
from federation.trust.store import node_parties
from federation.values.licence_key import LicenceKey, licensor_of, number_of
from federation.values.month import Month
from federation.values.party import HUB

Bands = dict[tuple[str, str], tuple[str, date]]
"""{(address, reason): (how much is listed, since when the first of it is held)}"""


class HeldStatementError(RefusalError):
    """What a collective says it holds is not what follows from the month's run."""

    code: ClassVar[str] = "HELD_STATEMENT"


async def follow_run(
    session: WriteSession, run: ComputedRun, held: Mapping[str, Sequence[Held]], now: datetime
) -> None:
    """Keep what each licensor holds by an approved run or correction; `held` is by licensor.

    Nothing is listed before its licensor states it. What a correction leaves nothing of is closed.
    """
    period = run.document.period
    wanted: dict[tuple[LicenceKey, str, str], int] = {}
    for licensor, weights in held.items():
        if licensor != HUB:
            for key, (_, amount) in split(period, run.result, weights).items():
                if amount and key[1] in CLAIMABLE:
                    wanted[key] = amount
    there = await elsewhere_store.held_elsewhere(session, period=period)
    if there:
        await _correct(session, run, there, wanted, now)
    rows: list[tuple[object, ...]] = [
        (
            period,
            licensor_of(number_of(licence)),
            licence,
            reason,
            url_key,
            sha256_hex(url_key.encode()),
            run.run_id,
            str(amount),
            run.result.licences[licence].currency,
            now.date(),
        )
        for (licence, reason, url_key), amount in sorted(wanted.items())
    ]
    await elsewhere_store.add_held_elsewhere(session, rows)


async def _correct(
    session: WriteSession,
    run: ComputedRun,
    rows: Sequence[HeldThere],
    wanted: dict[tuple[LicenceKey, str, str], int],
    now: datetime,
) -> None:
    """Give what is there its corrected amount, and take it out of what is wanted."""
    period = run.document.period
    rates = await month_rates(session, run.document)
    gone = await elsewhere_store.ordered_of_month(session, period)
    of_licensors: dict[str, list[HeldThere]] = {}
    for row in rows:
        of_licensors.setdefault(row.licensor, []).append(row)
    for licensor, own in sorted(of_licensors.items()):
        corrected: list[HeldThere] = []
        for row in own:
            amount = wanted.pop((row.licence, row.reason, row.url_key), 0)
            corrected.append(row._replace(amount=amount, stated=row.stated if amount else None))
        await _change(session, own, corrected)
        before, after = _bands(own, gone, rates), _bands(corrected, gone, rates)
        await _list_anew(session, licensor, period, before, after, now)


async def _change(
    session: WriteSession, before: Sequence[HeldThere], after: Sequence[HeldThere]
) -> None:
    """Write the rows that are not as they were."""
    changed = [row for was, row in zip(before, after, strict=True) if row != was]
    await elsewhere_store.set_held_elsewhere(session, changed)


async def receive_statement(
    session: WriteSession, sender: str, message: HeldStated, now: datetime
) -> None:
    """Take a licensor's word for what it holds, and list what was not listed so yet.

    It is refused whole where an item is not of its own licences, comes twice, or is another amount
    than the run's. The same again changes nothing; one about a run that a correction has replaced
    is past, its sender will follow the correction and state anew.
    """
    _require_own(sender, message.items)
    run = await months.find_run(session, message.run_id)
    if run is None or run.state != "APPROVED" or run.period != message.period:
        raise HeldStatementError(f"{message.run_id[:16]} is no run of {message.period}")
    in_force = await months.effective_run(session, message.period)
    if in_force is None or in_force.run_id != message.run_id:
        return
    urls = {item.url_key for item in message.items}
    rows = await elsewhere_store.held_elsewhere(
        session, period=message.period, licensor=sender, url_keys=urls
    )
    _require_as_computed(message.items, rows)
    rates = await month_rates(session, decode(in_force.document))
    gone = await elsewhere_store.ordered(session, [row.id for row in rows])
    stated = {(item.licence, item.reason, item.url_key) for item in message.items}
    heard = [
        row._replace(stated=row.amount) if (row.licence, row.reason, row.url_key) in stated else row
        for row in rows
    ]
    await _change(session, rows, heard)
    before, after = _bands(rows, gone, rates), _bands(heard, gone, rates)
    await _list_anew(session, sender, message.period, before, after, now)


def _require_own(sender: str, items: Sequence[StatedItem]) -> None:
    for item in items:
        if licensor_of(number_of(item.licence)) != sender:
            raise HeldStatementError(f"{item.licence} is no licence of {sender}")
    if len({(item.licence, item.reason, item.url_key) for item in items}) != len(items):
        raise HeldStatementError("an item is stated twice")


def _require_as_computed(items: Sequence[StatedItem], rows: Sequence[HeldThere]) -> None:
    there = {(row.licence, row.reason, row.url_key): row for row in rows}
    for item in items:
        row = there.get((item.licence, item.reason, item.url_key))
        wanted = (str(row.amount), row.currency) if row is not None else ("0", item.currency)
        if (item.amount, item.currency) != wanted or row is None:
            raise HeldStatementError(
                f"{item.licence}, {item.reason}, {item.url_key[:200]}: "
                f"{item.amount} {item.currency}, the run has {wanted[0]} {wanted[1]}"
            )


def _bands(rows: Iterable[HeldThere], gone: Mapping[int, int], rates: Rates) -> Bands:
    """Return what is listed, or is to be, of a licensor's items; `gone` is what was ordered."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    since: dict[tuple[str, str], date] = {}
    for row in rows:
        left = (row.stated or 0) - gone.get(row.id, 0)
        if left > 0:
            key = row.url_key, row.reason
            by_currency = sums.setdefault(key, {})
            by_currency[row.currency] = by_currency.get(row.currency, 0) + left
            since[key] = min(row.held_since, since.get(key, row.held_since))
    return {
        key: (band(by_currency, rates), since[key]) for key, by_currency in sorted(sums.items())
    }


async def _list_anew(
    session: WriteSession,
    licensor: str,
    period: Month,
    before: Bands,
    after: Bands,
    now: datetime,
) -> None:
    """Publish the addresses of which something is listed otherwise than before."""
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    other = {url_key for url_key, _ in changed}
    await _tell_closed(session, licensor, {url for url, _ in before} & other, [period], now)
    listed = [
        ListedItem(url_key, reason, text, since)
        for (url_key, reason), (text, since) in after.items()
        if url_key in other
    ]
    targets = [party.entity_id for party in await node_parties(session)]
    for start in range(0, len(listed), LISTED_PER_MESSAGE):
        body = HeldPublished(period, listed[start : start + LISTED_PER_MESSAGE], licensor)
        await outbox.post_to_each(session, targets=targets, message=body, now=now)


async def end_order(
    session: WriteSession, order: ReleaseOrder, url_key: str, now: datetime
) -> None:
    """End an order that its licensor does not carry out, and list what it was of."""
    rows = await elsewhere_store.held_elsewhere(
        session, licensor=order.licensor, url_keys=[url_key]
    )
    gone = await elsewhere_store.ordered(session, [row.id for row in rows])
    order.ended_at = now
    await session.flush()
    left = await elsewhere_store.ordered(session, [row.id for row in rows])
    for period in sorted({row.period for row in rows}):
        rates = await month_rates(session, await store.run_of(session, HUB, period))
        of_month = [row for row in rows if row.period == period]
        before, after = _bands(of_month, gone, rates), _bands(of_month, left, rates)
        await _list_anew(session, order.licensor, period, before, after, now)


async def close_elsewhere(
    session: WriteSession,
    licensor: str,
    url_key: str,
    periods: Collection[Month],
    now: datetime,
) -> None:
    """Tell every node of which months a licensor has nothing left for an address."""
    rows = await elsewhere_store.held_elsewhere(session, licensor=licensor, url_keys=[url_key])
    gone = await elsewhere_store.ordered(session, [row.id for row in rows])
    left = {row.period for row in rows if (row.stated or 0) - gone.get(row.id, 0) > 0}
    if over := sorted(set(periods) - left):
        await _tell_closed(session, licensor, [url_key], over, now)


async def _tell_closed(
    session: WriteSession,
    licensor: str,
    urls: Collection[str],
    periods: Sequence[Month],
    now: datetime,
) -> None:
    targets = [party.entity_id for party in await node_parties(session)]
    closed = sorted(urls)
    for start in range(0, len(closed), CLOSED_PER_MESSAGE):
        url_key, *also = closed[start : start + CLOSED_PER_MESSAGE]
        message = HeldClosed(url_key, list(periods), now.date(), licensor, also)
        await outbox.post_to_each(session, targets=targets, message=message, now=now)
