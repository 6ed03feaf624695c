"""A month's life in GraphQL: who is missing, what nodes say, what changed, what waits."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation import money
from federation.banking.worklist import of_banking
from federation.config import HubConfig
from federation.metering import store as usage
from federation.months import store as months
from federation.payments.worklist import of_payments
from federation.runs import missing_reports as service
from federation.runs import objections, worklist
from federation.runs import store as runs
from federation.runs.calendar import due
from federation.runs.service import UnknownRunError
from federation.runs.tables import MissingReport as MissingReportRow
from federation.runs.tables import Response as ResponseRow
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import Money
from federation.schema.settlement import APPROVER, OFFICER, READERS
from federation.server import hub_config
from federation.settlement import run_diff as diff
from federation.settlement.run_document import RunDocument, decode
from federation.suspense.worklist import of_suspense
from federation.values.month import parse_month

DIFFERENCES_MAX = 10_000


@strawberry.type(description="What waits: why, whose turn it is (a role or a party), until when.")
class WorkItem:
    """An item of the work-list."""

    kind: str
    subject: str
    why: str
    turn: str
    until: str | None


@strawberry.type(description="A report declared missing; it counts once a second person confirms.")
class MissingReport:
    """A declaration."""

    period: str
    node: str
    reason: str
    declared_by: str
    confirmed_by: str | None

    @classmethod
    def of(cls, row: MissingReportRow) -> "MissingReport":
        """Show a row."""
        return cls(
            period=row.period,
            node=row.node,
            reason=row.reason,
            declared_by=row.declared_by,
            confirmed_by=row.confirmed_by,
        )


@strawberry.type(description="What a node says to an advised run: CONCURRED or OBJECTED.")
class RunAnswer:
    """An answer."""

    run_id: str
    node: str
    answer: str
    reason: str | None
    given_at: datetime
    settled_by: str | None
    outcome: str | None

    @classmethod
    def of(cls, row: ResponseRow) -> "RunAnswer":
        """Show a row."""
        return cls(
            run_id=row.run_id,
            node=row.node,
            answer=row.answer,
            reason=row.reason,
            given_at=row.given_at,
            settled_by=row.settled_by,
            outcome=row.outcome,
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


@strawberry.type(description="What differs between two runs: before, after, and the difference.")
class RunDifference:
    """A share (with its licence) or a net (without)."""

    licence: str | None
    party: str
    old: Money
    new: Money
    difference: Money


@strawberry.type(description="An input that is not what it was.")
class RunCause:
    """Why two runs differ."""

    kind: str
    name: str
    old: str
    new: str


@strawberry.type(description="Two runs of a month side by side; without an old one all is new.")
class RunDiff:
    """A comparison."""

    shares: list[RunDifference]
    nets: list[RunDifference]
    causes: list[RunCause]


MissingReportResult = Annotated[MissingReport | Refused, strawberry.union("MissingReportResult")]
RunAnswerResult = Annotated[RunAnswer | Refused, strawberry.union("RunAnswerResult")]


def _difference(row: diff.Difference) -> RunDifference:
    def amount(minor: int) -> Money:
        return Money.of(money.Money(minor, row.currency))

    return RunDifference(
        licence=row.licence,
        party=row.party,
        old=amount(row.old),
        new=amount(row.new),
        difference=amount(row.difference),
    )


@strawberry.type
class WorkListQuery:
    """What waits, on every server."""

    @strawberry.field(description="Everything that waits here: why, whose turn, until when.")
    async def work_list(self, info: Info) -> list[WorkItem]:
        """List what waits."""
        info.context.require(*READERS, "node_operator")
        server = info.context.server
        calendar = server.config.calendar if isinstance(server.config, HubConfig) else None
        async with server.db.read() as session:
            items = [
                *await worklist.of_months(session, server.code, calendar, server.clock()),
                *await of_payments(session, server.clock()),
                *await of_suspense(session, server.code),
                *await of_banking(session),
            ]
        return [
            WorkItem(
                kind=item.kind,
                subject=item.subject,
                why=item.why,
                turn=item.turn,
                until=item.until.isoformat() if item.until else None,
            )
            for item in items
        ]

    @strawberry.field(description="What nodes said to a run.")
    async def run_answers(self, info: Info, run_id: str) -> list[RunAnswer]:
        """List answers."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            rows = await runs.responses(session, run_id)
        return [RunAnswer.of(row) for row in rows.values()]

    @strawberry.field(description="Compare two runs of a month: what changed, and which inputs.")
    async def run_diff(self, info: Info, new: str, old: str | None = None) -> RunDiff:
        """Compare runs; without `old` everything is new."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            documents: list[RunDocument] = []
            for name in [new, *([old] if old else [])]:
                row = await months.any_run(session, name)
                if row is None:
                    raise UnknownRunError(name)
                documents.append(decode(row.document))
        found = diff.compare(documents[1] if old else None, documents[0])
        return RunDiff(
            shares=[_difference(row) for row in found.shares[:DIFFERENCES_MAX]],
            nets=[_difference(row) for row in found.nets],
            causes=[
                RunCause(kind=cause.kind, name=cause.name, old=cause.old, new=cause.new)
                for cause in found.causes[:DIFFERENCES_MAX]
            ],
        )


@strawberry.type
class ClosingQuery:
    """The hub's view of a month that is being closed."""

    @strawberry.field(description="The usage reports of a month: due, reminders, what came.")
    async def expected_reports(self, info: Info, period: str) -> list[ExpectedReport]:
        """List expected reports."""
        info.context.require(*READERS)
        month, calendar = parse_month(period), hub_config(info.context.server).calendar
        async with info.context.server.db.read() as session:
            progress = await usage.progress(session, month)
            reports = await usage.latest_reports(session, month)
        found: list[ExpectedReport] = []
        for node, item in sorted(progress.items()):
            deadline, report = due(calendar, month, node), reports.get(node)
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
        """List declarations."""
        info.context.require(*READERS)
        month = parse_month(period)
        async with info.context.server.db.read() as session:
            rows = await runs.missing_reports(session, month)
        return [MissingReport.of(row) for row in rows.values()]


@strawberry.type
class ClosingMutation:
    """What the hub's staff do about what is missing and what nodes say."""

    @strawberry.mutation(description="Remind a node of the usage report it owes.")
    async def remind(
        self, info: Info, period: str, node: str
    ) -> Annotated[ExpectedReport | Refused, strawberry.union("RemindResult")]:
        """Remind a node."""

        async def act(at: Change) -> ExpectedReport:
            month, calendar = parse_month(period), hub_config(at.server).calendar
            await service.remind(at.session, calendar, month, node, at.now)
            deadline = due(calendar, month, node)
            return ExpectedReport(
                node=node,
                due_on=deadline.due_on,
                reminders=list(deadline.reminders),
                sequence=None,
                sha256=None,
                received_at=None,
                missing=False,
            )

        return await change(info, "report.remind", OFFICER, act)

    @strawberry.mutation(description="Declare a node's usage report missing, with a reason.")
    async def declare_missing(
        self, info: Info, period: str, node: str, reason: str
    ) -> MissingReportResult:
        """Declare."""

        async def act(at: Change) -> MissingReport:
            month = parse_month(period)
            row = await service.declare_missing(at.session, month, node, reason, at.who, at.now)
            return MissingReport.of(row)

        return await change(info, "report.declare_missing", (*OFFICER, *APPROVER), act)

    @strawberry.mutation(description="Confirm as another person: the month goes on without it.")
    async def confirm_missing(self, info: Info, period: str, node: str) -> MissingReportResult:
        """Confirm."""

        async def act(at: Change) -> MissingReport:
            month = parse_month(period)
            row = await service.confirm_missing(at.session, month, node, at.who, at.now)
            return MissingReport.of(row)

        return await change(info, "report.confirm_missing", (*OFFICER, *APPROVER), act)

    @strawberry.mutation(description="Answer an objection that does not stop the run.")
    async def settle_objection(
        self, info: Info, run_id: str, node: str, outcome: str
    ) -> RunAnswerResult:
        """Answer an objection."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.settle_objection(
                at.session, run_id, node, outcome, at.who, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.settle_objection", OFFICER, act)


@strawberry.type
class AnswerMutation:
    """What a node's staff say to an advised run."""

    @strawberry.mutation(description="Concur with an advised run.")
    async def concur_with_run(self, info: Info, run_id: str) -> RunAnswerResult:
        """Concur."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.answer_run(
                at.session, run_id, at.server.code, objections.CONCURRED, None, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.concur", OFFICER, act)

    @strawberry.mutation(description="Object to an advised run, with a reason.")
    async def object_to_run(self, info: Info, run_id: str, reason: str) -> RunAnswerResult:
        """Object."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.answer_run(
                at.session, run_id, at.server.code, objections.OBJECTED, reason, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.object", OFFICER, act)
