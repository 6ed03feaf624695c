"""A member's month in GraphQL: what it was attributed, what was paid of it, and the use behind."""

from typing import Annotated

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.config import settlement_currency
from federation.distribution import member_month
from federation.distribution import tables as rows
from federation.distribution.member_payments import PassedOn
from federation.metering.totals import AddressTotal
from federation.schema.choices import AdjustmentReason, AmountSource, Verdict
from federation.schema.context import Info
from federation.schema.money_choices import PaymentState
from federation.schema.scalars import BigInt, LicensedUse, Money
from federation.values.month import parse_month
from federation.values.roles import MAY_READ_STATEMENTS


@strawberry.type(description="A line of a member's statement.")
class StatementLine:
    """Where an amount comes from; a base or tier part belongs to no licence."""

    licence: str | None
    use: LicensedUse | None
    units: BigInt
    source: AmountSource
    amount: Money

    @classmethod
    def of(cls, row: rows.MemberAmount, currency: str) -> "StatementLine":
        """Show what a member was attributed under one licence and use."""
        return cls(
            licence=row.licence,
            use=None if row.use is None else LicensedUse(row.use),
            units=BigInt(row.units),
            source=AmountSource(row.source),
            amount=Money.of(row.amount, currency),
        )


@strawberry.type(description="What a correction or a release changed; of a month settled before.")
class StatementAdjustment:
    """An adjustment of either sign; `corrects` is the run it belongs to."""

    reason: AdjustmentReason
    service_period: str
    licence: str | None
    use: LicensedUse | None
    amount: Money
    corrects: str | None

    @classmethod
    def of(cls, row: rows.MemberAdjustment, currency: str) -> "StatementAdjustment":
        """Show what a correction or a release changed."""
        return cls(
            reason=AdjustmentReason(row.reason),
            service_period=row.service_period,
            licence=row.licence,
            use=None if row.use is None else LicensedUse(row.use),
            amount=Money.of(row.amount, currency),
            corrects=row.corrects,
        )


@strawberry.type(description="Usage of one of the member's addresses.")
class StatementUse:
    """Usage, also where it was withheld and earned nothing; its evidence is as in `Use`."""

    url: str
    licence: str
    use: LicensedUse
    verdict: Verdict
    lines: int
    units: BigInt
    token_logged: int
    agent_logged: int

    @classmethod
    def of(cls, row: AddressTotal) -> "StatementUse":
        """Show what counted, or was withheld, at one address."""
        return cls(
            url=row.url_key,
            licence=row.licence,
            use=LicensedUse(row.use),
            verdict=Verdict(row.verdict),
            lines=row.lines,
            units=BigInt(row.units),
            token_logged=row.token_logged,
            agent_logged=row.agent_logged,
        )


@strawberry.type(description="A payment to a member that succeeds another, in its place.")
class PassedOnPayment:
    """What of a member's month went to a successor; it is in the statements of both."""

    payment: strawberry.ID = strawberry.field(description="The payment's id.")
    attributed_to: str = strawberry.field(description="The member whose month it pays.")
    payee: str = strawberry.field(description="The member that gets it.")
    share: str = strawberry.field(description="The exact part of the payee then: 3/5.")
    amount: Money = strawberry.field(description="What the payee gets.")
    state: PaymentState = strawberry.field(description="Where the payment stands.")

    @classmethod
    def of(cls, found: PassedOn, currency: str) -> "PassedOnPayment":
        """Show a payment to a successor."""
        return cls(
            payment=strawberry.ID(found.payment_id),
            attributed_to=found.attributed_to,
            payee=found.payee,
            share=str(found.share),
            amount=Money.of(found.amount, currency),
            state=PaymentState(found.state),
        )


@strawberry.type(
    description="A member's month: opening + attributed + adjusted - payable = outstanding."
)
class MemberStatement:
    """A member's month in its collective's settlement currency."""

    member: str
    period: str
    run_id: str
    opening: Money
    attributed: Money
    adjusted: Money
    payable: Money
    outstanding: Money
    reason: str | None
    paid: Money
    in_payment: Money
    not_paid: Money
    not_paid_reason: str | None
    passed_on: list[PassedOnPayment]
    inherited: list[PassedOnPayment]
    lines: list[StatementLine]
    adjustments: list[StatementAdjustment]
    uses: list[StatementUse]

    @classmethod
    def of(cls, found: member_month.MemberMonth, currency: str) -> "MemberStatement":
        """Show a member's month, its amounts in the collective's settlement currency."""
        balance, paid = found.balance, found.paid
        passed_on = [PassedOnPayment.of(one, currency) for one in found.passed_on]
        return cls(
            member=found.member,
            period=found.period,
            run_id=found.run_id,
            opening=Money.of(balance.opening if balance else 0, currency),
            attributed=Money.of(balance.attributed if balance else 0, currency),
            adjusted=Money.of(balance.adjusted if balance else 0, currency),
            payable=Money.of(balance.payable if balance else 0, currency),
            outstanding=Money.of(balance.outstanding if balance else 0, currency),
            reason=balance.reason if balance else None,
            paid=Money.of(paid.paid, currency),
            in_payment=Money.of(paid.in_payment, currency),
            not_paid=Money.of(paid.not_paid, currency),
            not_paid_reason=paid.reason,
            passed_on=[one for one in passed_on if one.attributed_to == found.member],
            inherited=[one for one in passed_on if one.attributed_to != found.member],
            lines=[StatementLine.of(row, currency) for row in found.amounts],
            adjustments=[StatementAdjustment.of(row, currency) for row in found.adjustments],
            uses=[StatementUse.of(row) for row in found.uses],
        )


@strawberry.type(description="A month that is not settled yet: nothing is attributed so far.")
class NotSettledYet:
    """`lines` is how many usage lines the member's sites handed in for the month up to now."""

    member: str
    period: str
    lines: BigInt


MemberStatementResult = Annotated[
    MemberStatement | NotSettledYet, strawberry.union("MemberStatementResult")
]


@strawberry.type
class StatementQuery:
    """What a member sees of its month: at a node."""

    @strawberry.field(
        description="A member's statement of a month, or that it is not settled yet.",
        directives=[Cost(weight=20)],
    )
    async def member_statement(
        self, info: Info, period: str, member: str | None = None
    ) -> MemberStatementResult:
        """Show one: a member's own or of one that it succeeds, or any for settlement staff."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_STATEMENTS, member)
        server, month = info.context.server, parse_month(period)
        async with server.db.read() as session:
            found = await member_month.member_month(session, month, wanted)
        if isinstance(found, member_month.NotSettledYet):
            return NotSettledYet(
                member=found.member, period=found.period, lines=BigInt(found.lines)
            )
        return MemberStatement.of(found, settlement_currency(server.config))
