"""What a node's corrected month comes to, more or less than before. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from federation.settlement.clearing import converted
from federation.settlement.computed import ComputedRun
from federation.settlement.plans import Distribution
from federation.settlement.recompute import Corrected
from federation.settlement.run import RunResult, document_rates, owed_by, received_by
from federation.values.licence_key import LicenceKey


class AmountKey(NamedTuple):
    """What a member's amount is for."""

    member: str
    licence: LicenceKey | None
    use: str | None
    source: str


class InForce(NamedTuple):
    """What a node's month came to before the correction."""

    received: int
    domestic: int
    admin_fee: int
    outstanding: dict[str, int]


def shared_more(
    shared: Distribution, before: InForce, changes: Mapping[AmountKey, int]
) -> Distribution:
    """Return what is shared out more, or less where it is below 0, than before the correction."""
    attributed: defaultdict[str, int] = defaultdict(int)
    for key, amount in changes.items():
        attributed[key.member] += amount
    return Distribution(
        received=shared.received - before.received,
        domestic=shared.domestic - before.domestic,
        admin_fee=shared.admin_fee - before.admin_fee,
        lines=(),
        attributed=dict(attributed),
        outstanding={
            reason: shared.outstanding.get(reason, 0) - before.outstanding.get(reason, 0)
            for reason in sorted({*before.outstanding, *shared.outstanding})
        },
        warnings=(),
        checks={},
    )


def domestic_more(before: RunResult, after: RunResult, node: str) -> list[tuple[str, str, int]]:
    """Return the differences of a node's shares in its own licences."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for sign, result in ((-1, before), (1, after)):
        for key, currency, amount in received_by(result.licences, node)[1]:
            sums[key, currency] += sign * amount
    return [(key, currency, amount) for (key, currency), amount in sorted(sums.items())]


def owed_more(item: Corrected, node: str, directly: frozenset[str]) -> int:
    """Return the difference of what a node owes by way of the hub, in its settlement currency."""
    currency = item.new.document.collectives[node].settlement_currency
    return _owed(item.new, node, currency, directly) - _owed(item.old, node, currency, directly)


def _owed(run: ComputedRun, node: str, currency: str, directly: frozenset[str]) -> int:
    owed = [
        (row.licence, row.currency, row.amount)
        for row in owed_by(run.result, node, currency)
        if row.creditor not in directly
    ]
    return converted(owed, currency, document_rates(run.document))
