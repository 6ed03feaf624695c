"""What waits in the life of months: why, whose turn it is, and until when."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from federation.config import Calendar
from federation.metering import lines as usage_lines
from federation.metering import store as metering
from federation.metering.month import round_begun_on
from federation.metering.tables import MeteringPeriod, Progress, Report
from federation.months import store as months
from federation.months.tables import Run
from federation.runs import store
from federation.runs.calendar import Due, due
from federation.store.sessions import ReadSession
from federation.values.month import Month
from federation.values.party import HUB
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted

# What a node does for a month, by the month's state there. (Practice waits while a node is at work:
# it knows these texts; tests/practice holds both.)
AT_NODE = {
    "CUT_OFF": "sends on what belongs to others",
    "FORWARDED": "waits for what others send on",
    "COMPLETE": "makes its usage report",
}


async def of_months(
    session: ReadSession,
    here: str,
    calendar: Calendar | None,
    now: datetime,
    failed: Mapping[Month, str],
) -> list[WorkItem]:
    """Return what waits in the life of months; the calendar is the hub's.

    `failed` says of months why this node's last step failed: it is tried again, and logged.
    """
    items: list[WorkItem] = []
    awaited = set[str]()
    locked = await months.locked_periods(session)
    for row in await metering.periods_in(session, ["CUT_OFF", "FORWARDED", "COMPLETE"]):
        progress = await metering.progress(session, row.period)
        reports = await metering.latest_reports(session, row.period)
        if calendar is None:
            items.append(_at_node(row, here, failed.get(row.period)))
        else:
            begun_on = await round_begun_on(session, row.period)
            deadlines = {node: due(calendar, row.period, node, begun_on) for node in progress}
            missing = list(_missing(row, progress, reports, deadlines, now))
            awaited |= {item.subject for item in missing}
            items += missing
    for declared in await store.unconfirmed(session):
        if f"{declared.period} {declared.node}" not in awaited:
            continue  # its report came after all
        why = f"{declared.node} declared missing by {declared.declared_by}: {declared.reason}"
        items.append(WorkItem("missing report", declared.period, why, Role.SETTLEMENT_APPROVER))
    for row in await metering.periods_in(session, ["REPORTED"]):
        if calendar is not None and row.period not in locked:
            run = await months.open_run(session, row.period)
            if run is None:
                why = f"{await _what_is_in(session, row.period)}: to be calculated"
                items.append(WorkItem("run", row.period, why, Role.SETTLEMENT_OFFICER))
    for run in await months.open_runs(session):
        items += await _run(session, run, here, now)
    for period, (lines, units) in sorted((await usage_lines.late_lines(session)).items()):
        why = f"{counted(lines, 'line')} ({counted(units, 'unit')}) came after the cut-off"
        turn = Role.SETTLEMENT_OFFICER if calendar else HUB
        items.append(WorkItem("late usage", period, why, turn))
    return items


def _at_node(row: MeteringPeriod, here: str, failed: str | None) -> WorkItem:
    turn = "nodes" if row.state == "FORWARDED" else here
    why = f"{here} {AT_NODE[row.state]}"
    return WorkItem("month", row.period, f"{why}, but: {failed}" if failed else why, turn)


async def _what_is_in(session: ReadSession, period: Month) -> str:
    """Say that all reports are in; a node that two people declared missing has none."""
    progress = await metering.progress(session, period)
    without = sorted(progress.keys() - (await metering.latest_reports(session, period)).keys())
    return (
        f"all reports but that of {', '.join(without)} are in" if without else "all reports are in"
    )


def _missing(
    row: MeteringPeriod,
    progress: Mapping[str, Progress],
    reports: Mapping[str, Report],
    deadlines: Mapping[str, Due],
    now: datetime,
) -> Iterator[WorkItem]:
    behind = [
        node
        for node, item in sorted(progress.items())
        if item.forwarded_lines is None and not item.missing
    ]
    for node, item in sorted(progress.items()):
        is_in = node in reports and reports[node].sequence > row.round
        if is_in or item.missing:
            continue
        deadline = deadlines[node]
        day = now.date()
        overdue = (day - deadline.due_on).days
        if behind and node not in behind:  # it did its part; a report needs everybody's
            why = f"waits for {', '.join(behind)}"
        elif overdue > 0:
            why = f"overdue by {counted(overdue, 'day')}"
        elif day in deadline.reminders:
            why = "remind it today"
        else:
            why = "not in yet"
        turn = node if node in behind or not behind else ", ".join(behind)
        yield WorkItem("usage report", f"{row.period} {node}", why, turn, deadline.due_on)


async def _run(session: ReadSession, run: Run, here: str, now: datetime) -> list[WorkItem]:
    subject = f"{run.period} {run.run_id[:16]}"
    if run.state == "CALCULATED":
        return [WorkItem("run", subject, "to be advised to the nodes", Role.SETTLEMENT_OFFICER)]
    answers = await store.responses(session, run.run_id)
    objections = [
        WorkItem("objection", subject, f"{node}: {row.reason}", Role.SETTLEMENT_OFFICER)
        for node, row in answers.items()
        if row.answer == "OBJECTED" and row.settled_by is None
    ]
    until = run.objections_until
    if here != HUB:
        waits = until is not None and now < until and here not in answers
        why = "concur or object; silence concurs"
        return [WorkItem("run", subject, why, Role.SETTLEMENT_OFFICER, until)] if waits else []
    if until is not None and now < until:
        return [*objections, WorkItem("run", subject, "nodes may object", "nodes", until)]
    why = f"to be approved by somebody else than {run.calculated_by}"
    return [*objections, WorkItem("run", subject, why, Role.SETTLEMENT_APPROVER)]
