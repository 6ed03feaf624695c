"""Members that are paid before a debtor that left the net has paid, in GraphQL: at a node."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.payments import ahead, tables
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import Money
from federation.values.month import parse_month
from federation.values.roles import MAY_APPROVE, MAY_PREPARE


@strawberry.type(description="The decision to pay a month's members before a debtor has paid.")
class PayAhead:
    """Proposed by one person; in force once another has confirmed it.

    It holds for the `remittances` that were awaited when it was proposed, given by their ids.
    """

    period: str
    remittances: list[strawberry.ID]
    reason: str
    proposed_by: str
    confirmed_by: str | None
    confirmed_at: datetime | None
    withdrawn_by: str | None

    @classmethod
    def of(cls, row: tables.PayAhead) -> "PayAhead":
        """Show a decision, or its proposal."""
        return cls(
            period=row.period,
            remittances=[strawberry.ID(found) for found in ahead.remittances_of(row)],
            reason=row.reason,
            proposed_by=row.proposed_by,
            confirmed_by=row.confirmed_by,
            confirmed_at=row.confirmed_at,
            withdrawn_by=row.withdrawn_by,
        )


@strawberry.type(description="What a debtor that left a month's net still owes this collective.")
class AwaitedMoney:
    """What is open of it, in this collective's settlement currency."""

    payer: str
    amount: Money

    @classmethod
    def of(cls, row: tables.Incoming) -> "AwaitedMoney":
        """Show what has not come in yet."""
        return cls(payer=row.payer, amount=Money.of(row.amount - row.received, row.currency))


PayAheadResult = Annotated[PayAhead | Refused, strawberry.union("PayAheadResult")]


@strawberry.type
class PayAheadMutation:
    """Two people of a collective pay its members with money that has not come yet."""

    @strawberry.mutation(description="Propose to pay a month's members before a debtor has paid.")
    async def propose_pay_ahead(self, info: Info, period: str, reason: str) -> PayAheadResult:
        """Propose it; another person must confirm.

        Refused as NOTHING_AWAITED, PAY_AHEAD_PROPOSED, REASON.
        """

        async def act(at: Change) -> PayAhead:
            return PayAhead.of(
                await ahead.propose(
                    at.session, parse_month(period), reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "pay_ahead.propose", MAY_PREPARE, act)

    @strawberry.mutation(description="Confirm as another person: members can be paid.")
    async def confirm_pay_ahead(self, info: Info, period: str) -> PayAheadResult:
        """Confirm it (NO_PAY_AHEAD, SAME_PERSON, NOTHING_AWAITED, AWAITED_CHANGED)."""

        async def act(at: Change) -> PayAhead:
            month = parse_month(period)
            return PayAhead.of(
                await ahead.confirm(at.session, month, who=at.who.subject, at=at.now)
            )

        return await change(info, "pay_ahead.confirm", MAY_APPROVE, act)

    @strawberry.mutation(description="Take back a proposal that nobody has confirmed.")
    async def withdraw_pay_ahead(self, info: Info, period: str) -> PayAheadResult:
        """Withdraw it (NO_PAY_AHEAD)."""

        async def act(at: Change) -> PayAhead:
            month = parse_month(period)
            return PayAhead.of(
                await ahead.withdraw(at.session, month, who=at.who.subject, at=at.now)
            )

        return await change(info, "pay_ahead.withdraw", MAY_PREPARE, act)
