"""What is true of the usage behind each settled month: every line counted once (I12, I13)."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from federation.metering import lines as usage_lines
from federation.metering import store as metering
from federation.metering import totals as usage_totals
from federation.metering.messages import UsageReport
from federation.proof.invariants.examining import Settled
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.values.party import HUB

Classes = Mapping[str, tuple[int, int]]  # {class: (lines, units)}


async def usage_conserved(session: ReadSession, run: Settled) -> Check | None:
    """I13: every class of the run is the sum of the classes of the reports it was built on.

    A later round brings new reports; the run stands on those whose digests it names, and on one
    of the hub's own.
    """
    if run.here != HUB:
        return None
    stated = {name: (lines, int(units)) for name, (lines, units) in run.document.classes.items()}
    nodes: dict[str, tuple[int, int]] = {}
    own: list[Classes] = []
    missing = set(run.document.reports)
    for row in await metering.reports(session, run.period):
        report = msgspec.json.decode(row.body, type=UsageReport)
        classes = {name: (lines, int(units)) for name, (lines, units) in report.classes.items()}
        if row.party == HUB:
            own.append(classes)
        elif run.document.reports.get(row.party) == row.digest:
            missing.discard(row.party)
            nodes = _sum(nodes, classes)
    wrong = [f"{party}: its report is not here" for party in sorted(missing)]
    candidates = [_sum(nodes, classes) for classes in own]
    if stated not in candidates:
        last = candidates[-1] if candidates else nodes
        names = {*last, *stated}
        wrong += sorted(name for name in names if last.get(name) != stated.get(name))
    return len(stated), wrong


def _sum(one: Classes, other: Classes) -> dict[str, tuple[int, int]]:
    sums: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0), one)
    for name, (lines, units) in other.items():
        counted, total = sums[name]
        sums[name] = (counted + lines, total + units)
    return dict(sums)


async def lines_conserved(session: ReadSession, run: Settled) -> Check | None:
    """I13: the classes this node reported last are the verdicts it stored, line by line."""
    if run.distribution is None:
        return None
    row = await metering.find_period(session, run.period)
    if row is not None and row.state != "REPORTED":
        # What came late gets its verdicts now; a node that was missing has a run before a report.
        return None
    reports = await metering.latest_reports(session, run.period)
    if run.here not in reports:
        return 0, ["no report"]
    report = msgspec.json.decode(reports[run.here].body, type=UsageReport)
    stored = await usage_lines.classes(session, run.period)
    reported = {name: (lines, int(units)) for name, (lines, units) in report.classes.items()}
    wrong = [name for name in {*stored, *reported} if stored.get(name) != reported.get(name)]
    return sum(lines for lines, _ in stored.values()), sorted(wrong)


async def lines_counted_once(session: ReadSession, run: Settled) -> Check | None:
    """I12: each line of the month that was placed here is in exactly one total, with its units."""
    row = await metering.find_period(session, run.period)
    if row is None or row.state not in {"REPORTED", "COMPLETE"}:
        return None
    placed = await usage_lines.placed_lines(session, run.period)
    totals = await usage_totals.total_lines(session, run.period)
    wrong = [
        f"{licence} {use} {verdict}: {placed.get((licence, use, verdict), (0, 0))} lines and "
        f"units, {totals.get((licence, use, verdict), (0, 0))} counted"
        for licence, use, verdict in {*placed, *totals}
        if placed.get((licence, use, verdict), (0, 0))
        != totals.get((licence, use, verdict), (0, 0))
    ]
    return sum(lines for lines, _ in placed.values()), sorted(wrong)
