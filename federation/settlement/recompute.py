"""What settled months come to with other usage: they are computed again, one after the other.

SETTLEMENT §7b: a month and every later one its result enters, at the original rates and terms. Only
usage is new; fees, receipts, terms and rates are those of the document that is corrected. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from federation.settlement.clearing import Clearing, Position, positions
from federation.settlement.computed import ComputedRun, computed_with
from federation.settlement.rates import Rates
from federation.settlement.revenue import Revenue
from federation.settlement.run import LicenceResult, RunResult
from federation.settlement.run_document import RunDocument
from federation.settlement.weights import Weights, late_weights, shares_by, sum_of_months, with_late
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, last_day
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Usage:
    """What the latest reports of a month say: own weights, digests, classes."""

    own: Weights
    reports: Mapping[str, str]
    classes: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A month's run in force and the one that takes its place."""

    old: ComputedRun
    new: ComputedRun


def recompute(
    runs: Sequence[ComputedRun],
    usage: Mapping[Month, Usage],
    history: Mapping[Month, Weights],
    standing: Mapping[LicenceKey, tuple[int, int]],
    rates: Mapping[Month, Mapping[str, tuple[str, str]]],
) -> list[Corrected]:
    """Compute months again, in order, each with what the one before it now leaves.

    `runs` are the months in force from the first corrected one to the last settled one;
    `usage` is new usage by month; `history` the own weights of all settled months; `standing` is
    {licence key: (recognised so far, carried forward)} before the first of the runs; `rates`
    are {month: {currency: (date, rate)}}, consulted where a document has none.
    """
    own = dict(history)
    left = dict(standing)
    chain: list[Corrected] = []
    for old in runs:
        period = old.document.period
        own[period] = usage[period].own if period in usage else own[period]
        earlier = {month: weights for month, weights in own.items() if month < period}
        document = _document(old.document, usage.get(period), own[period], earlier, left)
        new = computed_with(document, _rates(old.document, rates.get(period, {})))
        chain.append(Corrected(old, new))
        for key, licence in new.result.licences.items():
            recognised, _ = left.get(key, (0, 0))
            left[key] = (recognised + licence.revenue.recognised, licence.carried_forward)
    return chain


def _document(
    old: RunDocument,
    usage: Usage | None,
    own: Weights,
    earlier: Mapping[Month, Weights],
    left: Mapping[LicenceKey, tuple[int, int]],
) -> RunDocument:
    reports = dict(usage.reports) if usage else old.reports
    classes = dict(usage.classes) if usage else old.classes
    missing = sorted(old.collectives.keys() - reports.keys())
    shared, before = with_late(own, late_weights(earlier, missing)), sum_of_months(earlier)
    licences = {
        number: msgspec.structs.replace(
            terms,
            recognised_before={key: str(left.get(key, (0, 0))[0]) for key in terms.keys(number)},
            brought_forward={key: str(left.get(key, (0, 0))[1]) for key in terms.keys(number)},
            weights_from={
                key: "period"
                if any(shared.get(key, {}).values())
                else "earlier"
                if any(before.get(key, {}).values())
                else "none"
                for key in terms.keys(number)
            },
        )
        for number, terms in old.licences.items()
    }
    known = {key for number, terms in licences.items() for key in terms.keys(number)}
    rows = [row for row in shares_by(shared, before) if row[0] in known]
    return msgspec.structs.replace(
        old, licences=licences, reports=reports, classes=classes, shares_by=rows, rates={}
    )


def _rates(old: RunDocument, more: Mapping[str, tuple[str, str]]) -> Rates:
    """Return the original rates; one that only the correction needs is the published one."""
    original = {currency: (rate.date, rate.rate) for currency, rate in old.rates.items()}
    return Rates(old.hub.clearing_currency, {**more, **original}, on=last_day(old.period))


@dataclass(frozen=True, slots=True)
class Difference:
    """What a correction moves: licences and clearings as differences, nets in clearing currency.

    `remittances` are the nets in each node's settlement currency, at the original rates. A node
    that owes as a licensor holds the money and is asked for it: `called` is that part of what it
    owes, (settlement currency, clearing currency); the rest are credits it lost, to be set off.
    `bilateral` is what lies between nodes of which one left that month's net.
    """

    licences: dict[LicenceKey, LicenceResult]
    cleared: list[Clearing]
    bilateral: list[Clearing]
    called: dict[str, tuple[int, int]]
    positions: dict[str, Position]
    remittances: dict[str, int]

    @property
    def moved(self) -> int:
        """Return what changes between parties, all differences added up."""
        return sum(abs(row.cleared) for row in [*self.cleared, *self.bilateral])


def difference(
    item: Corrected, rates: Mapping[str, tuple[str, str]], left: Collection[str] = ()
) -> Difference:
    """Return what takes a month from its result in force to its corrected one.

    `left` are the debtors that left that month's net.
    """
    licences = {
        key: row
        for key in item.new.result.licences
        if (row := _licence(item.old.result.licences[key], item.new.result.licences[key]))
        is not None
    }
    rows = _cleared(item.old.result, item.new.result)
    bilateral = [
        row for row in rows if HUB not in (row.debtor, row.creditor) and _involves(row, left)
    ]
    cleared = [row for row in rows if row not in bilateral]
    nets = positions(cleared, [HUB, *sorted(item.new.document.collectives)])
    consulted = {name: (rate.date, rate.rate) for name, rate in item.new.document.rates.items()}
    table = _rates(item.old.document, {**rates, **consulted})
    clearing = item.new.document.hub.clearing_currency
    remittances: dict[str, int] = {}
    called: dict[str, tuple[int, int]] = {}
    for node, terms in item.new.document.collectives.items():
        amount = table.convert(abs(nets[node].net), clearing, terms.settlement_currency)
        remittances[node] = amount if nets[node].net >= 0 else -amount
        owed = min(-nets[node].net, nets[node].payable)
        if owed > 0:
            asked = table.convert(owed, clearing, terms.settlement_currency)
            called[node] = (min(asked, amount), owed)
    return Difference(licences, cleared, bilateral, called, nets, remittances)


def _involves(row: Clearing, left: Collection[str]) -> bool:
    return row.debtor in left or row.creditor in left


def between(item: Corrected, row: Clearing, node: str, rates: Mapping[str, tuple[str, str]]) -> int:
    """Return a bilateral difference in a node's settlement currency, at the original rates."""
    consulted = {name: (rate.date, rate.rate) for name, rate in item.new.document.rates.items()}
    table = _rates(item.old.document, {**rates, **consulted})
    currency = item.new.document.collectives[node].settlement_currency
    amount = table.convert(abs(row.cleared), item.new.document.hub.clearing_currency, currency)
    return amount if row.cleared >= 0 else -amount


def _licence(before: LicenceResult, after: LicenceResult) -> LicenceResult | None:
    shares = {
        party: amount
        for party in sorted({*before.shares, *after.shares})
        if (amount := after.shares.get(party, 0) - before.shares.get(party, 0))
    }
    carried = after.carried_forward - before.carried_forward
    old, new = before.revenue, after.revenue
    revenue = Revenue(
        new.allocated - old.allocated,
        new.recognised - old.recognised,
        new.clearing_fee - old.clearing_fee,
        new.collecting_fee - old.collecting_fee,
        new.brought_forward - old.brought_forward,
    )
    if not shares and not carried and not any((revenue.recognised, revenue.brought_forward)):
        return None
    return replace(after, revenue=revenue, shares=shares, carried_forward=carried)


def _cleared(before: RunResult, after: RunResult) -> list[Clearing]:
    """Return the differences of what both sides booked for each pair and currency."""
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for sign, result in ((-1, before), (1, after)):
        for row in result.cleared:
            key = (row.debtor, row.creditor, row.currency)
            amount, cleared = sums.get(key, (0, 0))
            sums[key] = (amount + sign * row.amount, cleared + sign * row.cleared)
    return [
        Clearing(*key, amount, cleared)
        for key, (amount, cleared) in sorted(sums.items())
        if amount or cleared
    ]
