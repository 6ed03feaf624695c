"""The month in GraphQL: cut-off, runs and the journal."""

from datetime import date, datetime
from typing import Annotated

import msgspec
import strawberry

from federation.ledger import store as ledger
from federation.ledger import tables as ledger_rows
from federation.ledger.tables import JournalPosting
from federation.metering import month
from federation.metering import store as usage
from federation.months import store as months
from federation.months.tables import Run as RunRow
from federation.proof.invariants.checks import require_sound_run
from federation.runs import service as runs_service
from federation.schema.choices import MonthState, RunState
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import month_if_any
from federation.schema.pages import Connection
from federation.schema.scalars import Money
from federation.server import hub_config
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.month import parse_month
from federation.values.roles import (
    MAY_APPROVE,
    MAY_FOLLOW_THE_MONTH,
    MAY_PREPARE,
    MAY_PREPARE_OR_APPROVE,
    MAY_READ_BOOKS,
)


@strawberry.type(description="Where a month stands on this server.")
class Period:
    """A month: CUT_OFF, FORWARDED, COMPLETE, REPORTED, or not cut off yet."""

    period: str
    state: MonthState
    missing_reports: list[str]


@strawberry.type(description="A settlement run; `document` is the text whose SHA-256 is `runId`.")
class Run:
    """A run, its state (CALCULATED, ADVISED, APPROVED, WITHDRAWN), and its exact document."""

    run_id: str
    period: str
    state: RunState
    calculated_by: str
    approved_by: str | None
    reason: str | None
    warnings: list[str]
    objections_until: datetime | None
    corrects: str | None
    posted_in: str | None
    document: str

    @classmethod
    def of(cls, row: RunRow) -> "Run":
        """Show a run."""
        return cls(
            run_id=row.run_id,
            period=row.period,
            state=RunState(row.state),
            calculated_by=row.calculated_by,
            approved_by=row.approved_by,
            reason=row.reason,
            warnings=msgspec.json.decode(row.warnings, type=list[str]),
            objections_until=row.objections_until,
            corrects=row.corrects,
            posted_in=row.posted_in,
            document=row.document.decode(),
        )


@strawberry.type(description="An amount that leaves one account and enters another.")
class Posting:
    """An amount and the accounts it leaves and enters; `meta` is what it belongs to, as JSON."""

    debit: str
    credit: str
    amount: Money
    meta: str


@strawberry.type(description="One transaction of this server's journal.")
class JournalEntry:
    """Postings that belong together, with the document they rest on."""

    id: strawberry.ID
    posted_on: date
    document: str
    narration: str
    postings: list[Posting]

    @classmethod
    def of(cls, entry: ledger_rows.JournalEntry, postings: list[JournalPosting]) -> "JournalEntry":
        """Show an entry with its postings."""
        return cls(
            id=strawberry.ID(str(entry.id)),
            posted_on=entry.posted_on,
            document=entry.document,
            narration=entry.narration,
            postings=[
                Posting(
                    debit=posting.debit,
                    credit=posting.credit,
                    amount=Money.of(posting.amount, posting.currency),
                    meta=posting.meta,
                )
                for posting in postings
            ],
        )


PeriodResult = Annotated[Period | Refused, strawberry.union("PeriodResult")]
RunResult = Annotated[Run | Refused, strawberry.union("RunResult")]

RUNS_SHOWN = 20  # each may bring its document
_RUNS, _JOURNAL = "runs", "journal"


@strawberry.type
class SettlementQuery:
    """What staff and auditors read: on every server."""

    @strawberry.field(description="Where a month stands.")
    async def period(self, info: Info, period: str) -> Period:
        """Show a month (`YYYY-MM`) and the nodes whose report has not come."""
        info.context.whose(MAY_FOLLOW_THE_MONTH)
        month = parse_month(period)
        async with info.context.server.db.read() as session:
            row = await usage.find_period(session, month)
            reports = await usage.latest_reports(session, month)
            progress = await usage.progress(session, month)
        return Period(
            period=period,
            state=MonthState(row.state) if row else MonthState.OPEN,
            missing_reports=sorted(progress.keys() - reports.keys()),
        )

    @strawberry.field(description="Runs, newest first.")
    async def runs(
        self,
        info: Info,
        period: str | None = None,
        first: int = RUNS_SHOWN,
        after: str | None = None,
    ) -> Connection[Run]:
        """List the runs of a month, or of all (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_RUNS, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await months.runs(
                session, month_if_any(period), before=key[0] if key else None, limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_RUNS, (row.id,)), Run.of)

    @strawberry.field(description="The journal in the order it was written.")
    async def journal(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[JournalEntry]:
        """List entries as they were written (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_JOURNAL, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await ledger.journal(session, after=key[0] if key else 0, limit=size + 1)
        return Connection.of(
            found,
            size,
            lambda pair: cursor_of(_JOURNAL, (pair[0].id,)),
            lambda pair: JournalEntry.of(*pair),
        )


@strawberry.type
class RunMutation:
    """What the hub's settlement staff do with a month."""

    @strawberry.mutation(description="Close a month: nodes send on what is not theirs and report.")
    async def cut_off(self, info: Info, period: str) -> PeriodResult:
        """Cut a month off; again it changes nothing."""

        async def act(at: Change) -> Period:
            wanted = parse_month(period)
            await month.cut_off(at.session, wanted, await at.server.terms(at.session), at.now)
            row = await usage.find_period(at.session, wanted)
            return Period(
                period=wanted,
                state=MonthState(row.state) if row else MonthState.OPEN,
                missing_reports=[],
            )

        return await change(info, "period.cut_off", MAY_PREPARE, act)

    @strawberry.mutation(description="Calculate the run of a month.")
    async def calculate_run(self, info: Info, period: str) -> RunResult:
        """Calculate; the same inputs again return the same run."""

        async def act(at: Change) -> Run:
            terms = await at.server.terms(at.session)
            return Run.of(
                await runs_service.calculate_run(
                    at.session, parse_month(period), terms, at.who, at.now
                )
            )

        return await change(info, "run.calculate", MAY_PREPARE, act)

    @strawberry.mutation(description="Send a calculated run to the nodes to look at.")
    async def advise_run(self, info: Info, run_id: str) -> RunResult:
        """Send it to the nodes; their time to object begins (UNKNOWN_RUN, RUN_STATE)."""

        async def act(at: Change) -> Run:
            calendar = hub_config(at.server).calendar
            return Run.of(await runs_service.advise_run(at.session, run_id, calendar, at.now))

        return await change(info, "run.advise", MAY_PREPARE, act)

    @strawberry.mutation(description="Approve as another person; locks the month and posts.")
    async def approve_run(self, info: Info, run_id: str) -> RunResult:
        """Approve it, post it and tell the nodes (SAME_PERSON, OBJECTIONS_OPEN, RUN_STATE)."""

        async def act(at: Change) -> Run:
            terms = await at.server.terms(at.session)
            adjustments = hub_config(at.server).adjustments
            return Run.of(
                await runs_service.approve_run(
                    at.session, run_id, at.who, terms, adjustments, at.now, require_sound_run
                )
            )

        return await change(info, "run.approve", MAY_APPROVE, act)

    @strawberry.mutation(description="Take back a run that is not approved, with a reason.")
    async def withdraw_run(self, info: Info, run_id: str, reason: str) -> RunResult:
        """Withdraw it; the month can be calculated again (UNKNOWN_RUN, RUN_STATE)."""

        async def act(at: Change) -> Run:
            return Run.of(
                await runs_service.withdraw_run(at.session, run_id, at.who, reason, at.now)
            )

        return await change(info, "run.withdraw", MAY_PREPARE_OR_APPROVE, act)
