"""Gather what explains an amount: of a document, a share, a member or a payment of this server."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from federation.addresses.urls import normalise_url
from federation.distribution import store as distribution
from federation.distribution.tables import DistributedRun, MemberAmount
from federation.documents.service import get_document
from federation.documents.statements import rate_text
from federation.licensing import store as licensing
from federation.metering.tables import Portion
from federation.months import store as months_store
from federation.proof import store, why
from federation.proof.why import Earned, NothingToExplainError, Step
from federation.registry.service import get_member
from federation.settlement.addresses import address_of
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession
from federation.suspense import store as suspense
from federation.values.licence_key import LicenceKey, number_of
from federation.values.month import Month
from federation.values.party import HUB

ADJUSTMENTS_MAX = 1_000


async def why_document(session: ReadSession, number: str) -> Step:
    """Explain what a document comes to."""
    row = await get_document(session, number)
    if row.series == "INV":
        licence = await licensing.find_licence(session, row.subject)
        if licence is not None:
            fee = why.invoice(licensing.facts(licence))
            return why.with_vat(fee, msgspec.json.decode(row.body))
    if row.series not in {"STM", "CN", "FEE", "ADV"}:
        raise NothingToExplainError(f"{number} states no amount")
    body = msgspec.json.decode(row.body)
    if row.series == "STM":
        return why.statement(body)
    account = body["accounts"][0]  # of a credit note a second one says what it is with VAT
    rows = {name: int(amount) for name, amount in account["rows"]}
    return why.account(
        f"Closing of {number}", account["currency"], rows, _lines_of(body, account["currency"])
    )


def _lines_of(body: Mapping[str, object], currency: str) -> dict[str, list[Step]]:
    """Put the lines of an advice or credit note under the row of the account they add up to."""
    found: dict[str, list[Step]] = {}
    for line in msgspec.convert(body["lines"], list[dict[str, str | None]]):
        refs = {name: text for name, text in line.items() if text}
        if body["kind"] == "remittance advice":
            side = "clearing_fees" if line["creditor"] == HUB else str(line["side"])
            label = f"{line['debtor']} to {line['creditor']} from {line['from_currency']}"
            amount, rule = line["cleared"], "SETTLEMENT §5: each sum is converted once"
        elif body["kind"] == "credit note":
            side, label, amount = "credited", str(line["month"]), line["amount"]
            rule = "SETTLEMENT §1: largest remainder by days; nothing after the end"
        else:
            continue
        found.setdefault(side, []).append(Step(label, int(amount or 0), currency, rule, refs))
    return found


async def why_share(
    session: ReadSession, here: str, period: Month, licence: LicenceKey, party: str
) -> Step:
    """Explain a party's share in a licence key of a settled month."""
    document, result, run_id = await _run(session, here, period)
    return why.share(document, result, run_id, licence, party)


async def _run(
    session: ReadSession, here: str, period: Month
) -> tuple[RunDocument, RunResult, str]:
    months = {row.period: row.run_id for row in await suspense.settled_months(session, here)}
    if period not in months:
        raise NothingToExplainError(f"{period} is not settled here")
    document = await suspense.run_of(session, here, period)
    return document, await asyncio.to_thread(compute, document), months[period]


async def why_member(session: ReadSession, here: str, period: Month, member: str) -> Step:
    """Explain what a month's run attributed to a member of this node (UNKNOWN_MEMBER)."""
    await get_member(session, member)
    done = await distribution.find_distribution(session, period)
    if done is None:
        raise NothingToExplainError(f"{period} is not settled here")
    document, result, run_id = await _run(session, here, period)
    rows = await distribution.member_amounts(session, period, member)
    currency = document.collectives[here].settlement_currency
    by_use: defaultdict[tuple[str, str], list[MemberAmount]] = defaultdict(list)
    heads: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        if row.licence is None:
            heads[f"{row.source} of what is {row.part}"] += row.amount
        else:
            by_use[number_of(row.licence), row.use or ""].append(row)
    earned = [
        await _earned(session, here, document, result, member, use, group)
        for (_, use), group in sorted(by_use.items())
    ]
    return why.member(
        node=here,
        member_id=member,
        period=period,
        currency=currency,
        earned=earned,
        heads=heads,
        refs=_plan(done, document, here, run_id),
    )


def _plan(done: DistributedRun, document: RunDocument, here: str, run_id: str) -> dict[str, str]:
    terms = document.collectives[here]
    return {
        "run": run_id,
        "distribution": done.distribution_id,
        "plan": terms.plan,
        "received": str(done.received),
        "domestic": str(done.domestic),
        "admin_fee": str(-done.admin_fee),
        "admin_fee_bps": str(terms.admin_fee_bps),
    }


async def _earned(
    session: ReadSession,
    here: str,
    document: RunDocument,
    result: RunResult,
    member: str,
    use: str,
    group: Sequence[MemberAmount],
) -> Earned:
    keys = sorted({row.licence for row in group if row.licence})
    number = number_of(keys[0])
    origin = {document.licences[number].weights_from[key] for key in keys}
    periods = [document.period]
    if "earlier" in origin:
        locked = await months_store.locked_periods(session)
        periods = months_store.periods_before(locked, document.period)
    portions = await store.member_portions(session, periods, member, use, number)
    weights: defaultdict[str, int] = defaultdict(int)
    for portion in portions:
        weights[address_of(portion.url_key)] += portion.weight
    refs = {"weight": str(sum(weights.values())), "units": str(sum(row.units for row in group))}
    target = document.collectives[here].settlement_currency
    for key in keys:
        licence = result.licences[key]
        rate, day = rate_text(document, licence.currency, target)
        refs[f"share {key}"] = f"{licence.shares[here]} {licence.currency}"
        refs[f"rate {key}"] = f"{rate} {day}".strip()
    for row in group:
        refs[f"{row.part} {row.licence}"] = str(row.amount)
    return Earned(
        licence=number,
        use=use,
        amount=sum(row.amount for row in group),
        weights=weights,
        days=await _days(session, periods, number, use, portions),
        refs=refs,
    )


async def _days(
    session: ReadSession,
    periods: Sequence[Month],
    licence: str,
    use: str,
    portions: Sequence[Portion],
) -> dict[str, dict[str, int]]:
    """Return {address: {day: units}} of the lines counted here; another server keeps its own."""
    wanted = {portion.url_key for portion in portions}
    found: dict[str, dict[str, int]] = {}
    for url, day, units in await store.units_by_day(session, periods, licence, use):
        address = normalise_url(url).text
        if address in wanted:
            days = found.setdefault(address, {})
            days[day.isoformat()] = days.get(day.isoformat(), 0) + units
    return found
