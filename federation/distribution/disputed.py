"""What a node cannot give because its own members contest the address: itemised by address.

SETTLEMENT §3.8 leaves it outstanding as DISPUTED. Who decides is not known here (`disputes`): this
says for which addresses, and which claim on them was contested, so that a decision has something to
release.
"""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time

import msgspec

from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.index import ClaimIndex, IndexedClaim
from federation.distribution import disputed_store, store
from federation.distribution.sharing import SharedRun, share_out
from federation.distribution.tables import DisputedItem, DistributedRun
from federation.metering import store as metering
from federation.metering import totals as usage_totals
from federation.months import store as months
from federation.registry import conflict_store, own_store
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.computed import read_run
from federation.settlement.plans import NOBODYS, MemberFacts
from federation.store.sessions import ReadSession, WriteSession
from federation.values.held import DISPUTED, DISPUTED_PARTY
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, first_day, last_day

Weights = dict[LicenceKey, dict[tuple[str, str], int]]
"""{licence key: {(address, contested claim): weight}}"""

NOWHERE = ("", "")
"""Of what no address is known."""


async def itemise_disputed(session: WriteSession, shared: SharedRun, now: datetime) -> None:
    """Keep what stays outstanding as DISPUTED of a run, by address.

    What is itemised of the month already is not again: a correction adds the differences.
    """
    there = await disputed_store.held_amounts(session, shared.period)
    lines = [line for line in shared.result.nobodys if line.member == DISPUTED_PARTY]
    if not lines and not there:
        return
    weights = await _weights(session, shared)
    wanted: dict[disputed_store.Where, int] = {}
    for line in lines:
        if line.licence is None:  # heads are counted, never contested
            continue
        scope = f"{shared.period}/{shared.code}/{line.part}/{line.licence}/{DISPUTED_PARTY}"
        of_licence = weights.get(line.licence, {})
        by_address = {_key(where): weight for where, weight in of_licence.items() if weight > 0}
        split = largest_remainder(line.amount, by_address or {_key(NOWHERE): 1}, scope=scope)
        for key, amount in split.items():
            url_key, _, contested = key.partition("\n")
            wanted[shared.period, line.licence, line.part, url_key, contested] = amount
    for where in sorted({*wanted, *there}):
        if more := wanted.get(where, 0) - there.get(where, 0):
            session.add(_item(shared, where, more, now))
    claims = {claim for *_, claim in wanted if claim}
    await conflict_store.keep(session, [_claim_key(claim) for claim in sorted(claims)], now)


def _claim_key(text: str) -> ClaimKey:
    """Return the claim that a text writes, as it was written from one."""
    key = UrlKey.of(text.removeprefix("*."))
    return ClaimKey(key.host, key.path, text.startswith("*."))


def _key(where: tuple[str, str]) -> str:
    return "\n".join(where)


def _item(
    shared: SharedRun, where: disputed_store.Where, amount: int, now: datetime
) -> DisputedItem:
    period, licence, part, url_key, contested = where
    return DisputedItem(
        run_id=shared.run.run_id,
        period=period,
        licence=licence,
        part=part,
        url_key=url_key,
        contested=contested,
        contested_digest=disputed_store.digest_of(contested),
        amount=amount,
        currency=shared.agreed.settlement_currency,
        held_since=now.date(),
    )


async def _weights(session: ReadSession, shared: SharedRun) -> Weights:
    """Return what contested addresses weigh: of the month, or of the earlier ones if it has none.

    As `distribution.inputs.member_weights` does of members.
    """
    document = shared.run.document
    origin = {
        key: source
        for licence in document.licences.values()
        for key, source in licence.weights_from.items()
    }
    months = [document.period]
    if "earlier" in origin.values():
        months += [one for one in await store.distributed_months(session) if one < months[0]]
    found: Weights = {}
    for month in months:
        by_url = dict[tuple[LicenceKey, str], int]()
        rows = usage_totals.member_weights(session, [month], [DISPUTED_PARTY])
        async for _, _, licence, _, url_key, weight in rows:
            if origin.get(licence) == ("period" if month == document.period else "earlier"):
                where = (licence, url_key or "")
                by_url[where] = by_url.get(where, 0) + weight
        claims = await _contested(session, shared.code, month, {url for _, url in by_url if url})
        for (licence, url_key), weight in by_url.items():
            sums = found.setdefault(licence, {})
            key = (url_key, claims.get(url_key, ""))
            sums[key] = sums.get(key, 0) + weight
    return found


async def _contested(
    session: ReadSession, node: str, month: Month, urls: Iterable[str]
) -> dict[str, str]:
    """Return {address: the one claim that was contested there in a month}, as verdicts knew it.

    Where it was another one on other days, the address is left out: a month's use of an address is
    known, not its days (decision 0007).
    """
    keys = [UrlKey.of(url) for url in sorted(urls)]
    if not keys:
        return {}
    cut_off = await metering.find_period(session, month)
    known_at = cut_off.cut_off_at if cut_off is not None else None
    found: dict[str, str] = {}
    left = keys
    for moment in (known_at, None):  # a late line of a correction is placed as is known then
        claims_then = await own_store.own_claims(session, node, left, moment)
        index, days = ClaimIndex(claims_then, ()), sorted(_days(claims_then, month))
        for key in left:
            claims = {text for day in days for text in _contested_on(index, key, day)}
            if len(claims) == 1:
                found[key.text] = claims.pop()
        left = [key for key in left if key.text not in found]
        if not left:
            break
    return found


def _days(claims: Iterable[IndexedClaim], month: Month) -> set[date]:
    """Return the first day of a month, and those on which claims begin or end."""
    first, last = first_day(month), last_day(month)
    ends = {day for one in claims for day in (one.counts_from, one.counts_to)}
    return {first, *(day for day in ends if day is not None and first <= day <= last)}


def _contested_on(index: ClaimIndex, key: UrlKey, day: date) -> Iterator[str]:
    """Yield the claim that several members hold on an address, or on the original of a copy."""
    at = datetime.combine(day, time(12), UTC)
    claims = index.claimants(key, at)
    if _is_contested(claims):
        yield claims[0].key.text
    elif claims and claims[0].canonical is not None:
        owners = index.claimants(claims[0].canonical, at)
        if _is_contested(owners):
            yield owners[0].key.text


def _is_contested(claims: tuple[IndexedClaim, ...]) -> bool:
    return len({claim.holder_id for claim in claims}) > 1


async def itemise_old_months(session: WriteSession, node: str, now: datetime) -> None:
    """Itemise months that an earlier version distributed, as the run in force shares them out."""
    for row in await months_to_itemise(session):
        run = await months.effective_run(session, row.period)
        if run is not None:
            computed = await asyncio.to_thread(read_run, run.document)
            members = [MemberFacts(*one) for one in msgspec.json.decode(row.members or "[]")]
            shared = await share_out(session, node, computed, members)
            await itemise_disputed(session, shared, now)


async def months_to_itemise(session: ReadSession) -> list[DistributedRun]:
    """Return the months with something outstanding as DISPUTED of which no address is kept."""
    done = await disputed_store.months_itemised(session)
    return [
        row
        for row in await store.distributions(session)
        if row.period not in done and (await outstanding_in_force(session, row)).get(DISPUTED, 0)
    ]


async def outstanding_in_force(session: ReadSession, row: DistributedRun) -> dict[str, int]:
    """Return {reason: what is nobody's} of a month as it is corrected last."""
    last = await store.last_correction(session, row.period)
    found = msgspec.json.decode(last.outstanding if last else row.outstanding, type=dict[str, str])
    return {reason: int(amount) for reason, amount in found.items() if reason in NOBODYS}
