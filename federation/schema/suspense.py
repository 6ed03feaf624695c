"""Held money in GraphQL: what, why, since when, until when; the list that nodes see."""

from datetime import date, datetime

import strawberry

from federation.schema.context import Info
from federation.schema.ids import currency_if_any, month_if_any
from federation.schema.money_choices import HeldReason
from federation.schema.pages import Connection
from federation.schema.scalars import Money
from federation.suspense import elsewhere_store
from federation.suspense import items as held
from federation.suspense import service as suspense_service
from federation.suspense import store as suspense_store
from federation.suspense.elsewhere_store import HeldThere
from federation.suspense.tables import HeldListing
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_BOOKS, MAY_READ_HELD_LIST

_HELD, _LISTED, _ELSEWHERE = "suspense", "heldList", "heldElsewhere"


@strawberry.type(description="A legal date of held money, and the law it comes from.")
class SuspenseClock:
    """distribute_by, list_by, public_by, non_distributable_on; pay_by where the owner is known."""

    name: str
    on: date
    source: str

    @classmethod
    def of(cls, clock: held.Clock) -> "SuspenseClock":
        """Show a legal date and its source."""
        return cls(name=clock.name, on=clock.on, source=clock.source)


@strawberry.type(description="Money this server holds, with the reason.")
class SuspenseItem:
    """A held amount; `owner` is for whom where that is known, else empty."""

    reason: HeldReason
    owner: str
    amount: Money
    since: date
    period: str
    received_on: date | None
    licence: str
    url: str
    ref: str
    clocks: list[SuspenseClock]

    @classmethod
    def of(cls, item: held.SuspenseItem, country: str | None) -> "SuspenseItem":
        """Show held money with the legal dates of a country; None is the default law."""
        return cls(
            reason=HeldReason(item.reason),
            owner=item.owner,
            amount=Money.of(item.amount, item.currency),
            since=item.since,
            period=item.period,
            received_on=item.received_on,
            licence=item.licence or "",
            url=item.url_key,
            ref=item.ref,
            clocks=[SuspenseClock.of(clock) for clock in held.clocks_of(item, country)],
        )


@strawberry.type(description="What is held for a reason, of one age in days.")
class SuspenseAge:
    """0-30, 31-90, 91-270 or >270 days; `overdue` items should have been distributed or paid."""

    reason: HeldReason
    bucket: str
    items: int
    amount: Money
    overdue: int
    next_clock: SuspenseClock | None

    @classmethod
    def of(cls, row: held.AgingRow) -> "SuspenseAge":
        """Show a sum of held money by reason and age."""
        return cls(
            reason=HeldReason(row.reason),
            bucket=row.bucket,
            items=row.items,
            amount=Money.of(row.amount, row.currency),
            overdue=row.overdue,
            next_clock=SuspenseClock.of(row.next_clock) if row.next_clock else None,
        )


@strawberry.type(description="An address money is held for: not by whom it was used, nor how much.")
class HeldListed:
    """An address, who holds money for it and how much, in bands instead of amounts."""

    id: strawberry.ID
    period: str
    holder: str
    reason: HeldReason
    url: str
    amount_band: str
    held_since: date

    @classmethod
    def of(cls, row: HeldListing) -> "HeldListed":
        """Show an address that money is held for."""
        return cls(
            id=strawberry.ID(str(row.id)),
            period=row.period,
            holder=row.holder,
            reason=HeldReason(row.reason),
            url=row.url_key,
            amount_band=row.amount_band,
            held_since=row.held_since,
        )


@strawberry.type
class SuspenseQuery:
    """Money that cannot be paid on yet: on every server."""

    @strawberry.field(
        description="Everything held here with reason, owner, age and legal dates, what is held "
        "longest first."
    )
    async def suspense(
        self,
        info: Info,
        reason: HeldReason | None = None,
        currency: str | None = None,
        first: int = 100,
        after: str | None = None,
        as_of: datetime | None = None,
    ) -> Connection[SuspenseItem]:
        """List held money, today or as of a past instant.

        Refused: UNKNOWN_CURRENCY, BAD_PAGE, BAD_CURSOR.
        """
        server = info.context.server
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_HELD, after, held.Place)
        currency = currency_if_any(currency)
        async with server.db.read() as session:
            found = await suspense_service.held_here(session, server.code, as_of)
        wanted = [
            item
            for item in sorted(found, key=held.place_of)
            if reason in (None, item.reason)
            and currency in (None, item.currency)
            and (key is None or held.place_of(item) > key)
        ]
        return Connection.of(
            wanted,
            size,
            lambda item: cursor_of(_HELD, held.place_of(item)),
            lambda item: SuspenseItem.of(item, server.country),
        )

    @strawberry.field(description="What is held by reason, currency and age, also in the past.")
    async def suspense_aging(self, info: Info, as_of: datetime | None = None) -> list[SuspenseAge]:
        """Report by reason, currency and age, today or as of a past instant."""
        server = info.context.server
        info.context.whose(MAY_READ_BOOKS)
        async with server.db.read() as session:
            found = await suspense_service.held_here(session, server.code, as_of)
        today = (as_of or server.clock()).date()
        return [SuspenseAge.of(row) for row in held.aging(found, server.country, today)]


@strawberry.type
class HeldListQuery:
    """What the hub and licensors hold, as the hub told every node."""

    @strawberry.field(
        description="Addresses the hub or a licensor holds money for, until it is claimed, in the "
        "order they were published."
    )
    async def held_list(
        self,
        info: Info,
        period: str | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[HeldListed]:
        """List addresses of one month or all (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_HELD_LIST)
        size, key = page_size(first), key_of(_LISTED, after, tuple[int])
        month = month_if_any(period)
        async with info.context.server.db.read() as session:
            rows = await suspense_store.listing(
                session, period=month, after=key[0] if key else 0, limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LISTED, (row.id,)), HeldListed.of)


@strawberry.type(description="What a licensor holds for an address in one of its own licences.")
class HeldElsewhere:
    """What the run gives it to hold; whether it has stated it; what is left to release."""

    id: strawberry.ID
    period: str
    holder: str
    licence: str
    reason: HeldReason
    url: str
    amount: Money
    left: Money
    is_stated: bool

    @classmethod
    def of(cls, row: HeldThere, ordered: int) -> "HeldElsewhere":
        """Show what a licensor holds, less what it was ordered to release."""
        return cls(
            id=strawberry.ID(str(row.id)),
            period=row.period,
            holder=row.licensor,
            licence=row.licence,
            reason=HeldReason(row.reason),
            url=row.url_key,
            amount=Money.of(row.amount, row.currency),
            left=Money.of(row.amount - ordered, row.currency),
            is_stated=row.stated == row.amount,
        )


@strawberry.type
class HeldElsewhereQuery:
    """What licensors hold in their own licences: at the hub."""

    @strawberry.field(
        description="What licensors hold by address, and have stated or not yet, in the order it "
        "came."
    )
    async def held_elsewhere(
        self,
        info: Info,
        period: str | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[HeldElsewhere]:
        """List items of one month or all (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_ELSEWHERE, after, tuple[int])
        month = month_if_any(period)
        async with info.context.server.db.read() as session:
            rows = await elsewhere_store.held_elsewhere(
                session, period=month, after=key[0] if key else 0, limit=size + 1
            )
            gone = await elsewhere_store.ordered(session, [row.id for row in rows])
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_ELSEWHERE, (row.id,)),
            lambda row: HeldElsewhere.of(row, gone.get(row.id, 0)),
        )
