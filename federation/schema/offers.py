"""Offers in GraphQL: quotes by the tariff, and individual agreements with their reasons."""

from datetime import date, datetime
from typing import Annotated

import msgspec
import strawberry
from strawberry.federation.schema_directives import Cost

from federation.errors import RefusalError
from federation.licensing import quoting, service, store
from federation.licensing.objects import ComponentTerms, OfferTerms
from federation.licensing.tables import Offer as OfferRow
from federation.licensing.tariff import Expected, QuoteLines
from federation.schema.choices import OfferKind, OfferState, Unclaimed, UsageBasis, UsageUnit
from federation.schema.context import Change, Info, Refused, change
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt, ContentTier, LicensedUse, Money
from federation.values.cursors import KeptInstant, cursor_of, key_of, page_size
from federation.values.roles import MAY_BUY, MAY_LICENSE, MAY_READ_AGREEMENTS, MAY_READ_OFFERS


@strawberry.type(description="One line of a quote; without node it tops up to the minimum fee.")
class QuoteLine:
    """Units asked for, their price per 1,000, and what they come to, rounded half to even."""

    node: str | None
    use: LicensedUse
    content_tier: ContentTier | None
    units: BigInt
    per_1000: Money
    amount: Money


@strawberry.type(description="Something that was asked for and is not covered, and why.")
class NotCovered:
    """What was asked for and left out of the price, with the reason."""

    node: str
    use: LicensedUse
    content_tier: ContentTier
    reason: str


@strawberry.type(description="A quote by the tariff, or an individual agreement.")
class Offer:
    """An offer and where it stands; outcomes are never deleted."""

    id: strawberry.ID
    kind: OfferKind
    state: OfferState
    licensee: str
    uses: list[LicensedUse]
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
            kind=OfferKind(row.kind),
            state=OfferState.EXPIRED if expired else OfferState(row.state),
            licensee=row.licensee,
            uses=[LicensedUse(use) for use in terms.uses],
            fee=Money.of(terms.fee, terms.currency),
            starts_on=terms.starts_on,
            ends_on=terms.ends_on,
            tariff_version=row.tariff_version,
            reason=row.reason,
            expires_at=row.expires_at,
            licence=row.licence,
            lines=_lines(quoted, terms.currency),
            not_covered=_not_covered(quoted),
        )


def _lines(quoted: QuoteLines | None, currency: str) -> list[QuoteLine]:
    return [
        QuoteLine(
            node=line.node,
            use=LicensedUse(line.use),
            content_tier=None if line.content_tier is None else ContentTier(line.content_tier),
            units=BigInt(int(line.units)),
            per_1000=Money.of(int(line.per_1000), currency),
            amount=Money.of(int(line.amount), currency),
        )
        for line in (quoted.lines if quoted else [])
    ]


def _not_covered(quoted: QuoteLines | None) -> list[NotCovered]:
    return [
        NotCovered(
            node=gap.node,
            use=LicensedUse(gap.use),
            content_tier=ContentTier(gap.content_tier),
            reason=gap.reason,
        )
        for gap in (quoted.not_covered if quoted else [])
    ]


@strawberry.type(description="What a quote would cost now, by the newest tariff.")
class Estimate:
    """A price that nobody is bound to: nothing of it is kept."""

    tariff_version: int
    fee: Money
    lines: list[QuoteLine]
    not_covered: list[NotCovered]

    @classmethod
    def of(cls, found: quoting.Priced) -> "Estimate":
        """Show what a request was priced at."""
        currency = found.terms.currency
        return cls(
            tariff_version=found.version,
            fee=Money.of(found.terms.fee, currency),
            lines=_lines(found.lines, currency),
            not_covered=_not_covered(found.lines),
        )


@strawberry.input(description="A component of an individual agreement; `fee` in minor units.")
class ComponentInput:
    """Uses with a fee and a unit of their own."""

    uses: list[LicensedUse]
    fee: BigInt
    unit: UsageUnit = UsageUnit.TOKEN
    id: str | None = None


@strawberry.input(description="An individual agreement, with the reason it deviates.")
class OfferInput:
    """The terms of an agreement; several components each need an id of their own."""

    licensee: str
    components: list[ComponentInput]
    currency: str
    starts_on: date
    ends_on: date
    usage_basis: UsageBasis
    reason: str
    unclaimed: Unclaimed = Unclaimed.exclude
    audience: str = "EXTERNAL"
    territories: list[str] = strawberry.field(default_factory=list)
    repertoire: list[str] = strawberry.field(default_factory=list)

    def terms(self) -> OfferTerms:
        """Return the terms as they are offered; they are checked when they are."""
        return OfferTerms(
            licensee=self.licensee,
            components=[
                ComponentTerms(
                    uses=sorted(item.uses), fee=str(item.fee), unit=item.unit.value, id=item.id
                )
                for item in self.components
            ],
            currency=self.currency,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            usage_basis=self.usage_basis.value,
            unclaimed=self.unclaimed.value,
            audience=self.audience,
            territories=self.territories,
            repertoire=self.repertoire,
        )


@strawberry.input(description="Usage a buyer expects.")
class ExpectedInput:
    """Units of one use, of one collective's works on one content tier."""

    node: str
    use: LicensedUse
    content_tier: ContentTier
    units: BigInt


@strawberry.input(description="What a lab asks a price for.")
class QuoteInput:
    """Usage to price and the days it is for; a quote covers 1 to 1,000 lines."""

    expected: list[ExpectedInput]
    starts_on: date
    ends_on: date
    usage_basis: UsageBasis = UsageBasis.site
    territories: list[str] = strawberry.field(default_factory=list)

    def request(self) -> quoting.QuoteRequest:
        """Return what is asked for; it is checked when it is priced."""
        return quoting.QuoteRequest(
            expected=tuple(
                Expected(item.node, item.use, item.content_tier, int(item.units))
                for item in self.expected
            ),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            usage_basis=self.usage_basis.value,
            territories=tuple(self.territories),
        )


OfferResult = Annotated[Offer | Refused, strawberry.union("OfferResult")]


@strawberry.type
class OfferQuery:
    """Offers: a lab sees its own, staff see all; agreements are for all to read."""

    @strawberry.field(description="Offers, newest first: a lab's own, or all for staff.")
    async def offers(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Offer]:
        """List offers, newest first; a lab gets its own only (BAD_PAGE, BAD_CURSOR)."""
        licensee = info.context.whose(MAY_READ_OFFERS)
        return await _page(info, "offers", first, after, licensee=licensee)

    @strawberry.field(
        description="Individual agreements with their reasons, newest first: every lab reads them."
    )
    async def individual_agreements(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Offer]:
        """List agreements of all labs, newest first (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_AGREEMENTS)
        return await _page(info, "individualAgreements", first, after, kind="INDIVIDUAL")


async def _page(
    info: Info,
    name: str,
    first: int,
    after: str | None,
    *,
    licensee: str | None = None,
    kind: str | None = None,
) -> Connection[Offer]:
    """Return a page of the offers of one lab or kind or of all, newest first."""
    size, key = page_size(first), key_of(name, after, tuple[KeptInstant, str])
    now = info.context.server.clock()
    async with info.context.server.db.read() as session:
        rows = await store.offers(
            session,
            licensee=licensee,
            kind=kind,
            before=key,
            limit=size + 1,
        )
    return Connection.of(
        rows,
        size,
        lambda row: cursor_of(name, (row.offered_at, row.id)),
        lambda row: Offer.of(row, now),
    )


@strawberry.type
class EstimateQuery:
    """A price before anybody has an account: at the hub, for everybody."""

    @strawberry.field(
        description="What a quote would cost now, line by line; nothing is kept of it.",
        directives=[Cost(weight=10)],
    )
    async def estimate(self, info: Info, input: QuoteInput) -> Estimate | None:
        """Price what somebody expects to use, as a quote would (BAD_OFFER, NO_TARIFF)."""
        async with info.context.server.db.read() as session:
            return Estimate.of(await quoting.priced(session, input.request(), ""))


@strawberry.type
class OfferMutation:
    """Agreements outside the tariff: at hub and node."""

    @strawberry.mutation(description="Offer an individual agreement.")
    async def offer_licence(self, info: Info, input: OfferInput, key: str) -> OfferResult:
        """Offer terms outside the tariff, with a reason (BAD_OFFER, UNKNOWN_LICENSEE)."""

        async def act(at: Change) -> Offer:
            terms = await at.server.terms(at.session)
            row = await service.offer_licence(
                at.session,
                input.terms(),
                at.who,
                reason=input.reason,
                key=key,
                uses=sorted(terms.use_weight),
                now=at.now,
            )
            return Offer.of(row, at.now)

        return await change(info, "licence.offer", MAY_LICENSE, act)


@strawberry.type
class QuoteMutation:
    """A price by the tariff, for a lab that asks: at the hub."""

    @strawberry.mutation(description="Ask for a price: line by line, the same for everybody.")
    async def request_quote(
        self, info: Info, input: QuoteInput, key: str | None = None
    ) -> OfferResult:
        """Price what a lab expects to use (BAD_OFFER, NO_TARIFF, UNKNOWN_LICENSEE).

        With a `key` the same request is answered with the same quote (IDEMPOTENCY_CONFLICT).
        """
        try:
            who, quotas = info.context.require(*MAY_BUY), info.context.server.quotas
            quotas.take(who.party or who.subject, "quotes", max(1, len(input.expected)))
        except RefusalError as refusal:
            return Refused.of(refusal)

        async def act(at: Change) -> Offer:
            row = await quoting.quote(at.session, input.request(), at.who, at.now, key=key)
            return Offer.of(row, at.now)

        return await change(info, "quote.request", MAY_BUY, act)
