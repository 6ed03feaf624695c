"""A collective's members, their claims and opt-outs in GraphQL: at a node."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import strawberry

from federation.addresses.urls import ClaimKey
from federation.history import search_store
from federation.history import store as history
from federation.history.kinds import Found, Moment, Place
from federation.history.spans import Span
from federation.registry import list_store, store
from federation.registry.membership import MEMBERS, MemberDetails
from federation.registry.service import get_member
from federation.rightholders.service import that_are
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.schema.registered import Claim, OptOut
from federation.schema.rightholders import Rightholder
from federation.store.sessions import ReadSession
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_CLAIMS, MAY_READ_MEMBERS

ENDED_SHOWN, RIGHTHOLDERS_SHOWN = 1_000, 100
_MEMBERS, _CLAIMS, _OPT_OUTS = "members", "claims", "optOuts"


@strawberry.enum(description="How a member stands with its collective.")
class MemberState(StrEnum):
    """Whether a member has its part in what is shared equally."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@strawberry.federation.type(
    keys=["id"], description="A member of this collective, as it was at the instant asked about."
)
class Member:
    """A member's registration; the account itself is not shown."""

    moment: strawberry.Private[Moment]
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="Its name.")
    country: str = strawberry.field(description="Its country, as in ISO 3166: GB.")
    state: MemberState = strawberry.field(description="How it stands.")
    joined_on: date = strawberry.field(description="The UTC day on which it became a member.")
    left_on: date | None = strawberry.field(
        description="The first day on which it is none; null where no end is known."
    )
    account_on_file: bool = strawberry.field(
        description="Whether it may be paid: as of now, whenever is asked about."
    )
    valid_from: datetime = strawberry.field(description="From when on this is so.")
    valid_to: datetime | None = strawberry.field(
        description="Before when it is so; null where no end is known."
    )

    @strawberry.field(description="The rightholders that it is, as of when it is shown; 100.")
    async def rightholders(self, info: Info) -> list[Rightholder]:
        """List the first 100, by id; a member sees its own."""
        server = info.context.server
        async with server.db.read() as session:
            found = await that_are(session, self.id, self.moment, RIGHTHOLDERS_SHOWN)
        return [Rightholder.of(server.code, one, is_staff=True) for one in found]

    @classmethod
    def of(
        cls, found: Found[MemberDetails], span: Span, moment: Moment, *, account_on_file: bool
    ) -> "Member":
        """Show a member as it was, with the span of its membership."""
        is_suspended = found.body.is_suspended
        return cls(
            moment=moment,
            id=strawberry.ID(found.thing),
            name=found.body.name,
            country=found.body.country,
            state=MemberState.SUSPENDED if is_suspended else MemberState.ACTIVE,
            joined_on=span.starts_at.date(),
            left_on=None if span.ends_at is None else span.ends_at.date(),
            account_on_file=account_on_file,
            valid_from=found.period.starts_at,
            valid_to=found.period.ends_at,
        )


@strawberry.type(description="A claim or opt-out that a later version of the rules refuses.")
class EndedRow:
    """What it says, whose it is (no member for an opt-out), why and when (ISO) it ended."""

    subject: str
    member: str | None
    reason: str
    ended_on: str


async def find_members(info: Info, ids: Sequence[str]) -> dict[str, Member]:
    """Return {id: the member}, as of now: to a member itself and whom it succeeds, to staff all."""
    own = info.context.whose(MAY_READ_CLAIMS)
    shown = ids if own is None else sorted(await info.context.own_members() & set(ids))
    moment = Moment(info.context.server.clock(), None)
    async with info.context.server.db.read() as session:
        found = await history.find(session, MEMBERS, shown, moment)
        return await _shown(session, list(found.values()), moment)


@strawberry.type
class MemberQuery:
    """Who the members are, what they claim and what they withhold; also as it was, or was known."""

    @strawberry.field(description="Members by name.")
    async def members(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Member]:
        """List those whose names hold every word of a text, the last word as a beginning.

        `at` is the instant asked about, now by default; `known_at` asks what was known then. A page
        has 1 to 100 entries (BAD_PAGE, BAD_CURSOR).
        """
        info.context.whose(MAY_READ_MEMBERS)
        server = info.context.server
        size, place = page_size(first), key_of(_MEMBERS, after, Place)
        moment = Moment(at or server.clock(), known_at)
        async with server.db.read() as session:
            page = await search_store.search(
                session, MEMBERS, text, moment, after=place, limit=size
            )
            shown = await _shown(session, page.found, moment)
        return Connection.of_page(_MEMBERS, page, lambda one: shown[one.thing])

    @strawberry.field(description="A member of this collective; null where there is none then.")
    async def member(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Member | None:
        """Return a member: itself, one that it succeeds, or whom staff name."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, id) or ""
        moment = Moment(at or info.context.server.clock(), known_at)
        async with info.context.server.db.read() as session:
            found = await history.find(session, MEMBERS, [wanted], moment)
            shown = await _shown(session, list(found.values()), moment)
        return shown.get(wanted)

    @strawberry.field(description="Claims by id: a member's own, or anybody's for staff.")
    async def claims(
        self,
        info: Info,
        first: int,
        member: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Claim]:
        """List claims: a member's own, of one it succeeds, or of whom staff name, or all.

        `at` leaves those that count on its UTC day; without it claims are listed whatever their
        days. `known_at` asks what was known then (UNKNOWN_MEMBER, BAD_PAGE, BAD_CURSOR).
        """
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, member)
        staff = _is_staff(info)
        size, key = page_size(first), key_of(_CLAIMS, after, tuple[str])
        moment = None if at is None else Moment(at, known_at)
        async with info.context.server.db.read() as session:
            if wanted is not None:
                await get_member(session, wanted)
            found = await list_store.list_claims(
                session, wanted, moment, known_at, after=key[0] if key else "", limit=size + 1
            )
        return Connection.of(
            found,
            size,
            lambda pair: cursor_of(_CLAIMS, (pair[0].claim_id,)),
            lambda pair: Claim.of(*pair, is_staff=staff),
        )

    @strawberry.field(description="Opt-outs by id: those that touch a member, or all for staff.")
    async def opt_outs(
        self,
        info: Info,
        first: int,
        member: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[OptOut]:
        """List opt-outs: of a member and the hosts that it claims, or all (UNKNOWN_MEMBER).

        `at` leaves those in force then; `known_at` asks what was known then (BAD_PAGE, BAD_CURSOR).
        """
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, member)
        staff = _is_staff(info)
        size, key = page_size(first), key_of(_OPT_OUTS, after, tuple[int])
        async with info.context.server.db.read() as session:
            if wanted is not None:
                await get_member(session, wanted)
            found = await list_store.list_opt_outs(
                session, wanted, at, known_at, after=key[0] if key else 0, limit=size + 1
            )
        return Connection.of(
            found,
            size,
            lambda row: cursor_of(_OPT_OUTS, (row.id,)),
            lambda row: OptOut.of(row, is_staff=staff),
        )

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


async def _shown(
    session: ReadSession, found: list[Found[MemberDetails]], moment: Moment
) -> dict[str, Member]:
    names = [one.thing for one in found]
    spans = await history.spans_of(session, MEMBERS, names, moment.known_at)
    with_account = await store.with_account(session, names)
    return {
        one.thing: Member.of(
            one, spans[one.thing], moment, account_on_file=one.thing in with_account
        )
        for one in found
    }


def _is_staff(info: Info) -> bool:
    return not info.context.require().roles.isdisjoint(MAY_READ_MEMBERS.staff)
