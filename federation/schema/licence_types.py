"""What GraphQL shows of tariffs, offers, licences and receipts, and what it takes of them."""

from datetime import date, datetime
from typing import Annotated

import msgspec
import strawberry

from federation import money
from federation.licensing import store
from federation.licensing.objects import ComponentTerms, OfferTerms, decode
from federation.licensing.tables import Licence as LicenceRow
from federation.licensing.tables import Offer as OfferRow
from federation.licensing.tables import Registration as RegistrationRow
from federation.licensing.tables import Tariff as TariffRow
from federation.licensing.tariff import QuoteLines, TariffBody
from federation.schema.context import Info, Refused
from federation.schema.scalars import BigInt, Money


def _money(minor: int, currency: str) -> Money:
    return Money.of(money.Money(minor, currency))


@strawberry.type(description="A price of the tariff, in minor units per 1,000 units.")
class TariffPrice:
    """One cell of the tariff."""

    use: str
    content_tier: str
    per_1000: Money


@strawberry.type(description="A published version of the prices, the same for everybody.")
class Tariff:
    """The tariff."""

    version: int
    currency: str
    minimum_fee: Money
    valid_days: int
    published_at: datetime
    prices: list[TariffPrice]

    @classmethod
    def of(cls, row: TariffRow) -> "Tariff":
        """Show a row."""
        body = msgspec.json.decode(row.body, type=TariffBody)
        return cls(
            version=row.version,
            currency=body.currency,
            minimum_fee=_money(body.minimum_fee, body.currency),
            valid_days=body.valid_days,
            published_at=row.published_at,
            prices=[
                TariffPrice(use=use, content_tier=tier, per_1000=_money(price, body.currency))
                for use, tiers in sorted(body.per_1000.items())
                for tier, price in sorted(tiers.items())
            ],
        )


@strawberry.type(description="One line of a quote; without node it tops up to the minimum fee.")
class QuoteLine:
    """A priced line."""

    node: str | None
    use: str
    content_tier: str | None
    units: BigInt
    per_1000: Money
    amount: Money


@strawberry.type(description="Something that was asked for and is not covered, and why.")
class NotCovered:
    """A gap in a quote."""

    node: str
    use: str
    content_tier: str
    reason: str


@strawberry.type(description="A quote by the tariff, or an individual agreement.")
class Offer:
    """An offer and where it stands; outcomes are never deleted."""

    id: strawberry.ID
    kind: str
    state: str
    licensee: str
    uses: list[str]
    fee: Money
    starts_on: date
    ends_on: date
    tariff_version: int | None
    reason: str | None
    expires_at: datetime
    licence: str | None
    lines: list[QuoteLine]
    not_covered: list[NotCovered]

    @classmethod
    def of(cls, row: OfferRow, now: datetime) -> "Offer":
        """Show a row; an offer that has run out reads EXPIRED."""
        terms = msgspec.json.decode(row.body, type=OfferTerms)
        quoted = msgspec.json.decode(row.lines, type=QuoteLines | None)
        expired = row.state == "OFFERED" and row.expires_at <= now
        return cls(
            id=strawberry.ID(row.id),
            kind=row.kind,
            state="EXPIRED" if expired else row.state,
            licensee=row.licensee,
            uses=sorted(use for component in terms.components for use in component.uses),
            fee=_money(sum(int(item.fee) for item in terms.components), terms.currency),
            starts_on=terms.starts_on,
            ends_on=terms.ends_on,
            tariff_version=row.tariff_version,
            reason=row.reason,
            expires_at=row.expires_at,
            licence=row.licence,
            lines=[
                QuoteLine(
                    node=line.node,
                    use=line.use,
                    content_tier=line.content_tier,
                    units=BigInt(int(line.units)),
                    per_1000=_money(int(line.per_1000), terms.currency),
                    amount=_money(int(line.amount), terms.currency),
                )
                for line in (quoted.lines if quoted else [])
            ],
            not_covered=[
                NotCovered(
                    node=gap.node, use=gap.use, content_tier=gap.content_tier, reason=gap.reason
                )
                for gap in (quoted.not_covered if quoted else [])
            ],
        )


@strawberry.type(description="Where a licence stands at a node; it gates tokens, not settlement.")
class Registration:
    """A node's registration of a licence."""

    node: str
    state: str
    version: int
    reason: str | None
    changed_at: datetime

    @classmethod
    def of(cls, row: RegistrationRow) -> "Registration":
        """Show a row."""
        return cls(
            node=row.node,
            state=row.state,
            version=row.version,
            reason=row.reason,
            changed_at=row.changed_at,
        )


@strawberry.type(description="A licence as its licensor signed it.")
class Licence:
    """A licence."""

    number: str
    version: int
    licensor: str
    licensee: str
    status: str
    uses: list[str]
    fee: Money
    starts_on: date
    ends_on: date
    unclaimed: str
    usage_basis: str
    signed: str

    @strawberry.field(description="Where the licence stands at each node.")
    async def registrations(self, info: Info) -> list[Registration]:
        """List registrations."""
        async with info.context.server.db.read() as session:
            rows = await store.registrations(session, self.number)
            return [Registration.of(row) for row in rows]

    @classmethod
    def of(cls, row: LicenceRow) -> "Licence":
        """Show a row."""
        body = decode(row.body)
        return cls(
            number=row.number,
            version=row.version,
            licensor=row.licensor,
            licensee=row.licensee,
            status=row.status,
            uses=sorted(use for component in body.grant.components for use in component.uses),
            fee=_money(int(body.fee.total), body.fee.currency),
            starts_on=body.term.starts_on,
            ends_on=body.term.ends_on,
            unclaimed=body.grant.unclaimed,
            usage_basis=body.reporting.usage_basis,
            signed=row.signed,
        )


@strawberry.type(description="A registered AI lab.")
class Licensee:
    """A lab."""

    id: str
    name: str


@strawberry.type(description="Money received for a licence.")
class Receipt:
    """A receipt."""

    id: strawberry.ID
    licence: str
    received_on: date
    amount: Money


@strawberry.input(description="A component of an individual agreement; `fee` in minor units.")
class ComponentInput:
    """Uses with a fee and a unit of their own."""

    uses: list[str]
    fee: BigInt
    unit: str = "TOKEN"
    id: str | None = None


@strawberry.input(description="An individual agreement, with the reason it deviates.")
class OfferInput:
    """What a licensing officer offers."""

    licensee: str
    components: list[ComponentInput]
    currency: str
    starts_on: date
    ends_on: date
    usage_basis: str
    reason: str
    unclaimed: str = "exclude"
    audience: str = "EXTERNAL"
    territories: list[str] = strawberry.field(default_factory=list)
    repertoire: list[str] = strawberry.field(default_factory=list)

    def terms(self) -> OfferTerms:
        """Return domain terms."""
        return OfferTerms(
            licensee=self.licensee,
            components=[
                ComponentTerms(
                    uses=sorted(item.uses), fee=str(item.fee), unit=item.unit, id=item.id
                )
                for item in self.components
            ],
            currency=self.currency,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            usage_basis=self.usage_basis,
            unclaimed=self.unclaimed,
            audience=self.audience,
            territories=self.territories,
            repertoire=self.repertoire,
        )


@strawberry.input(description="Usage a buyer expects.")
class ExpectedInput:
    """Units of one use, of one collective's works on one content tier."""

    node: str
    use: str
    content_tier: str
    units: BigInt


@strawberry.input(description="What a lab asks a price for.")
class QuoteInput:
    """A request for a quote."""

    expected: list[ExpectedInput]
    starts_on: date
    ends_on: date
    usage_basis: str = "site"
    territories: list[str] = strawberry.field(default_factory=list)


@strawberry.input(description="Prices per 1,000 units in minor units.")
class PriceInput:
    """One cell of the tariff."""

    use: str
    content_tier: str
    per_1000: BigInt


@strawberry.input(description="The next version of the tariff.")
class TariffInput:
    """Prices to publish."""

    currency: str
    prices: list[PriceInput]
    minimum_fee: BigInt
    valid_days: int = 30


OfferResult = Annotated[Offer | Refused, strawberry.union("OfferResult")]
LicenceResult = Annotated[Licence | Refused, strawberry.union("LicenceResult")]
LicenseeResult = Annotated[Licensee | Refused, strawberry.union("LicenseeResult")]
TariffResult = Annotated[Tariff | Refused, strawberry.union("TariffResult")]
ReceiptResult = Annotated[Receipt | Refused, strawberry.union("ReceiptResult")]
