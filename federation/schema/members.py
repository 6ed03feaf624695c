"""A collective's members and their claims in GraphQL: at a node."""

import strawberry

from federation.addresses.urls import ClaimKey
from federation.registry import store
from federation.registry import tables as rows
from federation.registry.service import get_member
from federation.schema.context import Info
from federation.schema.scalars import ContentTier
from federation.values.roles import MAY_READ_CLAIMS, MAY_READ_MEMBERS

ENDED_SHOWN = 1_000


@strawberry.type(description="A member of this collective.")
class Member:
    """A member's registration; `joined_on` is an ISO date, the account itself is not shown."""

    id: strawberry.ID
    name: str
    country: str
    joined_on: str
    account_on_file: bool

    @classmethod
    def of(cls, row: rows.Member) -> "Member":
        """Show a registered member."""
        return cls(
            id=strawberry.ID(row.member_id),
            name=row.name,
            country=row.country,
            joined_on=row.joined_on.isoformat(),
            account_on_file=bool(row.account),
        )


@strawberry.type(description="A claim of a member of this collective.")
class Claim:
    """A claim on `host/path` or `*.host/path`; `owner_bps` is the canonical owner's part."""

    id: strawberry.ID
    claim: str
    content_tier: ContentTier
    works: int
    canonical: str | None
    owner_bps: int | None
    valid_from: str | None
    valid_to: str | None

    @classmethod
    def of(cls, row: rows.Claim) -> "Claim":
        """Show a registered claim."""
        return cls(
            id=strawberry.ID(row.claim_id),
            claim=("*." if row.wildcard else "") + row.host + row.path,
            content_tier=ContentTier(row.content_tier),
            works=row.works,
            canonical=row.canonical,
            owner_bps=row.owner_bps,
            valid_from=row.valid_from.isoformat() if row.valid_from else None,
            valid_to=row.valid_to.isoformat() if row.valid_to else None,
        )


@strawberry.type(description="A claim or opt-out that a later version of the rules refuses.")
class EndedRow:
    """What it says, whose it is (no member for an opt-out), why and when (ISO) it ended."""

    subject: str
    member: str | None
    reason: str
    ended_on: str


@strawberry.type
class MemberQuery:
    """Who the members are and what they claim."""

    @strawberry.field(description="Members by id.")
    async def members(self, info: Info, first: int = 100, after: str = "") -> list[Member]:
        """List members by id, at most 100 at a time; `after` is the last id of a page."""
        info.context.whose(MAY_READ_MEMBERS)
        async with info.context.server.db.read() as session:
            found = await store.members(session, after=after, limit=min(max(first, 1), 100))
        return [Member.of(row) for row in found]

    @strawberry.field(description="A member's claims: its own, or any for the registry.")
    async def claims(
        self, info: Info, member: str | None = None, first: int = 100, after: str = ""
    ) -> list[Claim]:
        """List claims, at most 100: a member's own, or of whom staff name (UNKNOWN_MEMBER)."""
        wanted = info.context.whose(MAY_READ_CLAIMS, member) or ""
        async with info.context.server.db.read() as session:
            await get_member(session, wanted)
            found = await store.claims_of(
                session, wanted, after=after, limit=min(max(first, 1), 100)
            )
        return [Claim.of(row) for row in found]

    @strawberry.field(description="Claims and opt-outs ended by a later version of the rules.")
    async def ended_rows(self, info: Info) -> list[EndedRow]:
        """List the first 1,000 claims, then the first 1,000 opt-outs, of this collective."""
        info.context.whose(MAY_READ_MEMBERS)
        async with info.context.server.db.read() as session:
            claims, opt_outs = await store.ended(session, ENDED_SHOWN)
        return [
            *(
                EndedRow(
                    subject=ClaimKey(row.host, row.path, row.wildcard).text,
                    member=row.member_id,
                    reason=row.ended_because or "",
                    ended_on=row.valid_to.isoformat() if row.valid_to else "",
                )
                for row in claims
            ),
            *(
                EndedRow(
                    subject=ClaimKey(row.host or "", row.path or "", row.wildcard).text,
                    member=None,
                    reason=row.ended_because or "",
                    ended_on=row.ends_at.date().isoformat() if row.ends_at else "",
                )
                for row in opt_outs
            ),
        ]
