"""What came of a month in GraphQL: distribution, members' statements, who used an address."""

from datetime import datetime

import strawberry

from federation import config as report
from federation import money
from federation.distribution import store as distribution_store
from federation.distribution.member_payments import paid_to_member
from federation.metering import service as metering
from federation.metering import totals as usage_totals
from federation.proof import uses as proof_uses
from federation.registry.urls import normalise_url
from federation.schema.context import Info
from federation.schema.scalars import BigInt, Money
from federation.schema.settlement import READERS
from federation.trust.principals import NotAllowedError
from federation.values.month import parse_month


@strawberry.type(description="Usage of one address by one licence in one month.")
class Use:
    """Who used an address, for what, how often, and what it earned its member."""

    period: str
    licence: str
    licensee: str
    use: str
    verdict: str
    lines: int
    units: BigInt
    earned: Money | None


@strawberry.type(description="Everything recorded about an address; none recorded is an answer.")
class UsesAnswer:
    """The answer to "was my work used?"."""

    url: str
    as_of: datetime
    recorded: bool
    uses: list[Use]


@strawberry.type(description="A line of a member's statement.")
class StatementLine:
    """Where an amount comes from; a base or tier part belongs to no licence."""

    licence: str | None
    use: str | None
    units: BigInt
    source: str
    amount: Money


@strawberry.type(description="What a correction or a release changed; of a month settled before.")
class StatementAdjustment:
    """An adjustment of either sign; `corrects` is the run it belongs to."""

    reason: str
    service_period: str
    licence: str | None
    use: str | None
    amount: Money
    corrects: str | None


@strawberry.type(description="Usage of one of the member's addresses.")
class StatementUse:
    """Usage, also where it was withheld and earned nothing."""

    url: str
    licence: str
    use: str
    verdict: str
    lines: int
    units: BigInt


@strawberry.type(
    description="A member's month: opening + attributed + adjusted - payable = outstanding."
)
class MemberStatement:
    """A statement that adds up."""

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
    lines: list[StatementLine]
    adjustments: list[StatementAdjustment]
    uses: list[StatementUse]


@strawberry.type(description="What this collective did with one run.")
class Distribution:
    """A distribution in the collective's settlement currency."""

    period: str
    run_id: str
    distribution_id: str
    received: Money
    domestic: Money
    admin_fee: Money
    outstanding: str


@strawberry.type
class DistributionQuery:
    """What a collective did with its part, and what its members see."""

    @strawberry.field(description="What this collective did with a month's run.")
    async def distribution(self, info: Info, period: str) -> Distribution | None:
        """Show a distribution."""
        info.context.require(*READERS, "node_operator")
        month = parse_month(period)
        async with info.context.server.db.read() as session:
            row = await distribution_store.find_distribution(session, month)
        if row is None:
            return None
        currency = report.settlement_currency(info.context.server.config)
        return Distribution(
            period=row.period,
            run_id=row.run_id,
            distribution_id=row.distribution_id,
            received=Money.of(money.Money(row.received, currency)),
            domestic=Money.of(money.Money(row.domestic, currency)),
            admin_fee=Money.of(money.Money(row.admin_fee, currency)),
            outstanding=row.outstanding,
        )

    @strawberry.field(description="A member's statement of a month; null before its run.")
    async def member_statement(
        self, info: Info, period: str, member: str | None = None
    ) -> MemberStatement | None:
        """Show a statement: a member's own, or any for settlement staff."""
        who = info.context.require("member", *READERS)
        wanted = who.require_party() if "member" in who.roles else member
        if wanted is None:
            raise NotAllowedError("name the member")
        month = parse_month(period)
        async with info.context.server.db.read() as session:
            done = await distribution_store.find_distribution(session, month)
            if done is None:
                return None
            balance = (await distribution_store.balances(session, month)).get(wanted)
            paid = await paid_to_member(session, month, balance, wanted)
            amounts = await distribution_store.member_amounts(session, month, wanted)
            adjusted = await distribution_store.adjustments_of(session, wanted, month, 1_000)
            uses = await usage_totals.totals_for_member(session, wanted, month, 1_000)
        currency = report.settlement_currency(info.context.server.config)

        def amount(minor: int) -> Money:
            return Money.of(money.Money(minor, currency))

        return MemberStatement(
            member=wanted,
            period=month,
            run_id=done.run_id,
            opening=amount(balance.opening if balance else 0),
            attributed=amount(balance.attributed if balance else 0),
            adjusted=amount(balance.adjusted if balance else 0),
            payable=amount(balance.payable if balance else 0),
            outstanding=amount(balance.outstanding if balance else 0),
            reason=balance.reason if balance else None,
            paid=amount(paid.paid),
            in_payment=amount(paid.in_payment),
            not_paid=amount(paid.not_paid),
            not_paid_reason=paid.reason,
            lines=[
                StatementLine(
                    licence=row.licence,
                    use=row.use,
                    units=BigInt(row.units),
                    source=row.source,
                    amount=amount(row.amount),
                )
                for row in amounts
            ],
            adjustments=[
                StatementAdjustment(
                    reason=row.reason,
                    service_period=row.service_period,
                    licence=row.licence,
                    use=row.use,
                    amount=amount(row.amount),
                    corrects=row.corrects,
                )
                for row in adjusted
            ],
            uses=[
                StatementUse(
                    url=row.url_key,
                    licence=row.licence,
                    use=row.use,
                    verdict=row.verdict,
                    lines=row.lines,
                    units=BigInt(row.units),
                )
                for row in uses
            ],
        )


@strawberry.type
class UsesQuery:
    """The answer to "was my work used?"."""

    @strawberry.field(description="Who used an address: licence, use, units, money.")
    async def uses_of(self, info: Info, url: str) -> UsesAnswer:
        """Answer for one address; a member asks for its own, staff for any."""
        who = info.context.require("member", "registry_officer", *READERS)
        server = info.context.server
        key = normalise_url(url)
        async with server.db.read() as session:
            rows = await usage_totals.totals_for_url(session, key.text)
            if "member" in who.roles:
                rows = [row for row in rows if row.member == who.require_party()]
            licences = await metering.licence_facts(session)
            earned = await proof_uses.earned_by_address(session, server.config, rows)
        return UsesAnswer(
            url=key.text,
            as_of=server.clock(),
            recorded=bool(rows),
            uses=[
                Use(
                    period=row.period,
                    licence=row.licence,
                    licensee=licences[row.licence].licensee,
                    use=row.use,
                    verdict=row.verdict,
                    lines=row.lines,
                    units=BigInt(row.units),
                    earned=Money.of(amount) if amount else None,
                )
                for row, amount in zip(rows, earned, strict=True)
            ],
        )
