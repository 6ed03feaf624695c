"""What a run follows from, put together from the rows of the hub (SETTLEMENT §8)."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering.final_reports import final_reports, read_reports
from federation.metering.messages import UsageReport
from federation.metering.tables import Report
from federation.months import store as months_store
from federation.settlement.agreement import collective_in_run, hub_in_run, weights_in_run
from federation.settlement.computed import ComputedRun, computed_with
from federation.settlement.rates import reference_rates
from federation.settlement.run_document import (
    ComponentInRun,
    LicenceInRun,
    RunDocument,
)
from federation.settlement.weights import (
    Weights,
    late_weights,
    own_weights,
    shares_by,
    sum_of_classes,
    sum_of_months,
    with_late,
)
from federation.store.sessions import ReadSession
from federation.trust import membership
from federation.trust.parties import collective_terms
from federation.trust.store import node_parties
from federation.values.month import Month, last_day, next_month
from federation.values.party import HUB


class PeriodOrderError(RefusalError):
    """Months are settled in their order, each once."""

    code: ClassVar[str] = "PERIOD_ORDER"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A run computed from the hub's rows, with the own weights it will leave to later months."""

    run: ComputedRun
    own: Weights
    reports: list[UsageReport]


async def gather(session: ReadSession, period: Month, terms: membership.HubTerms) -> Gathered:
    """Put together everything a run of a month follows from (SETTLEMENT §8)."""
    kept = await final_reports(session, period)
    reports = read_reports(kept)
    locked = await months_store.locked_periods(session)
    if locked and period != next_month(max(locked)):
        raise PeriodOrderError(f"{period} does not follow {max(locked)}")
    own = own_weights(reports)
    history = await months_store.own_weights_by_month(session, period)
    earlier = sum_of_months(history)
    nodes = await node_parties(session)
    late = late_weights(history, [node.code for node in nodes if node.code not in kept])
    shared = with_late(own, late)
    document = RunDocument(
        format=1,
        period=period,
        first_period=min(locked, default=period),
        hub=hub_in_run(terms),
        weights=weights_in_run(terms),
        collectives={node.code: collective_in_run(collective_terms(node)) for node in nodes},
        licences=await _licences(session, period, shared, earlier),
        rates={},
        shares_by=shares_by(shared, earlier),
        classes=sum_of_classes(reports),
        reports=digests_of(kept),
    )
    rates = reference_rates(await months_store.rate_table(session), terms.clearing_currency, period)
    run = await asyncio.to_thread(computed_with, document, rates)  # others are answered meanwhile
    return Gathered(run, own, reports)


def digests_of(kept: Mapping[str, Report]) -> dict[str, str]:
    """Return {node: digest} of the reports that a document names: the hub's own is not."""
    return {party: row.digest for party, row in kept.items() if party != HUB}


async def _licences(
    session: ReadSession, period: Month, shared: Weights, earlier: Weights
) -> dict[str, LicenceInRun]:
    received = await licensing.receipts_until(session, last_day(period))
    recognised: defaultdict[str, int] = defaultdict(int)
    carried: dict[str, int] = {}
    for row in await months_store.standings(session, period):
        recognised[row.licence] += row.recognised
        carried[row.licence] = row.carried_forward
    return {
        row.number: _licence(
            licensing.facts(row),
            received.get(row.number, 0),
            recognised,
            carried,
            {"period": shared, "earlier": earlier},
        )
        for row in await licensing.all_licences(session)
    }


def _licence(
    facts: LicenceFacts,
    received: int,
    recognised: Mapping[str, int],
    carried: Mapping[str, int],
    weights: Mapping[str, Weights],
) -> LicenceInRun:
    keys = [facts.key(component) for component in facts.components]
    return LicenceInRun(
        licensor=facts.licensor,
        licensee=facts.licensee,
        currency=facts.currency,
        starts_on=facts.starts_on.isoformat(),
        ends_on=facts.fee_until.isoformat(),
        unclaimed="hold" if facts.unclaimed == "hold" else "exclude",
        usage_basis="lab" if facts.usage_basis == "lab" else "site",
        components=[
            ComponentInRun(c.id, sorted(c.uses), c.unit, str(c.fee)) for c in facts.components
        ],
        received=str(max(received, 0)),
        recognised_before={key: str(recognised.get(key, 0)) for key in keys},
        brought_forward={key: str(carried.get(key, 0)) for key in keys},
        weights_from={
            key: _origin(weights["period"].get(key, {}), weights["earlier"].get(key, {}))
            for key in keys
        },
        ended_on=facts.ends_on.isoformat() if facts.fee_ends_on else msgspec.UNSET,
    )


def _origin(
    of_period: Mapping[str, int], earlier: Mapping[str, int]
) -> Literal["period", "earlier", "none"]:
    if any(of_period.values()):
        return "period"
    return "earlier" if any(earlier.values()) else "none"
