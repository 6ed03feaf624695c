"""What follows from a run document: shares, obligations and nets (SETTLEMENT §1 to §6). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from federation.settlement.arithmetic import largest_remainder
from federation.settlement.clearing import (
    Clearing,
    Income,
    Obligation,
    Position,
    clear,
    converted,
    obligations,
    positions,
    remittance,
    settles,
)
from federation.settlement.fee_band import FeeBandError, check_band, effective_rate
from federation.settlement.rates import Rates
from federation.settlement.revenue import Revenue, recognise
from federation.settlement.run_document import LicenceInRun, RunDocument
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, last_day
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class LicenceResult:
    """One licence key in one period; without any weight its revenue is carried forward."""

    licensor: str
    currency: str
    revenue: Revenue
    shares: dict[str, int]
    carried_forward: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of a run; every licence key, node and the hub is there, also with zeros."""

    licences: dict[LicenceKey, LicenceResult]
    obligations: list[Obligation]
    cleared: list[Clearing]
    positions: dict[str, Position]
    remittances: dict[str, int]
    income: dict[str, Income]
    rates_used: dict[str, tuple[str, str]]
    warnings: list[str]


def compute(document: RunDocument, rates: Rates | None = None) -> RunResult:
    """Compute a run. A fee above the band or a missing rate refuses it whole.

    Rates come from the document unless a table is given to choose its rates from.
    """
    licences = _licence_results(document)
    warnings = _check_bands(document, licences)
    rates = rates or document_rates(document)
    owed = [row for key, licence in licences.items() for row in _obligations(key, licence)]
    cleared = clear(owed, rates)
    held = positions(cleared, [HUB, *sorted(document.collectives)])
    income = {node: _income(document, licences, node, rates) for node in document.collectives}
    remittances = {
        node: remittance(held[node].net, terms.settlement_currency, rates)
        for node, terms in document.collectives.items()
    }
    return RunResult(
        licences=licences,
        obligations=owed,
        cleared=cleared,
        positions=held,
        remittances=remittances,
        income=income,
        rates_used=rates.used,
        warnings=warnings,
    )


def document_rates(document: RunDocument) -> Rates:
    """Return the rates a document names, held to their age on the period's last day."""
    published = {currency: (rate.date, rate.rate) for currency, rate in document.rates.items()}
    clearing = document.hub.clearing_currency
    return Rates(clearing, published, on=last_day(document.period))


def owed_by(result: RunResult, debtor: str, target: str) -> list[Obligation]:
    """Return what a node owes in a run, less what settles nothing in its own currency `target`."""
    return [
        row
        for row in result.obligations
        if row.debtor == debtor and settles(result.positions, debtor, row.currency, target)
    ]


def received_by(
    licences: Mapping[LicenceKey, LicenceResult], node: str
) -> tuple[list[tuple[LicenceKey, str, int]], list[tuple[LicenceKey, str, int]]]:
    """Return a node's (licence key, currency, amount): from other licensors, from its own."""
    received: list[tuple[LicenceKey, str, int]] = []
    domestic: list[tuple[LicenceKey, str, int]] = []
    for key, licence in licences.items():
        if licence.shares.get(node):
            side = domestic if licence.licensor == node else received
            side.append((key, licence.currency, licence.shares[node]))
    return received, domestic


def choose_weights(
    own: Mapping[str, int], earlier: Mapping[str, int]
) -> tuple[Mapping[str, int], str]:
    """Return the weights a licence key is shared by and where they come from (SETTLEMENT §4).

    Without weight in the period the sum of the earlier periods' own lines stands in its place.
    """
    if any(own.values()):
        return own, "period"
    return (earlier, "earlier") if any(earlier.values()) else ({}, "none")


def _licence_results(document: RunDocument) -> dict[LicenceKey, LicenceResult]:
    weights: dict[LicenceKey, dict[str, int]] = {}
    for key, party, weight in document.shares_by:
        weights.setdefault(key, {})[party] = int(weight)
    return {
        key: _licence_result(document.period, key, terms, revenue, weights.get(key, {}))
        for number, terms in sorted(document.licences.items())
        for key, revenue in _revenue(document, number, terms).items()
    }


def _revenue(document: RunDocument, number: str, terms: LicenceInRun) -> dict[LicenceKey, Revenue]:
    national = document.collectives.get(terms.licensor)
    return recognise(
        terms.facts(number),
        period=document.period,
        first_period=document.first_period,
        received=int(terms.received),
        recognised_before={key: int(text) for key, text in terms.recognised_before.items()},
        brought_forward={key: int(text) for key, text in terms.brought_forward.items()},
        clearing_fee_bps=_clearing_bps(document, terms.licensor),
        collecting_fee_bps=national.collecting_fee_bps if national else 0,
    )


def _clearing_bps(document: RunDocument, licensor: str) -> int:
    return document.hub.fee_bps if licensor == HUB else document.hub.national_fee_bps


def _licence_result(
    period: Month,
    key: LicenceKey,
    terms: LicenceInRun,
    revenue: Revenue,
    weights: Mapping[str, int],
) -> LicenceResult:
    """Split what is distributable between nodes; with no weight at all it stays as NO_USAGE."""
    total = revenue.distributable
    if total < 0:
        raise FeeBandError(f"{key}: the fees exceed the revenue")
    if not any(weights.values()):
        return LicenceResult(terms.licensor, terms.currency, revenue, {}, total)
    shares = largest_remainder(total, weights, scope=f"{period}/{key}")
    return LicenceResult(terms.licensor, terms.currency, revenue, shares, 0)


def _check_bands(document: RunDocument, licences: Mapping[LicenceKey, LicenceResult]) -> list[str]:
    rows = [
        check_band(
            _effective_rate(document, licence.licensor, node),
            document.hub.fee_band_bps,
            licence=key,
            node=node,
        )
        for key, licence in licences.items()
        for node in sorted(licence.shares)
        if node in document.collectives
    ]
    return [row for row in rows if row is not None]


def _effective_rate(document: RunDocument, licensor: str, node: str) -> Fraction:
    national = document.collectives.get(licensor)
    return effective_rate(
        clearing_bps=_clearing_bps(document, licensor),
        collecting_bps=national.collecting_fee_bps if national else 0,
        admin_bps=0 if licensor == node else document.collectives[node].admin_fee_bps,
    )


def _obligations(key: LicenceKey, licence: LicenceResult) -> list[Obligation]:
    return obligations(
        licensor=licence.licensor,
        licence=key,
        currency=licence.currency,
        clearing_fee=licence.revenue.clearing_fee,
        shares=dict(sorted(licence.shares.items())),
    )


def _income(
    document: RunDocument, licences: Mapping[LicenceKey, LicenceResult], node: str, rates: Rates
) -> Income:
    target = document.collectives[node].settlement_currency
    received, domestic = received_by(licences, node)
    return Income(converted(received, target, rates), converted(domestic, target, rates))
