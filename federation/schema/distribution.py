"""What a collective did with its part of a month's run, in GraphQL."""

import strawberry

from federation.config import settlement_currency
from federation.distribution import store
from federation.distribution.tables import DistributedRun
from federation.schema.context import Info
from federation.schema.scalars import Money
from federation.values.month import parse_month
from federation.values.roles import MAY_FOLLOW_THE_MONTH


@strawberry.type(description="What this collective did with one run.")
class Distribution:
    """What a collective received of a run, kept as its fee, and could give to nobody."""

    period: str
    run_id: str
    distribution_id: str
    received: Money
    domestic: Money
    admin_fee: Money
    outstanding: str

    @classmethod
    def of(cls, row: DistributedRun, currency: str) -> "Distribution":
        """Show a distribution in the collective's settlement currency."""
        return cls(
            period=row.period,
            run_id=row.run_id,
            distribution_id=row.distribution_id,
            received=Money.of(row.received, currency),
            domestic=Money.of(row.domestic, currency),
            admin_fee=Money.of(row.admin_fee, currency),
            outstanding=row.outstanding,
        )


@strawberry.type
class DistributionQuery:
    """What a collective did with its part of a run, in totals."""

    @strawberry.field(description="What this collective did with a month's run.")
    async def distribution(self, info: Info, period: str) -> Distribution | None:
        """Show the distribution of a month, null before there is one."""
        info.context.whose(MAY_FOLLOW_THE_MONTH)
        server, month = info.context.server, parse_month(period)
        async with server.db.read() as session:
            row = await store.find_distribution(session, month)
        return Distribution.of(row, settlement_currency(server.config)) if row else None
