"""A run shared out by a node: what its members get of it, line by line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from federation.distribution.inputs import MemberUse, member_weights, node_inputs
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.computed import ComputedRun
from federation.settlement.plans import (
    Distribution,
    MemberFacts,
    MemberLine,
    NodeInputs,
    distribute,
)
from federation.settlement.run_document import CollectiveInRun
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

# period, member, licence, use, units, source, part, amount, currency
AmountRow = tuple[Month, str, LicenceKey | None, str | None, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class SharedRun:
    """A run, what the node `code` distributes of it, and what comes of that."""

    code: str
    run: ComputedRun
    weights: MemberUse
    inputs: NodeInputs
    result: Distribution

    @property
    def period(self) -> Month:
        """The month of the run."""
        return self.run.document.period

    @property
    def agreed(self) -> CollectiveInRun:
        """The node's terms in this run."""
        return self.run.document.collectives[self.code]


async def share_out(
    session: ReadSession,
    code: str,
    run: ComputedRun,
    members: Sequence[MemberFacts] | None = None,
) -> SharedRun:
    """Share a run out among a node's members, as they stand or as they stood, if given."""
    weights = await member_weights(session, code, run.document)
    inputs = await node_inputs(session, code, run, weights, members)
    return SharedRun(code, run, weights, inputs, distribute(inputs))


def amount_rows(shared: SharedRun) -> Iterable[AmountRow]:
    """Yield one row per member, licence, use and source; bases and tiers belong to no licence."""
    period, currency = shared.period, shared.agreed.settlement_currency
    for line in sorted(shared.result.lines, key=_line_order):
        if line.licence is None:
            yield (
                period,
                line.member,
                None,
                None,
                "0",
                line.source,
                line.part,
                str(line.amount),
                currency,
            )
            continue
        uses = shared.weights[line.licence][line.member]
        split = largest_remainder(
            line.amount,
            {use: weight for use, (weight, _) in uses.items()},
            scope=f"{period}/{shared.code}/{line.licence}/{line.member}",
        )
        for use, amount in sorted(split.items()):
            yield (
                period,
                line.member,
                line.licence,
                use,
                str(uses[use][1]),
                line.source,
                line.part,
                str(amount),
                currency,
            )


def _line_order(line: MemberLine) -> tuple[str, str, str, str]:
    return (line.member, line.licence or "", line.source, line.part)
