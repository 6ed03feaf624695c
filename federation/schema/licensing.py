"""Buying and selling licences: tariff, quotes, individual agreements, status, receipts."""

from datetime import date

import strawberry

from federation import money
from federation.documents import licence_books
from federation.licensing import quoting, receipts, service, store
from federation.licensing.objects import decode
from federation.licensing.rules import BadOfferError
from federation.licensing.tariff import Expected, TariffBody
from federation.schema.context import Change, Info, Refused, change
from federation.schema.licence_types import (
    Licence,
    LicenceResult,
    Licensee,
    LicenseeResult,
    Offer,
    OfferInput,
    OfferResult,
    QuoteInput,
    Receipt,
    ReceiptResult,
    Tariff,
    TariffInput,
    TariffResult,
)
from federation.schema.scalars import BigInt, Money

OFFICER = ("licensing_officer",)
STAFF = ("licensing_officer", "settlement_officer", "settlement_approver", "auditor")
QUOTE_LINES_MAX = 1_000


@strawberry.type
class LicensingQuery:
    """Offers and licences: a lab sees its own, staff see all."""

    @strawberry.field(description="Licences by number.")
    async def licences(self, info: Info, first: int = 100, after: str = "") -> list[Licence]:
        """List licences."""
        who = info.context.require("lab", "node_operator", *STAFF)
        licensee = who.require_party() if "lab" in who.roles else None
        async with info.context.server.db.read() as session:
            rows = await store.licences(
                session, licensee=licensee, after=after, limit=min(max(first, 1), 100)
            )
            return [Licence.of(row) for row in rows]

    @strawberry.field(description="One licence.")
    async def licence(self, info: Info, number: str) -> Licence:
        """Show a licence."""
        who = info.context.require("lab", "node_operator", *STAFF)
        async with info.context.server.db.read() as session:
            return Licence.of(await service.licence_for(session, number, who))

    @strawberry.field(description="Offers, newest first: a lab's own, or all for staff.")
    async def offers(self, info: Info, first: int = 100) -> list[Offer]:
        """List offers."""
        who = info.context.require("lab", *STAFF)
        licensee = who.require_party() if "lab" in who.roles else None
        now = info.context.server.clock()
        async with info.context.server.db.read() as session:
            rows = await store.offers(
                session, licensee=licensee, kind=None, limit=min(max(first, 1), 100)
            )
            return [Offer.of(row, now) for row in rows]

    @strawberry.field(description="Individual agreements with their reasons: every lab reads them.")
    async def individual_agreements(self, info: Info, first: int = 100) -> list[Offer]:
        """List deviations from the tariff."""
        info.context.require("lab", "node_operator", *STAFF)
        now = info.context.server.clock()
        async with info.context.server.db.read() as session:
            rows = await store.offers(
                session, licensee=None, kind="INDIVIDUAL", limit=min(max(first, 1), 100)
            )
            return [Offer.of(row, now) for row in rows]


@strawberry.type
class TariffQuery:
    """The hub's published prices."""

    @strawberry.field(description="The newest tariff; null before the first is published.")
    async def tariff(self, info: Info) -> Tariff | None:
        """Show the tariff."""
        async with info.context.server.db.read() as session:
            row = await store.latest_tariff(session)
            return Tariff.of(row) if row else None


@strawberry.type
class LicensingMutation:
    """Individual agreements, acceptance, status and receipts: at hub and node."""

    @strawberry.mutation(description="Register an AI lab as a licensee.")
    async def register_licensee(self, info: Info, id: str, name: str) -> LicenseeResult:  # noqa: A002
        """Register a lab."""

        async def act(at: Change) -> Licensee:
            row = await service.register_licensee(at.session, id, name, at.now)
            return Licensee(id=row.id, name=row.name)

        return await change(info, "licensee.register", OFFICER, act)

    @strawberry.mutation(description="Offer an individual agreement.")
    async def offer_licence(self, info: Info, input: OfferInput, key: str) -> OfferResult:  # noqa: A002
        """Offer terms outside the tariff."""

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

        return await change(info, "licence.offer", OFFICER, act)

    @strawberry.mutation(description="Accept an offer: the licence gets its number at once.")
    async def accept_offer(self, info: Info, offer: strawberry.ID, key: str) -> LicenceResult:
        """Accept."""

        async def act(at: Change) -> Licence:
            row = await service.accept_offer(
                at.session, offer, at.who, key=key, licensing=at.server.licensing, now=at.now
            )
            await licence_books.book_licence(at.session, row)
            return Licence.of(row)

        return await change(info, "licence.accept", ("lab",), act)

    @strawberry.mutation(description="Suspend a licence: tokens stop, settlement goes on.")
    async def suspend_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """Suspend."""
        return await _status(info, number, "SUSPENDED", reason)

    @strawberry.mutation(description="Lift a suspension.")
    async def reinstate_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """Reinstate."""
        return await _status(info, number, "ACTIVE", reason)

    @strawberry.mutation(description="Revoke a licence for good, from now on.")
    async def revoke_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """Revoke."""
        return await _status(info, number, "REVOKED", reason)

    @strawberry.mutation(description="Record money received; a return is negative (minor units).")
    async def record_receipt(
        self, info: Info, licence: str, received_on: date, amount: BigInt, key: str
    ) -> ReceiptResult:
        """Record a receipt and enter it in the books."""

        async def act(at: Change) -> Receipt:
            row, is_new = await receipts.record_receipt(
                at.session,
                number=licence,
                received_on=received_on,
                amount=int(amount),
                who=at.who,
                key=key,
                here=at.server.code,
                now=at.now,
            )
            if is_new:
                await licence_books.book_receipt(at.session, row)
            found = decode((await service.get_licence(at.session, licence)).body)
            return Receipt(
                id=strawberry.ID(row.id),
                licence=row.licence,
                received_on=row.received_on,
                amount=Money.of(money.Money(row.amount, found.fee.currency)),
            )

        return await change(info, "receipt.record", ("settlement_officer",), act)


async def _status(info: Info, number: str, status: str, reason: str) -> Licence | Refused:
    async def act(at: Change) -> Licence:
        row = await service.change_status(
            at.session,
            number,
            status,
            reason=reason,
            licensing=at.server.licensing,
            now=at.now,
        )
        return Licence.of(row)

    return await change(info, f"licence.{status.lower()}", OFFICER, act)


@strawberry.type
class QuoteMutation:
    """The hub's counter."""

    @strawberry.mutation(description="Publish the next version of the tariff.")
    async def publish_tariff(self, info: Info, input: TariffInput) -> TariffResult:  # noqa: A002
        """Publish prices."""

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

        return await change(info, "tariff.publish", OFFICER, act)

    @strawberry.mutation(description="Ask for a price: line by line, the same for everybody.")
    async def request_quote(self, info: Info, input: QuoteInput) -> OfferResult:  # noqa: A002
        """Quote from the tariff."""

        async def act(at: Change) -> Offer:
            if not 1 <= len(input.expected) <= QUOTE_LINES_MAX:
                raise BadOfferError(f"1 to {QUOTE_LINES_MAX} lines")
            if any(item.units < 1 for item in input.expected):
                raise BadOfferError("units of at least 1")
            request = quoting.QuoteRequest(
                expected=tuple(
                    Expected(item.node, item.use, item.content_tier, int(item.units))
                    for item in input.expected
                ),
                starts_on=input.starts_on,
                ends_on=input.ends_on,
                usage_basis=input.usage_basis,
                territories=tuple(input.territories),
            )
            return Offer.of(await quoting.quote(at.session, request, at.who, at.now), at.now)

        return await change(info, "quote.request", ("lab",), act)
