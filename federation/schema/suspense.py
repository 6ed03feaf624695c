"""Held money in GraphQL: what, why, since when, until when; the list, claims and decisions."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation import money
from federation.config import NodeConfig
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import Money
from federation.server import Server
from federation.suspense import claiming, deciding
from federation.suspense import items as held
from federation.suspense import service as suspense_service
from federation.suspense import store as suspense_store
from federation.suspense.tables import HeldClaim as HeldClaimRow
from federation.suspense.tables import HeldListing
from federation.values.month import parse_month

OFFICER = ("settlement_officer",)
APPROVER = ("settlement_approver",)
READERS = ("settlement_officer", "settlement_approver", "auditor")
PAGE_MAX = 1_000


@strawberry.type(description="A legal date of held money, and the law it comes from.")
class SuspenseClock:
    """distribute_by, list_by, public_by, non_distributable_on; pay_by where the owner is known."""

    name: str
    on: date
    source: str

    @classmethod
    def of(cls, clock: held.Clock) -> "SuspenseClock":
        """Show a clock."""
        return cls(name=clock.name, on=clock.on, source=clock.source)


@strawberry.type(description="Money this server holds, with the reason.")
class SuspenseItem:
    """A held amount; `owner` is for whom where that is known, else empty."""

    reason: str
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
        """Show an item."""
        return cls(
            reason=item.reason,
            owner=item.owner,
            amount=_money(item.amount, item.currency),
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

    reason: str
    bucket: str
    items: int
    amount: Money
    overdue: int
    next_clock: SuspenseClock | None

    @classmethod
    def of(cls, row: held.AgingRow) -> "SuspenseAge":
        """Show a row."""
        return cls(
            reason=row.reason,
            bucket=row.bucket,
            items=row.items,
            amount=_money(row.amount, row.currency),
            overdue=row.overdue,
            next_clock=SuspenseClock.of(row.next_clock) if row.next_clock else None,
        )


@strawberry.type(description="An address money is held for: not by whom it was used, nor how much.")
class HeldListed:
    """One row of the list."""

    id: strawberry.ID
    period: str
    holder: str
    reason: str
    url: str
    amount_band: str
    held_since: date

    @classmethod
    def of(cls, row: HeldListing) -> "HeldListed":
        """Show a row."""
        return cls(
            id=strawberry.ID(str(row.id)),
            period=row.period,
            holder=row.holder,
            reason=row.reason,
            url=row.url_key,
            amount_band=row.amount_band,
            held_since=row.held_since,
        )


@strawberry.type(description="A claim on held money: FILED, ACCEPTED or REFUSED.")
class HeldClaim:
    """A claim; `member` is known at the claimant's own collective only."""

    id: strawberry.ID
    node: str
    url: str
    claim_id: str
    member: str | None
    evidence: str
    state: str
    filed_by: str
    filed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None

    @classmethod
    def of(cls, row: HeldClaimRow) -> "HeldClaim":
        """Show a row."""
        return cls(
            id=strawberry.ID(row.id),
            node=row.node,
            url=row.url_key,
            claim_id=row.claim_id,
            member=row.member_id,
            evidence=row.evidence,
            state=row.state,
            filed_by=row.filed_by,
            filed_at=row.filed_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            decision=row.decision,
        )


HeldClaimResult = Annotated[HeldClaim | Refused, strawberry.union("HeldClaimResult")]


def _money(minor: int, currency: str) -> Money:
    return Money.of(money.Money(minor, currency))


def _country(server: Server) -> str | None:
    """Return whose law applies: a collective's own; at the hub the default."""
    return server.config.country if isinstance(server.config, NodeConfig) else None


@strawberry.type
class SuspenseQuery:
    """Held money: on every server."""

    @strawberry.field(description="Everything held here with reason, owner, age and legal dates.")
    async def suspense(
        self,
        info: Info,
        reason: str | None = None,
        currency: str | None = None,
        first: int = 100,
        skip: int = 0,
        as_of: datetime | None = None,
    ) -> list[SuspenseItem]:
        """List held money, at most 1,000 items at a time."""
        server = info.context.server
        info.context.require(*READERS)
        async with server.db.read() as session:
            found = await suspense_service.held_here(session, server.code, as_of)
        wanted = [
            item
            for item in found
            if reason in (None, item.reason) and currency in (None, item.currency)
        ]
        start = max(skip, 0)
        page = wanted[start : start + min(max(first, 1), PAGE_MAX)]
        return [SuspenseItem.of(item, _country(server)) for item in page]

    @strawberry.field(description="What is held by reason, currency and age, also in the past.")
    async def suspense_aging(self, info: Info, as_of: datetime | None = None) -> list[SuspenseAge]:
        """Report ages."""
        server = info.context.server
        info.context.require(*READERS)
        async with server.db.read() as session:
            found = await suspense_service.held_here(session, server.code, as_of)
        today = (as_of or server.clock()).date()
        return [SuspenseAge.of(row) for row in held.aging(found, _country(server), today)]

    @strawberry.field(description="Claims on held money: the hub's queue, or a node's own.")
    async def held_claims(
        self, info: Info, state: str | None = None, first: int = 100, after: str = ""
    ) -> list[HeldClaim]:
        """List claims by id."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            rows = await suspense_store.claims(session, state=state, after=after, limit=first)
        return [HeldClaim.of(row) for row in rows]


@strawberry.type
class HeldListQuery:
    """What the hub published: at a node."""

    @strawberry.field(description="Addresses the hub holds money for, until it is claimed.")
    async def held_list(
        self, info: Info, period: str | None = None, first: int = 100, after: str = "0"
    ) -> list[HeldListed]:
        """List what is held elsewhere."""
        info.context.require(*READERS, "registry_officer")
        start = int(after) if after.isdigit() and len(after) < 19 else 0  # noqa: PLR2004
        month = None if period is None else parse_month(period)
        async with info.context.server.db.read() as session:
            rows = await suspense_store.listing(session, period=month, after=start, limit=first)
        return [HeldListed.of(row) for row in rows]


@strawberry.type
class HeldClaimMutation:
    """Claims: at a node."""

    @strawberry.mutation(
        description="Claim what the hub holds for an address: name the claim or its member."
    )
    async def claim_held_item(
        self,
        info: Info,
        url: str,
        evidence: str,
        claim_id: str | None = None,
        member: str | None = None,
    ) -> HeldClaimResult:
        """File a claim."""

        async def act(at: Change) -> HeldClaim:
            row = await claiming.claim_held(
                at.session,
                url,
                node=at.server.code,
                claim_id=claim_id,
                member=member,
                evidence=evidence,
                who=at.who,
                now=at.now,
            )
            return HeldClaim.of(row)

        return await change(info, "held.claim", OFFICER, act)


@strawberry.type
class HeldDecisionMutation:
    """Decisions: at the hub, by another person."""

    @strawberry.mutation(description="Accept a claim and release what is held for it, or refuse.")
    async def decide_held_claim(
        self,
        info: Info,
        claim: strawberry.ID,
        accept: bool,
        reason: str,
    ) -> HeldClaimResult:
        """Decide a claim."""

        async def act(at: Change) -> HeldClaim:
            row = await deciding.decide_held_claim(
                at.session,
                claim,
                accept=accept,
                reason=reason,
                who=at.who,
                terms=await at.server.terms(at.session),
                now=at.now,
            )
            return HeldClaim.of(row)

        return await change(info, "held.decide", APPROVER, act)

    @strawberry.mutation(
        description="Record how a dispute between collectives ended: one filed claim is released."
    )
    async def decide_dispute(
        self, info: Info, url: str, node: str, claim_id: str, reason: str
    ) -> HeldClaimResult:
        """Decide a dispute; other claims on the address are refused."""

        async def act(at: Change) -> HeldClaim:
            row = await deciding.decide_dispute(
                at.session,
                url,
                node=node,
                claim_id=claim_id,
                reason=reason,
                who=at.who,
                terms=await at.server.terms(at.session),
                now=at.now,
            )
            return HeldClaim.of(row)

        return await change(info, "held.dispute", APPROVER, act)
