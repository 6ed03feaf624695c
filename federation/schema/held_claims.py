"""Claims on held money in GraphQL: a node files them, the hub decides."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.disputes.between import decide_held
from federation.releases import claiming, deciding, store
from federation.schema.context import Change, Info, Refused, change
from federation.schema.money_choices import HeldClaimState
from federation.schema.pages import Connection
from federation.suspense.tables import HeldClaim as HeldClaimRow
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS


@strawberry.type(description="A claim on held money: FILED, ACCEPTED or REFUSED.")
class HeldClaim:
    """A claim; `member` is known at the claimant's own collective only."""

    id: strawberry.ID
    node: str
    url: str
    claim_id: str
    member: str | None
    evidence: str
    state: HeldClaimState
    filed_by: str
    filed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None

    @classmethod
    def of(cls, row: HeldClaimRow) -> "HeldClaim":
        """Show a claim and what was decided about it."""
        return cls(
            id=strawberry.ID(row.id),
            node=row.node,
            url=row.url_key,
            claim_id=row.claim_id,
            member=row.member_id,
            evidence=row.evidence,
            state=HeldClaimState(row.state),
            filed_by=row.filed_by,
            filed_at=row.filed_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            decision=row.decision,
        )


_LIST = "heldClaims"

HeldClaimResult = Annotated[HeldClaim | Refused, strawberry.union("HeldClaimResult")]


@strawberry.type
class HeldClaimQuery:
    """Who claims what is held: on every server."""

    @strawberry.field(
        description="Claims on held money by id: the hub's queue; at a node its own and those it "
        "paid."
    )
    async def held_claims(
        self,
        info: Info,
        state: HeldClaimState | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[HeldClaim]:
        """List claims, of one state or all (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            rows = await store.claims(
                session,
                state=state and state.value,
                after=key[0] if key else "",
                limit=size + 1,
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.id,)), HeldClaim.of)


@strawberry.type
class HeldClaimMutation:
    """How a collective claims what is held by the hub or a licensor: at a node."""

    @strawberry.mutation(
        description="Claim what is held for an address: name the claim or its member."
    )
    async def claim_held_item(
        self,
        info: Info,
        url: str,
        evidence: str,
        claim_id: str | None = None,
        member: str | None = None,
    ) -> HeldClaimResult:
        """File a claim with the hub (NOT_HELD, NO_SUCH_CLAIM, HELD_CLAIM_STATE)."""

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

        return await change(info, "held.claim", MAY_PREPARE, act)


@strawberry.type
class HeldDecisionMutation:
    """How the hub decides claims, by another person than filed them."""

    @strawberry.mutation(description="Accept a claim and release what is held for it, or refuse.")
    async def decide_held_claim(
        self,
        info: Info,
        claim: strawberry.ID,
        accept: bool,
        reason: str,
    ) -> HeldClaimResult:
        """Accept and pay, or refuse (UNKNOWN_HELD_CLAIM, CONTESTED_CLAIM, NOT_HELD)."""

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

        return await change(info, "held.decide", MAY_APPROVE, act)

    @strawberry.mutation(
        description="Record how a dispute between collectives ended: one filed claim is released."
    )
    async def decide_dispute(
        self, info: Info, url: str, node: str, claim_id: str, reason: str
    ) -> HeldClaimResult:
        """Decide it as its dispute ended (DISPUTE_OPEN, DECIDED_OTHERWISE).

        Other claims on the address are refused.
        """

        async def act(at: Change) -> HeldClaim:
            row = await decide_held(
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

        return await change(info, "held.dispute", MAY_APPROVE, act)
