"""What a node's usage report may say, checked whole before any of it is kept.

A node states its own weights. Of others it may state what its members' copies weigh for their
canonical claims: a positive weight, for a claim that collective has, of lines that it had itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from federation.claimindex import delta_store
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering.messages import ReportHeld, ReportWeight, UsageReport
from federation.metering.verdicts import (
    CONFLICT,
    DUPLICATE,
    MALFORMED,
    MATCHED,
    NOT_REPRESENTED,
    OTHER_SOURCE,
    OUT_OF_SCOPE,
    OUTSIDE_TERM,
    RESERVED,
    UNKNOWN_LICENCE,
)
from federation.store.sessions import ReadSession
from federation.trust.membership import HubTerms
from federation.trust.store import node_parties
from federation.values.bps import WHOLE_BPS
from federation.values.held import DISPUTED, DISPUTED_PARTY, UNMATCHED

CLASSES = frozenset(
    {
        MALFORMED,
        UNKNOWN_LICENCE,
        DUPLICATE,
        CONFLICT,
        OTHER_SOURCE,
        OUTSIDE_TERM,
        OUT_OF_SCOPE,
        RESERVED,
        UNMATCHED,
        NOT_REPRESENTED,
        DISPUTED,
        MATCHED,
    }
)

COUNTED = (MATCHED, UNMATCHED, DISPUTED)  # the classes whose lines weigh


class BadReportError(RefusalError):
    """This usage report says what its sender cannot say."""

    code: ClassVar[str] = "BAD_REPORT"


@dataclass(frozen=True, slots=True)
class _Known:
    """What a report is held against: nodes, the uses of each licence key, the terms' weights."""

    sender: str
    nodes: Collection[str]
    uses: Mapping[str, Collection[str]]
    heaviest: Mapping[str, int]

    def check(self, row: ReportWeight | ReportHeld) -> None:
        """Refuse a row of a licence or use that is not there."""
        if row.use not in self.uses.get(row.licence, ()):
            raise BadReportError(f"{row.licence} licenses no {row.use}")


async def check_report(
    session: ReadSession, node: str, report: UsageReport, terms: HubTerms
) -> None:
    """Refuse a report that a node cannot make: BadReportError names the first thing wrong."""
    if report.party != node:
        raise BadReportError(f"{node} reports for {report.party}")
    for name in report.classes.keys() - CLASSES:
        raise BadReportError(f"no class of usage: {name}")
    known = await _known(session, node, terms)
    for row in report.weights:
        known.check(row)
        _check_party(known, row)
    for held in report.held:
        known.check(held)
    _require_once((row.licence, row.use, row.node, row.claim_id or "") for row in report.weights)
    _require_once((row.licence, row.use, row.party, row.url_key) for row in report.held)
    _check_units(known, report)
    await _check_claims(session, report)


async def _known(session: ReadSession, node: str, terms: HubTerms) -> _Known:
    facts: list[LicenceFacts] = [
        licensing.facts(row) for row in await licensing.all_licences(session)
    ]
    tier = max(terms.tier_weight.values(), default=0)
    return _Known(
        sender=node,
        nodes={party.code for party in await node_parties(session)},
        uses={fact.key(part): part.uses for fact in facts for part in fact.components},
        heaviest={use: tier * weight * WHOLE_BPS for use, weight in terms.use_weight.items()},
    )


def _check_party(known: _Known, row: ReportWeight) -> None:
    """A weight of one's own names no claim; that of another is positive and names one."""
    if row.node == known.sender:
        if row.claim_id is not None:
            raise BadReportError(f"{row.licence}: a weight of its own for a claim")
        return
    if row.node not in known.nodes:
        raise BadReportError(f"{row.licence}: a weight for {row.node}, who is not admitted")
    if row.claim_id is None or not int(row.weight):
        raise BadReportError(f"{row.licence}: a weight for {row.node} without a claim or of 0")


def _require_once(keys: Iterable[tuple[str, ...]]) -> None:
    seen = set[tuple[str, ...]]()
    for key in keys:
        if key in seen:
            raise BadReportError(f"twice: {' '.join(key)[:200]}")
        seen.add(key)


def _check_units(known: _Known, report: UsageReport) -> None:
    """What is stated is of lines that the reporter had, and weighs no more than they can.

    The units of a line stand with the first of its parts, so that parts are judged together.
    """
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    rows: list[ReportWeight | ReportHeld] = [*report.weights, *report.held]
    for row in rows:
        total = sums[row.licence, row.use]
        total[0] += int(row.units)
        total[1] += int(row.weight)
    for (licence, use), (units, weight) in sorted(sums.items()):
        if weight > units * known.heaviest.get(use, 0):
            raise BadReportError(f"{licence} {use}: {units} units cannot weigh {weight}")
    had = sum(int(report.classes[name][1]) for name in COUNTED if name in report.classes)
    stated = sum(units for units, _ in sums.values())
    if stated > had:
        raise BadReportError(f"{stated} units weigh, {had} were counted")


async def _check_claims(session: ReadSession, report: UsageReport) -> None:
    """Each canonical claim is in the claim index, and of the collective it is stated for."""
    named = {
        (row.node, row.claim_id)
        for row in report.weights
        if row.claim_id is not None and row.claim_id != DISPUTED_PARTY
    }
    known = await delta_store.claims_ever_known(session, {claim_id for _, claim_id in named})
    for node, claim_id in sorted(named - known):
        raise BadReportError(f"{node} has no claim {claim_id}")
