"""A debtor that does not pay leaves a month's net, in GraphQL: at the hub, by two people."""

from typing import Annotated

import strawberry

from federation.netting import exclusion
from federation.payments import tables as rows
from federation.schema.context import Change, Info, Refused, change
from federation.values.month import parse_month
from federation.values.roles import MAY_APPROVE, MAY_PREPARE


@strawberry.type(description="A debtor that leaves a month's net.")
class Exclusion:
    """Proposed by one person; in force once another has confirmed it."""

    period: str
    node: str
    reason: str
    proposed_by: str
    confirmed_by: str | None

    @classmethod
    def of(cls, row: rows.Exclusion) -> "Exclusion":
        """Show an exclusion; it is in force once somebody confirmed it."""
        return cls(
            period=row.period,
            node=row.node,
            reason=row.reason,
            proposed_by=row.proposed_by,
            confirmed_by=row.confirmed_by,
        )


ExclusionResult = Annotated[Exclusion | Refused, strawberry.union("ExclusionResult")]


@strawberry.type
class ExclusionMutation:
    """The hub's way with a debtor that does not pay."""

    @strawberry.mutation(description="Propose that a debtor past its value date leaves the net.")
    async def exclude_debtor(
        self, info: Info, period: str, node: str, reason: str
    ) -> ExclusionResult:
        """Propose it; another person must confirm (NO_DEBTOR, NOT_DUE)."""

        async def act(at: Change) -> Exclusion:
            return Exclusion.of(
                await exclusion.propose_exclusion(
                    at.session, parse_month(period), node, reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "exclusion.propose", MAY_PREPARE, act)

    @strawberry.mutation(description="Confirm as another person: the net is recomputed and told.")
    async def confirm_exclusion(self, info: Info, period: str, node: str) -> ExclusionResult:
        """Recompute the net without the debtor (NO_EXCLUSION, SAME_PERSON, NET_PAID)."""

        async def act(at: Change) -> Exclusion:
            terms = await at.server.terms(at.session)
            return Exclusion.of(
                await exclusion.confirm_exclusion(
                    at.session, parse_month(period), node, terms, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "exclusion.confirm", MAY_APPROVE, act)
