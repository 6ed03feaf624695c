"""The works of a collective's repertoire, in GraphQL: at a node."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import strawberry

from federation.addresses.urls import normalise_url
from federation.history.kinds import Place
from federation.history.merges import as_merged, find_as_merged
from federation.history.search_store import search
from federation.history.service import Acts
from federation.identifiers import schemes
from federation.schema.context import Change, Info, Refused
from federation.schema.histories import EndedResult, is_partner, moment_of
from federation.schema.pages import Connection
from federation.schema.registering import Registering
from federation.schema.work_types import Work, WorkInput
from federation.values.cursors import key_of, page_size
from federation.values.ids import without_code
from federation.works import service
from federation.works import work as rules
from federation.works.store import WORKS

_LIST, _LIST_AT = "works", "worksAt"
WorkResult = Annotated[Work | Refused, strawberry.union("WorkResult")]


async def find_works(info: Info, ids: Sequence[str]) -> dict[str, Work]:
    """Return {id: the work}, as of now, as `work` shows it: a merged one as the one that stays."""
    moment, whole, server = moment_of(info, None, None), is_partner(info), info.context.server
    own = {asked: without_code(server.code, asked) for asked in ids}
    async with server.db.read() as session:
        found = await as_merged(session, WORKS, list(own.values()), moment)
    return {
        asked: Work.of(server.code, found[name], whole=whole)
        for asked, name in own.items()
        if name in found
    }


@strawberry.type
class WorkQuery:
    """The works of this collective, as they are, or were, or were known to be."""

    @strawberry.field(description="Works of this collective, by title.")
    async def works(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Work]:
        """List those whose titles, creators or identifiers hold every word of a text.

        The last word may be the beginning of one; case and accents make no difference. The order
        is that of titles, then of ids. `at` is the instant asked about, now by default; `known_at`
        asks what was known then, for staff and partners only (NOT_ALLOWED). A page has 1 to 100
        entries (BAD_PAGE, BAD_CURSOR); it may have fewer, even none, and the list go on.
        """
        moment, whole = moment_of(info, at, known_at), is_partner(info)
        server = info.context.server
        size, place = page_size(first), key_of(_LIST, after, Place)
        async with server.db.read() as session:
            page = await search(session, WORKS, text, moment, after=place, limit=size)
        return Connection.of_page(_LIST, page, lambda one: Work.of(server.code, one, whole=whole))

    @strawberry.field(description="A work of this collective, by its id or an identifier.")
    async def work(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Work | None:
        """Return the work with an id, or with an identifier such as ISBN:978-3-16-148410-0.

        Null where there is none; a merged work is the one that stays. Of several that share an
        identifier, the one that it numbers is meant: a book, not its chapters (BAD_IDENTIFIER).
        """
        moment, whole = moment_of(info, at, known_at), is_partner(info)
        server = info.context.server
        async with server.db.read() as session:
            if identifier is not None:
                asked = schemes.parse_identifier(identifier)
                found = await service.find_numbered(session, asked, moment)
            else:
                own_id = without_code(server.code, id or "")
                found = next(iter(await find_as_merged(session, WORKS, [own_id], moment)), None)
        return None if found is None else Work.of(server.code, found, whole=whole)

    @strawberry.field(description="The works of this collective that stand at an address.")
    async def works_at(
        self,
        info: Info,
        url: str,
        first: int,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Work]:
        """List them by id (MALFORMED_URL); what a work costs and who may use it is `rights`.

        A page has 1 to 100 entries (BAD_PAGE, BAD_CURSOR); it may have fewer and the list go on.
        """
        moment, whole = moment_of(info, at, known_at), is_partner(info)
        server, address = info.context.server, normalise_url(url).text
        size, key = page_size(first), key_of(_LIST_AT, after, Place)
        async with server.db.read() as session:
            page = await service.standing_at(
                session, address, moment, after=key.thing if key else "", limit=size
            )
        return Connection.of_page(
            _LIST_AT, page, lambda one: Work.of(server.code, one, whole=whole)
        )


async def _acts(at: Change) -> Acts[rules.Work, rules.DraftWork]:
    terms = await at.server.terms(at.session)
    return service.acts_by(service.Rules(at.server.code, terms.tier_weight))


_REGISTERING: Final = Registering(
    "work", _acts, lambda node, found: Work.of(node, found, whole=True)
)


@strawberry.type
class WorkMutation:
    """Acts of a registry officer on works; each keeps who did it, when and why."""

    @strawberry.mutation(description="Register a work, from an instant on.")
    async def register_work(
        self,
        info: Info,
        id: str,
        work: WorkInput,
        reason: str,
        starts_at: datetime | None = None,
    ) -> WorkResult:
        """Register one under an id of the collective's own (BAD_WORK, IDENTIFIER_TAKEN)."""
        return await _REGISTERING.register(info, id, work.draft(), reason, starts_at)

    @strawberry.mutation(description="Say what a work is over a period, past or to come.")
    async def change_work(
        self,
        info: Info,
        id: str,
        work: WorkInput,
        reason: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> WorkResult:
        """Change or correct one, to the next boundary known if no end is given (MERGED)."""
        return await _REGISTERING.change(info, id, work.draft(), reason, starts_at, ends_at)

    @strawberry.mutation(description="Say that a work is in the repertoire no more.")
    async def end_work(
        self, info: Info, id: str, reason: str, starts_at: datetime | None = None
    ) -> EndedResult:
        """End one from an instant on at which it is there (NOT_REGISTERED_THEN)."""
        return await _REGISTERING.end(info, id, reason, starts_at)

    @strawberry.mutation(description="Say that a work is another one, registered twice.")
    async def merge_works(
        self, info: Info, id: str, into: str, reason: str, starts_at: datetime | None = None
    ) -> WorkResult:
        """Merge one into another, from an instant on; return the one that stays (MERGE_CIRCLE)."""
        return await _REGISTERING.merge(info, id, into, reason, starts_at)

    @strawberry.mutation(description="Say that a merged work is one of its own again.")
    async def demerge_work(
        self, info: Info, id: str, reason: str, starts_at: datetime | None = None
    ) -> WorkResult:
        """Undo a merge, from an instant on (NOT_MERGED)."""
        return await _REGISTERING.demerge(info, id, reason, starts_at)
