"""What a node's usage report may say, checked whole before any of it is kept.

A node states its own weights. Of others it may state what its members' copies weigh for their
canonical claims: a positive weight, for a claim that collective has, of lines that it had itself.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

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
    WHOLE_BPS,
)
from federation.registry import index_store
from federation.store.sessions import ReadSession
from federation.trust.membership import HubTerms
from federation.trust.store import node_parties
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
        """Refuse a row of a licence or use that is not there, or too heavy for its units."""
        if row.use not in self.uses.get(row.licence, ()):
            raise BadReportError(f"{row.licence} licenses no {row.use}")
        if int(row.weight) > int(row.units) * self.heaviest.get(row.use, 0):
            raise BadReportError(f"{row.licence} {row.use}: {row.units} units cannot weigh so much")


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
    _check_units(report)
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
    if row.claim_id is None or not int(row.weight) or not int(row.units):
        raise BadReportError(f"{row.licence}: a weight for {row.node} without a claim or of 0")


def _require_once(keys: Iterable[tuple[str, ...]]) -> None:
    seen = set[tuple[str, ...]]()
    for key in keys:
        if key in seen:
            raise BadReportError(f"twice: {' '.join(key)[:200]}")
        seen.add(key)


def _check_units(report: UsageReport) -> None:
    """What is stated of others, or held, is of lines that the reporter had."""
    had = {name: int(units) for name, (_, units) in report.classes.items()}
    matched = had.get(MATCHED, 0)
    for_others = sum(int(row.units) for row in report.weights if row.node != report.party)
    if for_others > matched:
        raise BadReportError(f"{for_others} units for other collectives, {matched} were matched")
    held = sum(int(row.units) for row in report.held)
    may_be_held = matched + had.get(UNMATCHED, 0) + had.get(DISPUTED, 0)
    if held > may_be_held:
        raise BadReportError(f"{held} units are held, {may_be_held} can be")


async def _check_claims(session: ReadSession, report: UsageReport) -> None:
    """Each canonical claim is in the claim index, and of the collective it is stated for."""
    named = {
        (row.node, row.claim_id)
        for row in report.weights
        if row.claim_id is not None and row.claim_id != DISPUTED_PARTY
    }
    known = await index_store.known_claims(session, {claim_id for _, claim_id in named})
    for node, claim_id in sorted(named - known):
        raise BadReportError(f"{node} has no claim {claim_id}")
