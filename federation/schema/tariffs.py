"""The published prices in GraphQL: the same for everybody, at the hub."""

from datetime import datetime
from typing import Annotated

import msgspec
import strawberry

from federation.licensing import quoting, store
from federation.licensing.tables import Tariff as TariffRow
from federation.licensing.tariff import TariffBody
from federation.schema.context import Change, Info, Refused, change
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt, ContentTier, LicensedUse, Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_LICENSE


@strawberry.type(description="A price of the tariff, in minor units per 1,000 units.")
class TariffPrice:
    """The price of one use of works on one content tier."""

    use: LicensedUse
    content_tier: ContentTier
    per_1000: Money


@strawberry.type(description="A published version of the prices, the same for everybody.")
class Tariff:
    """A version of the prices.

    `minimum_fee` is what a quote costs at least for each twelve months that its term has begun.
    """

    version: int
    currency: str
    minimum_fee: Money
    valid_days: int
    published_at: datetime
    prices: list[TariffPrice]

    @classmethod
    def of(cls, row: TariffRow) -> "Tariff":
        """Show a published version."""
        body = msgspec.json.decode(row.body, type=TariffBody)
        return cls(
            version=row.version,
            currency=body.currency,
            minimum_fee=Money.of(body.minimum_fee, body.currency),
            valid_days=body.valid_days,
            published_at=row.published_at,
            prices=[
                TariffPrice(
                    use=LicensedUse(use),
                    content_tier=ContentTier(tier),
                    per_1000=Money.of(price, body.currency),
                )
                for use, tiers in sorted(body.per_1000.items())
                for tier, price in sorted(tiers.items())
            ],
        )


@strawberry.input(description="Prices per 1,000 units in minor units.")
class PriceInput:
    """A price in minor units of the tariff's currency, for one use and content tier."""

    use: LicensedUse
    content_tier: ContentTier
    per_1000: BigInt


@strawberry.input(description="The next version of the tariff.")
class TariffInput:
    """A whole tariff: what is not in it has no price."""

    currency: str
    prices: list[PriceInput]
    minimum_fee: BigInt
    valid_days: int = 30


TariffResult = Annotated[Tariff | Refused, strawberry.union("TariffResult")]


@strawberry.type
class TariffQuery:
    """What a licence costs: at the hub, for everybody to read."""

    @strawberry.field(description="The newest tariff; null before the first is published.")
    async def tariff(self, info: Info) -> Tariff | None:
        """Show the newest version."""
        async with info.context.server.db.read() as session:
            row = await store.latest_tariff(session)
            return Tariff.of(row) if row else None

    @strawberry.field(description="Every tariff that was published, newest first.")
    async def tariffs(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Tariff]:
        """List the versions, newest first (BAD_PAGE, BAD_CURSOR)."""
        size, key = page_size(first), key_of("tariffs", after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.tariffs(session, before=key[0] if key else None, limit=size + 1)
        return Connection.of(
            rows, size, lambda row: cursor_of("tariffs", (row.version,)), Tariff.of
        )


@strawberry.type
class TariffMutation:
    """How prices are published: at the hub."""

    @strawberry.mutation(description="Publish the next version of the tariff.")
    async def publish_tariff(self, info: Info, input: TariffInput) -> TariffResult:
        """Publish the next version; quotes given before stand (BAD_TARIFF, UNKNOWN_CURRENCY)."""

        async def act(at: Change) -> Tariff:
            prices: dict[str, dict[str, int]] = {}
            for item in input.prices:
                prices.setdefault(item.use, {})[item.content_tier] = int(item.per_1000)
            body = TariffBody(
                input.currency, prices, int(input.minimum_fee), valid_days=input.valid_days
            )
            terms = await at.server.terms(at.session)
            row = await quoting.publish_tariff(at.session, body, terms, at.who, at.now)
            return Tariff.of(row)

        return await change(info, "tariff.publish", MAY_LICENSE, act)
