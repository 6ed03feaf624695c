"""Paying members in GraphQL: at a node."""

from typing import Annotated

import strawberry

from federation.config import settlement_currency
from federation.distribution import member_payments as members
from federation.payments.proposal import Side
from federation.schema.accounts import AccountInput
from federation.schema.context import Change, Info, Refused, change
from federation.schema.money_choices import AccountScheme
from federation.values.month import parse_month
from federation.values.roles import MAY_KEEP_THE_REGISTRY, MAY_PREPARE


@strawberry.type(description="What was proposed, what lacks an account, what is left to propose.")
class ProposedPayments:
    """At most 5,000 at a time; ask again while something remains."""

    proposed: int
    outstanding: int
    remaining: int


@strawberry.type(description="A member whose account was entered.")
class MemberAccount:
    """Who entered it does not approve payments to it."""

    member: str
    account: str
    scheme: AccountScheme
    set_by: str | None


ProposedResult = Annotated[ProposedPayments | Refused, strawberry.union("ProposedPaymentsResult")]


MemberAccountResult = Annotated[MemberAccount | Refused, strawberry.union("MemberAccountResult")]


@strawberry.type
class MemberPaymentMutation:
    """What a collective owes its members becomes payments to their accounts."""

    @strawberry.mutation(description="Propose what a month made payable to members, 5,000 a time.")
    async def propose_member_payments(self, info: Info, period: str) -> ProposedResult:
        """Propose one payment per member; again, what is left and what can be paid by now."""

        async def act(at: Change) -> ProposedPayments:
            found = await members.propose_member_payments(
                at.session,
                parse_month(period),
                Side(at.server.code, await at.server.own_account(at.session)),
                settlement_currency(at.server.config),
                who=at.who.subject,
                at=at.now,
            )
            return ProposedPayments(
                proposed=len(found.proposed),
                outstanding=len(found.outstanding),
                remaining=found.remaining,
            )

        return await change(info, "payments.propose_members", MAY_PREPARE, act)

    @strawberry.mutation(description="Enter a member's account; what a bank would refuse is not.")
    async def set_member_account(
        self, info: Info, member: str, account: AccountInput
    ) -> MemberAccountResult:
        """Enter an account to pay to (UNKNOWN_MEMBER, BAD_SCHEME, BAD_ACCOUNT)."""

        async def act(at: Change) -> MemberAccount:
            row = await members.set_account(
                at.session,
                member,
                account.of(member),
                settlement_currency(at.server.config),
                who=at.who.subject,
                at=at.now,
            )
            return MemberAccount(
                member=row.member_id,
                account=row.account or "",
                scheme=AccountScheme(row.account_scheme),
                set_by=row.account_set_by,
            )

        return await change(info, "member.set_account", MAY_KEEP_THE_REGISTRY, act)
