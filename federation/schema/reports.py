"""Usage reports in GraphQL: when they are due, which came, which are declared missing."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation.metering import store as usage
from federation.metering.month import round_begun_on
from federation.runs import missing_reports as service
from federation.runs import store as runs
from federation.runs.calendar import due
from federation.runs.tables import MissingReport as MissingReportRow
from federation.schema.context import Change, Info, Refused, change
from federation.server import hub_config
from federation.values.month import parse_month
from federation.values.roles import (
    MAY_PREPARE,
    MAY_PREPARE_OR_APPROVE,
    MAY_READ_BOOKS,
)


@strawberry.type(description="A report declared missing; it counts once a second person confirms.")
class MissingReport:
    """Who declared a node's report missing and why, and who confirmed it."""

    period: str
    node: str
    reason: str
    declared_by: str
    confirmed_by: str | None

    @classmethod
    def of(cls, row: MissingReportRow) -> "MissingReport":
        """Show a declaration."""
        return cls(
            period=row.period,
            node=row.node,
            reason=row.reason,
            declared_by=row.declared_by,
            confirmed_by=row.confirmed_by,
        )


@strawberry.type(description="A sender's usage report of a month.")
class ExpectedReport:
    """When a report is due, and the one that came; `missing` once two people declared it so."""

    node: str
    due_on: date
    reminders: list[date]
    sequence: int | None
    sha256: str | None
    received_at: datetime | None
    missing: bool


MissingReportResult = Annotated[MissingReport | Refused, strawberry.union("MissingReportResult")]


@strawberry.type
class ReportQuery:
    """The hub's view of the reports of a month."""

    @strawberry.field(description="The usage reports of a month: due, reminders, what came.")
    async def expected_reports(self, info: Info, period: str) -> list[ExpectedReport]:
        """List one row per node that takes part in a month, by code."""
        info.context.whose(MAY_READ_BOOKS)
        month, calendar = parse_month(period), hub_config(info.context.server).calendar
        async with info.context.server.db.read() as session:
            progress = await usage.progress(session, month)
            reports = await usage.latest_reports(session, month)
            begun_on = await round_begun_on(session, month)
        found: list[ExpectedReport] = []
        for node, item in sorted(progress.items()):
            deadline, report = due(calendar, month, node, begun_on), reports.get(node)
            found.append(
                ExpectedReport(
                    node=node,
                    due_on=deadline.due_on,
                    reminders=list(deadline.reminders),
                    sequence=report.sequence if report else None,
                    sha256=report.digest if report else None,
                    received_at=report.recorded_at if report else None,
                    missing=item.missing,
                )
            )
        return found

    @strawberry.field(description="Reports of a month that were declared missing.")
    async def missing_reports(self, info: Info, period: str) -> list[MissingReport]:
        """List what was declared, confirmed or not."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            rows = await runs.missing_reports(session, parse_month(period))
        return [MissingReport.of(row) for row in rows.values()]


@strawberry.type
class ReportMutation:
    """What the hub's staff do about a report that is missing."""

    @strawberry.mutation(description="Remind a node of the usage report it owes.")
    async def remind(
        self, info: Info, period: str, node: str
    ) -> Annotated[ExpectedReport | Refused, strawberry.union("RemindResult")]:
        """Send a reminder; refused where nothing is owed (NOT_MISSING)."""

        async def act(at: Change) -> ExpectedReport:
            month, calendar = parse_month(period), hub_config(at.server).calendar
            deadline = await service.remind(at.session, calendar, month, node, at.now)
            return ExpectedReport(
                node=node,
                due_on=deadline.due_on,
                reminders=list(deadline.reminders),
                sequence=None,
                sha256=None,
                received_at=None,
                missing=False,
            )

        return await change(info, "report.remind", MAY_PREPARE, act)

    @strawberry.mutation(description="Declare a node's usage report missing, with a reason.")
    async def declare_missing(
        self, info: Info, period: str, node: str, reason: str
    ) -> MissingReportResult:
        """Declare it; another person must confirm (NOT_MISSING, REASON)."""

        async def act(at: Change) -> MissingReport:
            month = parse_month(period)
            row = await service.declare_missing(at.session, month, node, reason, at.who, at.now)
            return MissingReport.of(row)

        return await change(info, "report.declare_missing", MAY_PREPARE_OR_APPROVE, act)

    @strawberry.mutation(description="Confirm as another person: the month goes on without it.")
    async def confirm_missing(self, info: Info, period: str, node: str) -> MissingReportResult:
        """Let the month go on without it (NOT_MISSING, SAME_PERSON)."""

        async def act(at: Change) -> MissingReport:
            month = parse_month(period)
            row = await service.confirm_missing(at.session, month, node, at.who, at.now)
            return MissingReport.of(row)

        return await change(info, "report.confirm_missing", MAY_PREPARE_OR_APPROVE, act)
