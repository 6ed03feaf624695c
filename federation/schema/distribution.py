"""What a collective did with its part of a month's run, in GraphQL."""

import strawberry

from federation.config import settlement_currency
from federation.distribution import store
from federation.distribution.tables import DistributedRun
from federation.distribution.tables import StatedCredit as CreditRow
from federation.payments import ahead
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.schema.pay_ahead import AwaitedMoney, PayAhead
from federation.schema.scalars import LicensedUse, Money
from federation.store.sessions import ReadSession
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.month import parse_month
from federation.values.roles import MAY_FOLLOW_THE_MONTH, MAY_READ_BOOKS

_LIST = "statedCredits"


@strawberry.type(description="What this collective did with one run.")
class Distribution:
    """What a collective received of a run, kept as its fee, and could give to nobody.

    `awaited` is what debtors that left the month's net have not paid; meanwhile members wait
    (MONEY_AWAITED), or are paid by the decision `payAhead`. `paidAhead` is what left for them
    all the same.
    """

    period: str
    run_id: str
    distribution_id: str
    received: Money
    domestic: Money
    admin_fee: Money
    outstanding: str
    awaited: list[AwaitedMoney]
    paid_ahead: Money
    pay_ahead: PayAhead | None

    @classmethod
    async def of(cls, session: ReadSession, row: DistributedRun, currency: str) -> "Distribution":
        """Show a distribution in the collective's settlement currency."""
        decision = await ahead.find_decision(session, row.period)
        return cls(
            period=row.period,
            run_id=row.run_id,
            distribution_id=row.distribution_id,
            received=Money.of(row.received, currency),
            domestic=Money.of(row.domestic, currency),
            admin_fee=Money.of(row.admin_fee, currency),
            outstanding=row.outstanding,
            awaited=[AwaitedMoney.of(found) for found in await ahead.awaited(session, row.period)],
            paid_ahead=Money.of(await ahead.paid_ahead(session, row.period), currency),
            pay_ahead=PayAhead.of(decision) if decision else None,
        )


@strawberry.type(description="What another collective's usage report states for a claim here.")
class StatedCredit:
    """Weight of copies elsewhere of which the canonical claim is here; `claim` may be DISPUTED."""

    id: strawberry.ID
    stated_by: str
    licence: str
    use: LicensedUse
    claim: str
    weight: str
    units: str

    @classmethod
    def of(cls, row: CreditRow) -> "StatedCredit":
        """Show a credit; weight and units are integers as text, as in a usage report."""
        return cls(
            id=strawberry.ID(str(row.id)),
            stated_by=row.stated_by,
            licence=row.licence,
            use=LicensedUse(row.use),
            claim=row.claim_id,
            weight=str(row.weight),
            units=str(row.units),
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
            if row is None:
                return None
            return await Distribution.of(session, row, settlement_currency(server.config))

    @strawberry.field(
        description="What others state for our members in an advised or approved run, in the order "
        "it was written down."
    )
    async def stated_credits(
        self, info: Info, run: strawberry.ID, first: int = 100, after: str | None = None
    ) -> Connection[StatedCredit]:
        """List what other collectives' reports credit to claims here (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.stated_credits(
                session, run, after=key[0] if key else 0, limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.id,)), StatedCredit.of)
