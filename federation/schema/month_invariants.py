"""What must be true of a settled month, examined, in GraphQL: on every server."""

from typing import Final

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.proof import report
from federation.proof.invariants.examining import Finding
from federation.schema.context import Info
from federation.values.month import parse_month
from federation.values.roles import MAY_READ_BOOKS

VIOLATIONS_SHOWN: Final = 100  # of each; the report of the month has all


@strawberry.type(description="An invariant, and what examining it gave.")
class InvariantFinding:
    """How many things were examined, how many are wrong, and the first 100 of those by name."""

    number: str
    name: str
    meaning: str
    examined: int
    violated: int
    violations: list[str]

    @classmethod
    def of(cls, found: Finding) -> "InvariantFinding":
        """Show what was found."""
        return cls(
            number=found.invariant.number,
            name=found.invariant.name,
            meaning=found.invariant.meaning,
            examined=found.examined,
            violated=len(found.wrong),
            violations=found.wrong[:VIOLATIONS_SHOWN],
        )


@strawberry.type
class MonthInvariantQuery:
    """What auditors and settlement staff ask of a settled month."""

    @strawberry.field(
        description="What must be true of a settled month, examined now, as in its report.",
        directives=[Cost(weight=1_000)],
    )
    async def month_invariants(self, info: Info, period: str) -> list[InvariantFinding]:
        """Examine a month on what is kept here (BAD_PERIOD, NOT_SETTLED)."""
        info.context.whose(MAY_READ_BOOKS)
        server, month = info.context.server, parse_month(period)
        async with server.db.read() as session:
            found = await report.findings_of_month(session, month, server.code)
        return [InvariantFinding.of(each) for each in found]
