"""Corrections in GraphQL: what late or wrong usage changes in settled months."""

from typing import Annotated

import strawberry

from federation.months import store as months
from federation.payments import store as payments
from federation.payments.set_off import open_debits
from federation.proof.invariants.checks import require_sound_run
from federation.runs import corrections as service
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import Money
from federation.schema.settlement import Run
from federation.server import hub_config
from federation.values.month import parse_month
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_PREPARE_OR_APPROVE, MAY_READ_BOOKS


@strawberry.type(description="A correction: a run for each settled month whose result changes.")
class Correction:
    """One run for each settled month whose result changes, oldest first."""

    runs: list[Run]


@strawberry.type(description="A round in which every server takes in what came late for a month.")
class CorrectionRound:
    """A round; its number counts the reports each server sends beside the first."""

    period: str
    number: int


@strawberry.type(description="A node's debit that its next credits take up; never called in.")
class Debit:
    """A debit in the node's settlement currency, and what is left of it."""

    node: str
    document: str
    period: str
    amount: Money
    left: Money


CorrectionResult = Annotated[Correction | Refused, strawberry.union("CorrectionResult")]

CorrectionRoundResult = Annotated[
    CorrectionRound | Refused, strawberry.union("CorrectionRoundResult")
]


@strawberry.type
class CorrectionQuery:
    """What is being corrected, and what is to be set off."""

    @strawberry.field(description="The correction that is calculated or advised, if any.")
    async def correction(self, info: Info) -> Correction | None:
        """Show the correction that is not approved yet, null if there is none."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            rows = await months.corrections_under_way(session)
        return Correction(runs=[Run.of(row) for row in rows]) if rows else None

    @strawberry.field(description="Debits of nodes that wait for credits, oldest first.")
    async def debits(self, info: Info) -> list[Debit]:
        """List what nodes owe from corrections and have not set off, oldest first."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            rows = await payments.set_offs(session)
        by_id = {row.id: row for row in rows}
        return [
            Debit(
                node=by_id[item.id].node,
                document=by_id[item.id].document,
                period=item.period,
                amount=Money.of(-by_id[item.id].amount, by_id[item.id].currency),
                left=Money.of(item.amount, by_id[item.id].currency),
            )
            for item in open_debits(rows)
        ]


@strawberry.type
class CorrectionMutation:
    """The hub's corrections: opened, calculated, advised, approved or withdrawn."""

    @strawberry.mutation(description="Ask every server to take in what came late for a month.")
    async def open_correction(self, info: Info, period: str) -> CorrectionRoundResult:
        """Open a round for a settled month (ADJUSTMENT_WINDOW, CORRECTION_STATE, MONTH_STATE)."""

        async def act(at: Change) -> CorrectionRound:
            terms = await at.server.terms(at.session)
            adjustments = hub_config(at.server).adjustments
            month = parse_month(period)
            number = await service.open_correction(at.session, month, terms, adjustments, at.now)
            return CorrectionRound(period=month, number=number)

        return await change(info, "correction.open", MAY_PREPARE, act)

    @strawberry.mutation(description="Compute settled months again with the latest reports.")
    async def calculate_correction(self, info: Info) -> CorrectionResult:
        """Calculate from the latest reports (NOTHING_TO_CORRECT, DE_MINIMIS)."""

        async def act(at: Change) -> Correction:
            adjustments = hub_config(at.server).adjustments
            rows = await service.calculate_correction(at.session, adjustments, at.who, at.now)
            return Correction(runs=[Run.of(row) for row in rows])

        return await change(info, "correction.calculate", MAY_PREPARE, act)

    @strawberry.mutation(description="Send a calculated correction to the nodes to look at.")
    async def advise_correction(self, info: Info) -> CorrectionResult:
        """Send it to the nodes; their time to object begins (CORRECTION_STATE)."""

        async def act(at: Change) -> Correction:
            calendar = hub_config(at.server).calendar
            rows = await service.advise_correction(at.session, calendar, at.now)
            return Correction(runs=[Run.of(row) for row in rows])

        return await change(info, "correction.advise", MAY_PREPARE, act)

    @strawberry.mutation(description="Approve as another person; posts in the open month.")
    async def approve_correction(self, info: Info) -> CorrectionResult:
        """Post it, as another person than calculated it (SAME_PERSON, OBJECTIONS_OPEN)."""

        async def act(at: Change) -> Correction:
            terms = await at.server.terms(at.session)
            rows = await service.approve_correction(
                at.session, at.who, terms, at.now, require_sound_run
            )
            return Correction(runs=[Run.of(row) for row in rows])

        return await change(info, "correction.approve", MAY_APPROVE, act)

    @strawberry.mutation(description="Take back a correction that is not approved.")
    async def withdraw_correction(self, info: Info, reason: str) -> CorrectionResult:
        """Take back one that is not approved, with a reason (CORRECTION_STATE)."""

        async def act(at: Change) -> Correction:
            rows = await service.withdraw_correction(at.session, at.who, reason, at.now)
            return Correction(runs=[Run.of(row) for row in rows])

        return await change(info, "correction.withdraw", MAY_PREPARE_OR_APPROVE, act)
