"""What the nodes are told of a run beside its document: credits, held weights, weights per use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from federation.metering.messages import UsageReport
from federation.months.held import held_by_licensor
from federation.settlement.messages import Credit, Held, UseWeight
from federation.settlement.run_document import RunDocument
from federation.settlement.weights import use_weights
from federation.store.sessions import ReadSession
from federation.values.licence_key import number_of


@dataclass(frozen=True, slots=True)
class Told:
    """Each by party code; who is not named is told nothing of it. The hub itself holds, too."""

    credits: dict[str, list[Credit]]
    held: dict[str, list[Held]]
    uses: dict[str, list[UseWeight]]


async def told_of(
    session: ReadSession, document: RunDocument, reports: Sequence[UsageReport]
) -> Told:
    """Return what everybody is told of a run; `reports` are those of its month."""
    return Told(
        credits=credits_of(reports),
        held=await held_by_licensor(session, document, reports),
        uses=_uses(document, reports),
    )


def credits_of(reports: Iterable[UsageReport]) -> dict[str, list[Credit]]:
    """Return what other nodes' copies carry for a node's claims, by that node's code."""
    found: dict[str, list[Credit]] = {}
    for report in reports:
        for item in report.weights:
            if item.claim_id is not None and item.node != report.party:
                credit = Credit(
                    item.licence, item.use, item.claim_id, item.weight, item.units, report.party
                )
                found.setdefault(item.node, []).append(credit)
    return found


def _uses(document: RunDocument, reports: Sequence[UsageReport]) -> dict[str, list[UseWeight]]:
    """Return what usage weighs per use for a node, and in its own licences for everybody.

    A licence that was sold after its month was settled is in later reports, not in the document.
    """
    found: dict[str, list[UseWeight]] = {}
    for key, party, use, weight, units in use_weights(reports):
        licence = document.licences.get(number_of(key))
        if licence is not None:
            row = UseWeight(key, party, use, str(weight), str(units))
            for node in {party, licence.licensor}:
                found.setdefault(node, []).append(row)
    return found
