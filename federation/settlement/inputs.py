"""Gather the inputs of a run: reports, licences, receipts, rates, and what earlier months left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import store as metering
from federation.metering.messages import UsageReport
from federation.metering.tables import Progress
from federation.settlement import store
from federation.settlement.months import last_day, period_of
from federation.settlement.rates import reference_rates
from federation.settlement.run import choose_weights, with_rates_used
from federation.settlement.run_document import (
    CollectiveTerms,
    ComponentTerms,
    HubTerms,
    LicenceTerms,
    RunDocument,
    TierTerms,
    WeightTerms,
    late_party,
)
from federation.trust import membership
from federation.trust.service import HUB, collective_terms, node_parties

Weights = dict[str, dict[str, int]]  # {licence key: {party: weight}}
LATE_MONTHS = 3


class MissingReportError(RefusalError):
    """A usage report for this month is missing."""

    code: ClassVar[str] = "MISSING_REPORT"


class PeriodOrderError(RefusalError):
    """Months are settled in their order, each once."""

    code: ClassVar[str] = "PERIOD_ORDER"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A run's document, with the own weights it will leave to later months."""

    document: RunDocument
    own: Weights
    reports: list[UsageReport]


async def final_reports(session: AsyncSession, period: str) -> dict[str, tuple[str, UsageReport]]:
    """Return {party: (digest, report)} of the hub and every node, or name the missing.

    A node that two people declared missing is left out until its report comes.
    """
    rows = await metering.latest_reports(session, period)
    progress = await metering.progress(session, period)
    wanted = {HUB, *progress}
    missing = sorted(
        node for node in wanted - rows.keys() if node == HUB or not progress[node].missing
    )
    if not progress:
        raise MissingReportError(f"{period} is not cut off")
    if missing:
        raise MissingReportError(f"{period}: {_who_is_late(missing, progress)}")
    return {
        party: (row.digest, msgspec.json.decode(row.body, type=UsageReport))
        for party, row in sorted(rows.items())
    }


def _who_is_late(missing: Sequence[str], progress: Mapping[str, Progress]) -> str:
    """Name apart who holds the month up, and who only waits for them: nobody need remind those."""
    behind = [
        node for node in missing if node in progress and progress[node].forwarded_lines is None
    ]
    waiting = [node for node in missing if node not in behind]
    if not (behind and waiting):
        return ", ".join(missing)
    return f"{', '.join(behind)}; the others only wait: {', '.join(waiting)}"


async def gather(session: AsyncSession, period: str, terms: membership.HubTerms) -> Gathered:
    """Put together everything a run of a month follows from (SETTLEMENT §8)."""
    reports = await final_reports(session, period)
    locked = await store.locked_periods(session)
    if locked and period != period_of(last_day(max(locked)) + timedelta(days=1)):
        raise PeriodOrderError(f"{period} does not follow {max(locked)}")
    own = own_weights(report for _, report in reports.values())
    history = await store.own_weights_by_month(session, period)
    earlier = sum_of_months(history)
    codes = [party.code for party in await node_parties(session)]
    late = late_weights(history, [code for code in codes if code not in reports])
    shared = with_late(own, late)
    document = RunDocument(
        format=1,
        period=period,
        first_period=min(locked, default=period),
        hub=HubTerms(
            terms.clearing_currency, terms.fee_bps, terms.national_fee_bps, terms.fee_band_bps
        ),
        weights=WeightTerms(
            {tier: str(weight) for tier, weight in terms.tier_weight.items()},
            {use: str(weight) for use, weight in terms.use_weight.items()},
        ),
        collectives={
            party.code: _collective(collective_terms(party))
            for party in await node_parties(session)
        },
        licences=await _licences(session, period, shared, earlier),
        rates={},
        shares_by=shares_by(shared, earlier),
        classes=sum_of_classes(report for _, report in reports.values()),
        reports={party: digest for party, (digest, _) in reports.items() if party != HUB},
    )
    rates = reference_rates(await store.rate_table(session), terms.clearing_currency, period)
    return Gathered(
        with_rates_used(document, rates),
        own,
        [report for _, report in reports.values()],
    )


def own_weights(reports: Iterable[UsageReport]) -> Weights:
    """Add up what a month's own lines weigh, per licence key and party."""
    sums: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for report in reports:
        for item in report.weights:
            sums[item.licence][item.node] += int(item.weight)
        for held in report.held:
            sums[held.licence][held.party] += int(held.weight)
    return {licence: dict(parties) for licence, parties in sums.items()}


def sum_of_months(history: Mapping[str, Weights]) -> Weights:
    """Add up what several months' own lines weigh."""
    sums: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for weights in history.values():
        for key, parties in weights.items():
            for party, weight in parties.items():
                sums[key][party] += weight
    return {key: dict(parties) for key, parties in sums.items()}


def late_weights(history: Mapping[str, Weights], nodes: Iterable[str]) -> Weights:
    """Return what missing nodes are held to weigh: the mean of their last three months.

    A mean is rounded down to an integer; a unit weighs at least 10,000, so nothing is lost by it.
    Fewer months that are settled make the mean of those (decision 0010).
    """
    months = sorted(history)[-LATE_MONTHS:]
    found: Weights = {}
    for node in nodes:
        for key in sorted({key for month in months for key in history[month]}):
            total = sum(history[month].get(key, {}).get(node, 0) for month in months)
            if total // len(months):
                found.setdefault(key, {})[late_party(node)] = total // len(months)
    return found


def with_late(own: Weights, late: Weights) -> Weights:
    """Return a month's own weights together with those of missing nodes."""
    return {key: {**own.get(key, {}), **late.get(key, {})} for key in sorted({*own, *late})}


def shares_by(own: Weights, earlier: Weights) -> list[tuple[str, str, str]]:
    """Return the rows [licence key, party, weight] that a document states."""
    rows: list[tuple[str, str, str]] = []
    for key in sorted(own.keys() | earlier.keys()):
        weights, _ = choose_weights(own.get(key, {}), earlier.get(key, {}))
        rows += [(key, party, str(weight)) for party, weight in weights.items() if weight]
    return rows


def sum_of_classes(reports: Iterable[UsageReport]) -> dict[str, tuple[int, str]]:
    """Add up the lines and units of each class over all reports."""
    sums: dict[str, tuple[int, int]] = {}
    for report in reports:
        for name, (lines, units) in report.classes.items():
            counted, total = sums.get(name, (0, 0))
            sums[name] = (counted + lines, total + int(units))
    return {name: (lines, str(units)) for name, (lines, units) in sums.items()}


async def _licences(
    session: AsyncSession, period: str, own: Weights, earlier: Weights
) -> dict[str, LicenceTerms]:
    received = await licensing.receipts_until(session, last_day(period))
    recognised: defaultdict[str, int] = defaultdict(int)
    carried: dict[str, int] = {}
    for row in await store.standings(session, period):
        recognised[row.licence] += row.recognised
        carried[row.licence] = row.carried_forward
    return {
        row.number: _licence(
            licensing.facts(row),
            received.get(row.number, 0),
            recognised,
            carried,
            {"own": own, "earlier": earlier},
        )
        for row in await licensing.all_licences(session)
    }


def _licence(
    facts: LicenceFacts,
    received: int,
    recognised: Mapping[str, int],
    carried: Mapping[str, int],
    weights: Mapping[str, Weights],
) -> LicenceTerms:
    keys = [facts.key(component) for component in facts.components]
    return LicenceTerms(
        licensor=facts.licensor,
        licensee=facts.licensee,
        currency=facts.currency,
        starts_on=facts.starts_on.isoformat(),
        ends_on=facts.fee_until.isoformat(),
        unclaimed="hold" if facts.unclaimed == "hold" else "exclude",
        usage_basis="lab" if facts.usage_basis == "lab" else "site",
        components=[
            ComponentTerms(c.id, sorted(c.uses), c.unit, str(c.fee)) for c in facts.components
        ],
        received=str(max(received, 0)),
        recognised_before={key: str(recognised.get(key, 0)) for key in keys},
        brought_forward={key: str(carried.get(key, 0)) for key in keys},
        weights_from={
            key: _origin(weights["own"].get(key, {}), weights["earlier"].get(key, {}))
            for key in keys
        },
        ended_on=facts.ends_on.isoformat() if facts.fee_ends_on else msgspec.UNSET,
    )


def _origin(
    own: Mapping[str, int], earlier: Mapping[str, int]
) -> Literal["period", "earlier", "none"]:
    if any(own.values()):
        return "period"
    return "earlier" if any(earlier.values()) else "none"


_PLANS: Mapping[str, Literal["per_usage", "hybrid", "tiered"]] = {
    "per_usage": "per_usage",
    "hybrid": "hybrid",
    "tiered": "tiered",
}


def _collective(terms: membership.CollectiveTerms) -> CollectiveTerms:
    tiers: Mapping[str, membership.Tier] | None = terms.tiers
    return CollectiveTerms(
        country=terms.country,
        settlement_currency=terms.settlement_currency,
        admin_fee_bps=terms.admin_fee_bps,
        collecting_fee_bps=terms.collecting_fee_bps,
        minimum_payment=str(terms.minimum_payment),
        plan=_PLANS[terms.plan],
        base_bps=terms.base_bps,
        tiers=None
        if tiers is None
        else {name: TierTerms(t.minimum_works, t.share_bps) for name, t in tiers.items()},
    )


def use_weights(reports: Sequence[UsageReport]) -> list[tuple[str, str, str, int, int]]:
    """Return (licence key, party, use, weight, units) of a month's own lines, sorted."""
    sums: defaultdict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for report in reports:
        for item in report.weights:
            weight, units = sums[item.licence, item.node, item.use]
            sums[item.licence, item.node, item.use] = (
                weight + int(item.weight),
                units + int(item.units),
            )
    return [(*key, weight, units) for key, (weight, units) in sorted(sums.items())]
