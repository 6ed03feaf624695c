"""Two runs of a month side by side in GraphQL: what changed, and which inputs."""

import asyncio

import strawberry

from federation.months import store as months
from federation.runs.service import UnknownRunError
from federation.schema.context import Info
from federation.schema.scalars import Money
from federation.settlement import run_diff as diff
from federation.settlement.run_document import RunDocument, decode
from federation.values.roles import MAY_READ_BOOKS

DIFFERENCES_MAX = 10_000


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
    """An input that differs: its kind and name, and what it was in either run."""

    kind: str
    name: str
    old: str
    new: str
    old_amount: Money | None
    new_amount: Money | None

    @classmethod
    def of(cls, cause: diff.Cause) -> "RunCause":
        """Show an input; one that is an amount, which has a currency, also as such."""

        def amount(text: str) -> Money | None:
            return Money.of(int(text), cause.currency) if cause.currency and text else None

        return cls(
            kind=cause.kind,
            name=cause.name,
            old=cause.old,
            new=cause.new,
            old_amount=amount(cause.old),
            new_amount=amount(cause.new),
        )


@strawberry.type(description="Two runs of a month side by side; without an old one all is new.")
class RunDiff:
    """Shares and nets that differ, at most 10,000 each, and the inputs that made them differ."""

    shares: list[RunDifference]
    nets: list[RunDifference]
    causes: list[RunCause]


@strawberry.type
class RunDiffQuery:
    """Comparing two runs: on every server."""

    @strawberry.field(description="Compare two runs of a month: what changed, and which inputs.")
    async def run_diff(self, info: Info, new: str, old: str | None = None) -> RunDiff:
        """Compare runs by id; without `old` everything is new (UNKNOWN_RUN)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            documents: list[RunDocument] = []
            for name in [new, *([old] if old else [])]:
                row = await months.any_run(session, name)
                if row is None:
                    raise UnknownRunError(name)
                documents.append(decode(row.document))
        earlier = documents[1] if old else None
        found = await asyncio.to_thread(diff.compare, earlier, documents[0])
        return RunDiff(
            shares=[_difference(row) for row in found.shares[:DIFFERENCES_MAX]],
            nets=[_difference(row) for row in found.nets],
            causes=[RunCause.of(cause) for cause in found.causes[:DIFFERENCES_MAX]],
        )


def _difference(row: diff.Difference) -> RunDifference:
    def amount(minor: int) -> Money:
        return Money.of(minor, row.currency)

    return RunDifference(
        licence=row.licence,
        party=row.party,
        old=amount(row.old),
        new=amount(row.new),
        difference=amount(row.difference),
    )
