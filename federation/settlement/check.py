"""The checks an auditor runs on a published run file: everything follows from its bytes alone."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from fractions import Fraction

import msgspec

from federation.errors import RefusalError
from federation.settlement.run import RunResult, compute, document_rates
from federation.settlement.run_document import RunDocument, decode, encode
from federation.values.licence_key import LicenceKey

Check = tuple[int, list[str]]  # how many were examined, what is wrong


def check_run_file(data: bytes) -> dict[str, Check]:
    """Return {check: (examined, violations)}; a file that cannot be computed fails one check."""
    try:
        document = decode(data)
        result = compute(document)
    except RefusalError as refusal:
        return {"computable": (1, [f"{refusal.code}: {refusal.message}"])}
    checks = {name: examine(data, document, result) for name, examine in CHECKS.items()}
    return {"computable": (1, []), **checks}


def _canonical(data: bytes, document: RunDocument) -> Check:
    return 1, [] if encode(document) == data else ["not in canonical form"]


def _any_order(document: RunDocument, result: RunResult) -> Check:
    """Compute again from the same inputs in the opposite order."""
    turned = msgspec.structs.replace(
        document,
        shares_by=document.shares_by[::-1],
        licences=dict(reversed(document.licences.items())),
        collectives=dict(reversed(document.collectives.items())),
        rates=dict(reversed(document.rates.items())),
    )
    wrong = [] if encode(turned) == encode(document) else ["other bytes"]
    return len(document.shares_by), wrong + ([] if compute(turned) == result else ["other results"])


def _rates_used(document: RunDocument, result: RunResult) -> Check:
    """Hold the rates of the file against those its run consults."""
    unused = sorted(document.rates.keys() - result.rates_used.keys())
    return len(document.rates), [f"{currency}: not used" for currency in unused]


def _weights_accounted(document: RunDocument) -> Check:
    """Hold what each licence key says of its weights against the weights that are there."""
    weighed = {key for key, _, _ in document.shares_by}
    wrong = [f"{key} {party}: 0" for key, party, weight in document.shares_by if weight == "0"]
    for number, terms in sorted(document.licences.items()):
        stated = {key: terms.weights_from.get(key, "none") for key in terms.keys(number)}
        wrong += [f"{k}: says {s}" for k, s in stated.items() if (k in weighed) == (s == "none")]
    return len(document.shares_by), wrong


def _shares_sum(result: RunResult) -> Check:
    wrong: list[str] = [
        key
        for key, licence in result.licences.items()
        if sum(licence.shares.values()) + licence.carried_forward != licence.revenue.distributable
    ]
    return len(result.licences), wrong


def _nothing_lost(result: RunResult) -> Check:
    """Fees, shares (held ones too) and what is carried forward are all the money there was."""
    wrong: list[str] = []
    for key, licence in result.licences.items():
        revenue = licence.revenue
        out = revenue.clearing_fee + revenue.collecting_fee
        out += sum(licence.shares.values()) + licence.carried_forward
        if out != revenue.recognised + revenue.brought_forward:
            wrong.append(key)
    return len(result.licences), wrong


def _shares_near_exact(document: RunDocument, result: RunResult) -> Check:
    """Hold each share against the exact one: less than a minor unit away, 0 for weight 0."""
    weights = _weights(document)
    rows = [(key, p) for key, by_party in weights.items() for p in by_party]
    return len(rows), [f"{k} {p}" for k, p in rows if not _is_near(result, weights[k], k, p)]


def _weights(document: RunDocument) -> dict[LicenceKey, dict[str, int]]:
    weights: defaultdict[LicenceKey, dict[str, int]] = defaultdict(dict)
    for key, party, weight in document.shares_by:
        weights[key][party] = int(weight)
    return weights


def _shares_follow_weights(document: RunDocument, result: RunResult) -> Check:
    """Hold shares in the order of their weights: a bigger weight never gets less."""
    wrong: list[str] = []
    for key, weights in _weights(document).items():
        shares, below, most, before = result.licences[key].shares, 0, 0, 0
        for party, weight in sorted(weights.items(), key=lambda row: row[1]):
            share = shares.get(party, 0)
            below = most if weight > before else below  # the most that a smaller weight got
            if share < below:
                wrong.append(f"{key} {party}: {share}, less than {below} for a smaller weight")
            most, before = max(most, share), weight
    return len(document.shares_by), wrong


def _is_near(result: RunResult, weights: Mapping[str, int], key: LicenceKey, party: str) -> bool:
    licence, whole = result.licences[key], sum(weights.values())
    share = licence.shares.get(party, 0)
    if weights[party] == 0:
        return share == 0
    return abs(share - Fraction(licence.revenue.distributable * weights[party], whole)) < 1


def _converted_once(document: RunDocument, result: RunResult) -> Check:
    """Each (debtor, creditor, currency) clears once, at the sum of its obligations."""
    rates, sums = document_rates(document), defaultdict[tuple[str, str, str], int](int)
    for row in result.obligations:
        sums[row.debtor, row.creditor, row.currency] += row.amount
    expected = {key: rates.convert(total, key[2], rates.clearing) for key, total in sums.items()}
    booked = [((row.debtor, row.creditor, row.currency), row.cleared) for row in result.cleared]
    right = dict(booked) == expected and len(booked) == len(expected)
    return len(booked), [] if right else ["a sum is converted twice, wrongly or not at all"]


def _nets(result: RunResult) -> Check:
    total = sum(position.net for position in result.positions.values())
    return len(result.positions), [f"nets sum to {total}"] if total else []


def _nets_within_gross(result: RunResult) -> Check:
    """Netting only takes away: nets are at most what is owed in all, once on each side."""
    gross = sum(row.cleared for row in result.cleared)
    nets = sum(abs(position.net) for position in result.positions.values())
    wrong = [f"nets of {nets}, {gross} owed"] if nets > 2 * gross else []
    return len(result.positions), wrong


CHECKS: Mapping[str, Callable[[bytes, RunDocument, RunResult], Check]] = {
    "canonical_bytes": lambda data, document, _: _canonical(data, document),
    "any_order_same_run": lambda _, document, result: _any_order(document, result),
    "rates_used": lambda _, document, result: _rates_used(document, result),
    "weights_accounted": lambda _, document, __: _weights_accounted(document),
    "shares_sum_to_distributable": lambda _, __, result: _shares_sum(result),
    "nothing_lost": lambda _, __, result: _nothing_lost(result),
    "shares_near_exact": lambda _, document, result: _shares_near_exact(document, result),
    "shares_follow_weights": lambda _, document, result: _shares_follow_weights(document, result),
    "converted_once": lambda _, document, result: _converted_once(document, result),
    "nets_sum_to_zero": lambda _, __, result: _nets(result),
    "nets_within_gross": lambda _, __, result: _nets_within_gross(result),
}
