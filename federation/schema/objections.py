"""What nodes say to an advised run, in GraphQL, and how the hub settles an objection."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.runs import objections
from federation.runs import store as runs
from federation.runs.tables import Response as ResponseRow
from federation.schema.choices import RunReply
from federation.schema.context import Change, Info, Refused, change
from federation.values.roles import (
    MAY_PREPARE,
    MAY_READ_BOOKS,
)


@strawberry.type(description="What a node says to an advised run: CONCURRED or OBJECTED.")
class RunAnswer:
    """A node's answer; `outcome` is the hub's reply to an objection, by `settled_by`."""

    run_id: str
    node: str
    answer: RunReply
    reason: str | None
    given_at: datetime
    settled_by: str | None
    outcome: str | None

    @classmethod
    def of(cls, row: ResponseRow) -> "RunAnswer":
        """Show what a node answered."""
        return cls(
            run_id=row.run_id,
            node=row.node,
            answer=RunReply(row.answer),
            reason=row.reason,
            given_at=row.given_at,
            settled_by=row.settled_by,
            outcome=row.outcome,
        )


RunAnswerResult = Annotated[RunAnswer | Refused, strawberry.union("RunAnswerResult")]


@strawberry.type
class RunAnswerQuery:
    """What nodes said to a run: on every server."""

    @strawberry.field(description="What nodes said to a run.")
    async def run_answers(self, info: Info, run_id: str) -> list[RunAnswer]:
        """List one answer per node that has answered."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            rows = await runs.responses(session, run_id)
        return [RunAnswer.of(row) for row in rows.values()]


@strawberry.type
class ObjectionMutation:
    """How the hub answers an objection."""

    @strawberry.mutation(description="Answer an objection that does not stop the run.")
    async def settle_objection(
        self, info: Info, run_id: str, node: str, outcome: str
    ) -> RunAnswerResult:
        """Say why the run stands; another node may still object (RUN_ANSWER)."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.settle_objection(
                at.session, run_id, node, outcome, at.who, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.settle_objection", MAY_PREPARE, act)


@strawberry.type
class AnswerMutation:
    """What a node's staff say to an advised run."""

    @strawberry.mutation(description="Concur with an advised run.")
    async def concur_with_run(self, info: Info, run_id: str) -> RunAnswerResult:
        """Concur within the time for objections (RUN_ANSWER, UNKNOWN_RUN)."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.answer_run(
                at.session, run_id, at.server.code, objections.CONCURRED, None, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.concur", MAY_PREPARE, act)

    @strawberry.mutation(description="Object to an advised run, with a reason.")
    async def object_to_run(self, info: Info, run_id: str, reason: str) -> RunAnswerResult:
        """Object within the time for it; the hub must answer (RUN_ANSWER, UNKNOWN_RUN)."""

        async def act(at: Change) -> RunAnswer:
            row = await objections.answer_run(
                at.session, run_id, at.server.code, objections.OBJECTED, reason, at.now
            )
            return RunAnswer.of(row)

        return await change(info, "run.object", MAY_PREPARE, act)
