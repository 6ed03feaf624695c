"""What usage weighs in a month, added up over reports and months. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from federation.metering.messages import UsageReport
from federation.settlement.run import choose_weights
from federation.values.held import late_party
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

Weights = dict[LicenceKey, dict[str, int]]  # {licence key: {party: weight}}
LATE_MONTHS = 3


def own_weights(reports: Iterable[UsageReport]) -> Weights:
    """Add up what a month's own lines weigh, per licence key and party."""
    sums: defaultdict[LicenceKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for report in reports:
        for item in report.weights:
            sums[item.licence][item.node] += int(item.weight)
        for held in report.held:
            sums[held.licence][held.party] += int(held.weight)
    return {licence: dict(parties) for licence, parties in sums.items()}


def sum_of_months(history: Mapping[Month, Weights]) -> Weights:
    """Add up what several months' own lines weigh."""
    sums: defaultdict[LicenceKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for weights in history.values():
        for key, parties in weights.items():
            for party, weight in parties.items():
                sums[key][party] += weight
    return {key: dict(parties) for key, parties in sums.items()}


def late_weights(history: Mapping[Month, Weights], nodes: Iterable[str]) -> Weights:
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


def shares_by(own: Weights, earlier: Weights) -> list[tuple[LicenceKey, str, str]]:
    """Return the rows [licence key, party, weight] that a document states."""
    rows: list[tuple[LicenceKey, str, str]] = []
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


def use_weights(reports: Sequence[UsageReport]) -> list[tuple[LicenceKey, str, str, int, int]]:
    """Return (licence key, party, use, weight, units) of a month's own lines, sorted."""
    sums: defaultdict[tuple[LicenceKey, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for report in reports:
        for item in report.weights:
            weight, units = sums[item.licence, item.node, item.use]
            sums[item.licence, item.node, item.use] = (
                weight + int(item.weight),
                units + int(item.units),
            )
    return [(*key, weight, units) for key, (weight, units) in sorted(sums.items())]
