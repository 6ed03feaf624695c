"""Currency sold to pay in another, in GraphQL."""

from datetime import date
from typing import Annotated

import strawberry

from federation.payments import tables as rows
from federation.payments.postings import Amount
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import BigInt, Money
from federation.treasury import deals
from federation.values.roles import MAY_PREPARE


@strawberry.input(description="A deal: what was sold and bought, what of the position it squares.")
class ConversionInput:
    """Amounts in minor units; the name of the deal has no slash."""

    deal: str
    sold: BigInt
    sold_currency: str
    squares_sold: BigInt
    bought: BigInt
    bought_currency: str
    squares_bought: BigInt
    value_on: date


@strawberry.type(description="A deal in currency and the days on which the bank booked its legs.")
class Conversion:
    """A deal with the bank: what was sold and bought, and when each side was booked."""

    deal: str
    sold: Money
    bought: Money
    sold_on: date | None
    bought_on: date | None

    @classmethod
    def of(cls, row: rows.Conversion) -> "Conversion":
        """Show a deal; a day is None until the bank has booked that side."""
        return cls(
            deal=row.deal,
            sold=Money.of(row.sold, row.sold_currency),
            bought=Money.of(row.bought, row.bought_currency),
            sold_on=row.sold_on,
            bought_on=row.bought_on,
        )


ConversionResult = Annotated[Conversion | Refused, strawberry.union("ConversionResult")]


@strawberry.type
class ConversionMutation:
    """What treasury tells of its deals: on every server."""

    @strawberry.mutation(description="Record currency that was sold to pay in another.")
    async def record_conversion(self, info: Info, deal: ConversionInput) -> ConversionResult:
        """Record a deal; the bank's word books its legs."""

        async def act(at: Change) -> Conversion:
            terms = deals.Deal(
                deal=deal.deal,
                sold=Amount(deal.sold, deal.sold_currency),
                squares_sold=deal.squares_sold,
                bought=Amount(deal.bought, deal.bought_currency),
                squares_bought=deal.squares_bought,
                value_on=deal.value_on,
            )
            return Conversion.of(
                await deals.record_conversion(
                    at.session, at.server.code, terms, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "conversion.record", MAY_PREPARE, act)
