"""Whom a collective represents, in GraphQL: at a node."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final

import strawberry

from federation.history.kinds import Found, Place
from federation.history.merges import as_merged, find_as_merged
from federation.history.search_store import search
from federation.history.service import Acts
from federation.rightholders import rightholder as rules
from federation.rightholders import service
from federation.rightholders.store import RIGHTHOLDERS
from federation.schema.context import Change, Info, Refused
from federation.schema.histories import EndedResult, is_staff, moment_of
from federation.schema.pages import Connection
from federation.schema.registering import Registering
from federation.values.cursors import key_of, page_size
from federation.values.ids import without_code
from federation.values.roles import MAY_READ_HISTORIES

_LIST = "rightholders"

strawberry.enum(rules.RightholderKind, description="What a rightholder is.")


@strawberry.federation.type(
    keys=["id"], description="Whom a collective represents, a member of it or not."
)
class Rightholder:
    """A rightholder as it was at the instant asked about."""

    id: strawberry.ID = strawberry.field(
        description="Its id in the federation: the collective's code, a colon, its id there."
    )
    name: str = strawberry.field(description="Its name.")
    kind: rules.RightholderKind = strawberry.field(description="What it is.")
    other_names: list[str] = strawberry.field(description="Pseudonyms and former names.")
    country: str | None = strawberry.field(description="Its country, as in ISO 3166: GB.")
    identifiers: list[str] = strawberry.field(
        description="Its standard identifiers, as scheme and plain form: IPI:00014107338."
    )
    ended_on: date | None = strawberry.field(
        description="The day on which it died or was closed, in UTC; null while it is there."
    )
    valid_from: datetime = strawberry.field(description="From when on this is so.")
    valid_to: datetime | None = strawberry.field(
        description="Before when it is so; null where no end is known."
    )
    member: str | None = strawberry.field(
        description="The id of the member that it is; shown to staff of its collective only."
    )

    @classmethod
    def of(cls, node: str, found: Found[rules.Rightholder], *, is_staff: bool) -> "Rightholder":
        """Show a rightholder of this collective."""
        body = found.body
        return cls(
            id=strawberry.ID(f"{node}:{found.thing}"),
            name=body.name,
            kind=body.kind,
            other_names=list(body.other_names),
            country=body.country,
            identifiers=list(body.identifiers),
            ended_on=body.ended_on,
            valid_from=found.period.starts_at,
            valid_to=found.period.ends_at,
            member=body.member if is_staff else None,
        )


@strawberry.input(description="What is said of a rightholder: the whole of it, at each change.")
class RightholderInput:
    """A rightholder as it is described; what is left out is not known."""

    name: str = strawberry.field(description="Its name, at most 1,000 characters.")
    kind: rules.RightholderKind = strawberry.field(
        default=rules.RightholderKind.OTHER, description="What it is."
    )
    other_names: list[str] = strawberry.field(
        default_factory=list, description="Pseudonyms and former names, at most 50."
    )
    country: str | None = strawberry.field(
        default=None, description="Its country, as in ISO 3166: GB."
    )
    identifiers: list[str] = strawberry.field(
        default_factory=list,
        description="At most 20, as SCHEME:value: IPI, ISNI or ORCID; hyphens do not matter.",
    )
    member: str | None = strawberry.field(
        default=None, description="The id of the member that it is, if it is one."
    )
    ended_on: date | None = strawberry.field(
        default=None, description="The day on which it died or was closed, in UTC."
    )

    def draft(self) -> rules.DraftRightholder:
        """Return what is described, to be read."""
        return rules.DraftRightholder(
            name=self.name,
            kind=self.kind,
            other_names=self.other_names,
            country=self.country,
            identifiers=self.identifiers,
            member=self.member,
            ended_on=self.ended_on,
        )


RightholderResult = Annotated[Rightholder | Refused, strawberry.union("RightholderResult")]


async def find_rightholders(info: Info, ids: Sequence[str]) -> dict[str, Rightholder]:
    """Return {id: the rightholder}, as of now, as `rightholder` shows it; merged ones as one."""
    info.context.require(*MAY_READ_HISTORIES)
    staff, server = is_staff(info), info.context.server
    own = {asked: without_code(server.code, asked) for asked in ids}
    async with server.db.read() as session:
        moment = moment_of(info, None, None)
        found = await as_merged(session, RIGHTHOLDERS, list(own.values()), moment)
    return {
        asked: Rightholder.of(server.code, found[name], is_staff=staff)
        for asked, name in own.items()
        if name in found
    }


@strawberry.type
class RightholderQuery:
    """Whom a collective represents, and represented: for its staff and for partners only.

    Who wrote under which pseudonym, and when somebody died, is for nobody else.
    """

    @strawberry.field(description="Rightholders of this collective, by name.")
    async def rightholders(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Rightholder]:
        """List those whose names hold every word of a text, the last word as a beginning.

        `at` is the instant asked about, now by default; `known_at` asks what was known then. A page
        has 1 to 100 entries (BAD_PAGE, BAD_CURSOR); it may have fewer and the list go on.
        """
        info.context.require(*MAY_READ_HISTORIES)
        staff, server = is_staff(info), info.context.server
        size, place = page_size(first), key_of(_LIST, after, Place)
        moment = moment_of(info, at, known_at)
        async with server.db.read() as session:
            page = await search(session, RIGHTHOLDERS, text, moment, after=place, limit=size)
        return Connection.of_page(
            _LIST, page, lambda one: Rightholder.of(server.code, one, is_staff=staff)
        )

    @strawberry.field(description="A rightholder of this collective; null where there is none.")
    async def rightholder(
        self,
        info: Info,
        id: strawberry.ID,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Rightholder | None:
        """Return one by its id, with or without the collective's code; merged ones as one."""
        info.context.require(*MAY_READ_HISTORIES)
        staff, server = is_staff(info), info.context.server
        moment = moment_of(info, at, known_at)
        async with server.db.read() as session:
            own_id = without_code(server.code, id)
            found = await find_as_merged(session, RIGHTHOLDERS, [own_id], moment)
        return Rightholder.of(server.code, found[0], is_staff=staff) if found else None


async def _acts(_: Change) -> Acts[rules.Rightholder, rules.DraftRightholder]:
    return service.ACTS


_REGISTERING: Final = Registering(
    "rightholder", _acts, lambda node, found: Rightholder.of(node, found, is_staff=True)
)


@strawberry.type
class RightholderMutation:
    """Acts of a registry officer on rightholders; each keeps who did it, when and why."""

    @strawberry.mutation(description="Register a rightholder, from an instant on.")
    async def register_rightholder(
        self,
        info: Info,
        id: str,
        rightholder: RightholderInput,
        reason: str,
        starts_at: datetime | None = None,
    ) -> RightholderResult:
        """Register one under an id of the collective's own (REGISTERED_ALREADY)."""
        return await _REGISTERING.register(info, id, rightholder.draft(), reason, starts_at)

    @strawberry.mutation(description="Say what a rightholder is over a period, past or to come.")
    async def change_rightholder(
        self,
        info: Info,
        id: str,
        rightholder: RightholderInput,
        reason: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> RightholderResult:
        """Change or correct one, to the next boundary known if no end is given (MERGED)."""
        draft = rightholder.draft()
        return await _REGISTERING.change(info, id, draft, reason, starts_at, ends_at)

    @strawberry.mutation(description="Say that a rightholder is represented no more.")
    async def end_rightholder(
        self, info: Info, id: str, reason: str, starts_at: datetime | None = None
    ) -> EndedResult:
        """End one from an instant on at which it is represented (NOT_REGISTERED_THEN)."""
        return await _REGISTERING.end(info, id, reason, starts_at)

    @strawberry.mutation(description="Say that a rightholder is another, registered twice.")
    async def merge_rightholders(
        self, info: Info, id: str, into: str, reason: str, starts_at: datetime | None = None
    ) -> RightholderResult:
        """Merge one into another, from an instant on; return the one that stays (MERGE_CIRCLE)."""
        return await _REGISTERING.merge(info, id, into, reason, starts_at)

    @strawberry.mutation(description="Say that a merged rightholder is one of its own again.")
    async def demerge_rightholder(
        self, info: Info, id: str, reason: str, starts_at: datetime | None = None
    ) -> RightholderResult:
        """Undo a merge, from an instant on (NOT_MERGED)."""
        return await _REGISTERING.demerge(info, id, reason, starts_at)
