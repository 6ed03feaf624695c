"""Officers' limits in GraphQL: their history, and the two people who change one."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.banking import limits, store, tables
from federation.money import exponent
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.money_choices import OfficerLimitKind
from federation.schema.scalars import BigInt, Money
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS


@strawberry.type(description="Up to what one officer settles alone, per kind of item and entry.")
class OfficerLimit:
    """Proposed by one person; in force from `since` on once another has confirmed it."""

    id: strawberry.ID
    kind: OfficerLimitKind
    limit: Money
    since: datetime
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None

    @classmethod
    def of(cls, row: tables.OfficerLimit) -> "OfficerLimit":
        """Show a limit, or its proposal."""
        return cls(
            id=strawberry.ID(str(row.id)),
            kind=OfficerLimitKind(row.kind),
            limit=Money.of(row.amount, row.currency),
            since=row.since,
            reason=row.reason,
            proposed_by=row.proposed_by,
            proposed_at=row.proposed_at,
            confirmed_by=row.confirmed_by,
            confirmed_at=row.confirmed_at,
        )


@strawberry.type(description="A limit as it is, or was, in force.")
class LimitInForce:
    """A kind of item and its limit."""

    kind: OfficerLimitKind
    limit: Money


OfficerLimitResult = Annotated[OfficerLimit | Refused, strawberry.union("OfficerLimitResult")]


@strawberry.type
class OfficerLimitQuery:
    """Who may read the books reads up to what one officer decides."""

    @strawberry.field(description="Every change of an officer's limit, oldest first.")
    async def officer_limits(self, info: Info) -> list[OfficerLimit]:
        """List what was set, when, by whom and why, with what waits for a second person."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            return [OfficerLimit.of(row) for row in await store.officer_limits(session)]

    @strawberry.field(description="The limits in force for a currency, now or at an instant.")
    async def limits_in_force(
        self, info: Info, currency: str, at: datetime | None = None
    ) -> list[LimitInForce]:
        """Return the limit of each kind; what nobody has set is as it was at first."""
        info.context.whose(MAY_READ_BOOKS)
        exponent(currency)  # refuses what is no currency with minor units
        server = info.context.server
        async with server.db.read() as session:
            found = await limits.in_force(session, currency, at or server.clock())
        return [
            LimitInForce(kind=OfficerLimitKind(kind), limit=Money.of(amount, currency))
            for kind, amount in found.items()
        ]


@strawberry.type
class OfficerLimitMutation:
    """Two people change an officer's limit: on every server."""

    @strawberry.mutation(description="Propose up to what one officer settles alone.")
    async def propose_officer_limit(
        self,
        info: Info,
        kind: OfficerLimitKind,
        currency: str,
        amount: BigInt,
        since: datetime,
        reason: str,
    ) -> OfficerLimitResult:
        """Propose it in minor units; another person must confirm (BAD_LIMIT)."""

        async def act(at: Change) -> OfficerLimit:
            wanted = limits.Wanted(kind.value, currency, amount, since)
            return OfficerLimit.of(
                await limits.propose(at.session, wanted, reason, who=at.who.subject, at=at.now)
            )

        return await change(info, "limit.propose", MAY_PREPARE, act)

    @strawberry.mutation(description="Confirm as another person: in force from its instant on.")
    async def confirm_officer_limit(self, info: Info, id: strawberry.ID) -> OfficerLimitResult:
        """Confirm it (NO_LIMIT, SAME_PERSON)."""

        async def act(at: Change) -> OfficerLimit:
            number = row_number(id) or 0
            return OfficerLimit.of(
                await limits.confirm(at.session, number, who=at.who.subject, at=at.now)
            )

        return await change(info, "limit.confirm", MAY_APPROVE, act)
