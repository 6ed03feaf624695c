"""Why a remittance is what it is where debtors left its month's net (SETTLEMENT §5). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from federation.netting import positions as netting
from federation.netting.positions import Recomputed
from federation.proof.why import Step
from federation.settlement.clearing import Clearing
from federation.settlement.rates import Rates
from federation.settlement.run import RunResult, document_rates
from federation.settlement.run_document import RunDocument
from federation.values.party import HUB

CONVERTED = "SETTLEMENT §5: each sum is converted once; §0: at the published rate"
ROUNDED = "SETTLEMENT §5: what one conversion of the net differs from those of its parts"
LEFT = "SETTLEMENT §5: without a debtor that did not pay, the others are netted anew"
DIRECTLY = "SETTLEMENT §5: what lay with a debtor that left the net is settled between the two"


@dataclass(frozen=True, slots=True)
class Net:
    """A settled month, and who left its net in the order in which they did."""

    document: RunDocument
    result: RunResult
    left: Sequence[str]

    def currency(self, node: str) -> str:
        """Return a node's settlement currency."""
        return self.document.collectives[node].settlement_currency


def obligations(
    rows: Iterable[Clearing],
    rates: Rates,
    *,
    party: str,
    sign: int,
    total: int,
    currency: str,
    refs: Mapping[Clearing, Mapping[str, str]] | None = None,
) -> tuple[Step, ...]:
    """Return a step for each sum owed, in a currency, and one for what conversion leaves.

    With `sign` 1 what `party` is owed is positive, with -1 what it owes; they add up to `total`.
    """
    steps: list[Step] = []
    for row in rows:
        cleared = row.cleared if row.creditor == party else -row.cleared
        amount = rates.convert(abs(cleared), rates.clearing, currency)
        said = {
            "owed": f"{row.amount} {row.currency}",
            "cleared": f"{row.cleared} {rates.clearing}",
        }
        steps.append(
            Step(
                f"{row.debtor} to {row.creditor} from {row.currency}",
                sign * (amount if cleared >= 0 else -amount),
                currency,
                CONVERTED,
                said | dict((refs or {}).get(row, {})),
            )
        )
    rest = total - sum(step.amount for step in steps)
    if rest:
        steps.append(Step("Rounding", rest, currency, ROUNDED))
    return tuple(steps)


def remittances(
    net: Net, payer: str, payee: str, original: Sequence[Step]
) -> Iterator[tuple[str, list[Step]]]:
    """Yield (debtor that left, steps of what one pays another since then), in their order.

    `original` are the steps of a node's remittance with the hub as the run had it; of what is
    settled apart, or between two, the steps are the difference or the pair alone.
    """
    steps = list(original)
    node, sign = (payee, 1) if payer == HUB else (payer, -1)
    for place, debtor in enumerate(net.left):
        found = netting.recompute(net.document, net.result, net.left[:place], debtor)
        if debtor in (payer, payee):
            yield debtor, _directly(net, found, payer, payee)
            return
        if HUB not in (payer, payee):
            continue
        step = _without(net, found, node, sign)
        if not step.steps:
            continue
        steps.append(step)
        yield debtor, list(steps) if node in found.replaced else [step]


def _without(net: Net, found: Recomputed, node: str, sign: int) -> Step:
    """Explain what a node's remittance changed by when a debtor left."""
    change = sign * (found.after[node].remittance - found.before[node].remittance)
    currency = net.currency(node)
    pair = {node, found.debtor}
    rows = [row for row in net.result.cleared if {row.debtor, row.creditor} == pair]
    lines = obligations(
        rows,
        document_rates(net.document),
        party=node,
        sign=-sign,
        total=change,
        currency=currency,
    )
    refs = {"net_before": str(found.before[node].net), "net_after": str(found.after[node].net)}
    return Step(f"{found.debtor} left the net", change, currency, LEFT, refs, lines)


def _directly(net: Net, found: Recomputed, payer: str, payee: str) -> list[Step]:
    """Explain what a debtor that left and another settle between them."""
    other = payee if payer == found.debtor else payer
    row = found.bilateral.get(other)
    if row is None:
        return []
    if other in {HUB, payer}:
        currency, total = net.currency(found.debtor), abs(row.to_debtor)
    else:
        currency, total = net.currency(other), row.to_other
    pair = {payer, payee}
    lines = obligations(
        [line for line in net.result.cleared if {line.debtor, line.creditor} == pair],
        document_rates(net.document),
        party=payee,
        sign=1,
        total=total,
        currency=currency,
    )
    refs = {"cleared": str(row.cleared), "debtor": found.debtor}
    label = f"Between {payer} and {payee} since {found.debtor} left the net"
    return [Step(label, total, currency, DIRECTLY, refs, lines)]
