"""Published reservations in GraphQL: sources, their files, their rules, and what waits to end.

The files come, and are sent again byte for byte, by HTTP.
"""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation.history.kinds import Place, Saying
from federation.published import rules as words
from federation.reservations import service, store, tables
from federation.reservations.comparing import unpacked_notes
from federation.reservations.published_list import InForce, in_force
from federation.reservations.telling import tell
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_KEEP_THE_REGISTRY, MAY_READ_MEMBERS

_LIST, _PUBLIC = "publishedSources", "reservations"
VERSIONS_SHOWN = 50
RULES_SHOWN = 500

strawberry.enum(
    words.Kind,
    name="PublishedSourceKind",
    description="What a published source is: a file of a site, or what one page says of itself.",
)


@strawberry.type(description="A file in which a site publishes what may be done with its pages.")
class PublishedSource:
    """A source; it speaks for its host and no subdomain, or for one page."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    kind: words.Kind = strawberry.field(description="What it is.")
    host: str = strawberry.field(description="The host that it speaks for.")
    page: str | None = strawberry.field(description="The path of the page, if it is about one.")

    @classmethod
    def of(cls, row: tables.Source) -> "PublishedSource":
        """Show a source."""
        return cls(
            id=strawberry.ID(str(row.source_id)),
            kind=words.Kind(row.kind),
            host=row.host,
            page=row.page or None,
        )


@strawberry.type(description="Something a source says that no rule says exactly.")
class NotExpressed:
    """It is listed, and what reaches further may be reserved in its place."""

    place: str = strawberry.field(description="Where it stands in the file.")
    text: str = strawberry.field(description="What stands there.")
    why: str = strawberry.field(description="Why it could not be said exactly.")
    reserved: list[str] = strawberry.field(
        description="The paths that are reserved in its place; empty if none is."
    )

    @classmethod
    def of(cls, note: words.NotExpressed) -> "NotExpressed":
        """Show a note."""
        return cls(place=note.place, text=note.text, why=note.why, reserved=list(note.reserved))


@strawberry.type(description="A source as it was at an instant.")
class PublishedVersion:
    """A file that was kept; its exact text is at `/reservations/<id>`."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    seen_at: datetime = strawberry.field(description="When the source was so.")
    fetched_from: str | None = strawberry.field(
        description="Where it was found; null if its publisher handed it over."
    )
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    recorded_by: str = strawberry.field(description="Who brought it.")
    reason: str = strawberry.field(description="Why.")
    sha256: str = strawberry.field(description="The SHA-256 of its bytes, in hexadecimal.")
    bytes: int = strawberry.field(description="How many bytes it has.")
    tables_as_of: date = strawberry.field(
        description="The day of the tables by which crawlers and labels were read as uses."
    )
    not_expressed: list[NotExpressed] = strawberry.field(
        description="What no rule says exactly, in the order of the file."
    )

    @classmethod
    def of(cls, row: tables.SourceVersion) -> "PublishedVersion":
        """Show a version."""
        return cls(
            id=strawberry.ID(str(row.version_id)),
            seen_at=row.seen_at,
            fetched_from=row.fetched_from,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            reason=row.reason,
            sha256=row.sha256,
            bytes=row.size,
            tables_as_of=row.tables_as_of,
            not_expressed=[NotExpressed.of(note) for note in unpacked_notes(row.not_expressed)],
        )


@strawberry.type(description="A rule of a published source.")
class PublishedRule:
    """A path, whether it is allowed, and the text that says so."""

    path: str = strawberry.field(description="The path, as the subject of an opt-out writes it.")
    allow: bool = strawberry.field(description="Whether it allows what it matches.")
    place: str = strawberry.field(description="Where it stands in its file.")
    text: str = strawberry.field(description="What stands there.")


@strawberry.type(description="Rules that are weighed against each other, and what they are about.")
class PublishedRules:
    """A list of a source: the longest rule that matches decides, and no other list."""

    name: str = strawberry.field(description="Whom or what it speaks of.")
    uses: list[str] = strawberry.field(description="The uses that it is about; `*` is every use.")
    version: strawberry.ID = strawberry.field(description="The version that it came with.")
    effective_at: datetime = strawberry.field(description="From when on it holds.")
    ends_at: datetime | None = strawberry.field(description="From when on it does not; or null.")
    is_missing: bool = strawberry.field(
        description="Whether a later file does not have it, and nobody has decided that it ended."
    )
    count: int = strawberry.field(description="How many rules it has.")
    rules: list[PublishedRule] = strawberry.field(description="Its rules, 500 at most.")

    @classmethod
    def of(cls, row: tables.KeptList, *, is_missing: bool) -> "PublishedRules":
        """Show a list."""
        read = service.list_of(row)
        return cls(
            name=read.name,
            uses=list(read.uses),
            version=strawberry.ID(str(row.version_id)),
            effective_at=row.effective_at,
            ends_at=row.ends_at,
            is_missing=is_missing,
            count=row.rule_count,
            rules=_shown(read),
        )


def _shown(read: words.RuleList) -> list[PublishedRule]:
    return [
        PublishedRule(path=rule.path, allow=rule.allow, place=rule.place, text=rule.text)
        for rule in read.rules[:RULES_SHOWN]
    ]


@strawberry.type(description="Rules of one voice in a file, in force at the instant asked about.")
class ReservedRules:
    """A list of a source: the longest rule that matches decides, and no other list."""

    uses: list[str] = strawberry.field(description="The uses that it is about; `*` is every use.")
    effective_at: datetime = strawberry.field(description="From when on it holds.")
    ends_at: datetime | None = strawberry.field(description="From when on it does not; or null.")
    count: int = strawberry.field(description="How many rules it has.")
    rules: list[PublishedRule] = strawberry.field(description="Its rules, 500 at most.")

    @classmethod
    def of(cls, row: tables.KeptList) -> "ReservedRules":
        """Show a list as everybody may read it."""
        read = service.list_of(row)
        return cls(
            uses=list(read.uses),
            effective_at=row.effective_at,
            ends_at=row.ends_at,
            count=row.rule_count,
            rules=_shown(read),
        )


@strawberry.type(description="What a site publishes about the use of its pages.")
class Reservation:
    """A published source with its rules in force; members reserve by other ways, too: `rights`."""

    id: strawberry.ID = strawberry.field(
        description="Its id in the federation: the collective's code, a colon, its number there."
    )
    kind: words.Kind = strawberry.field(description="What it is.")
    host: str = strawberry.field(description="The host that it speaks for.")
    page: str | None = strawberry.field(description="The path of the page, if it is about one.")
    lists: list[ReservedRules] = strawberry.field(
        description="Its lists of rules that are in force; an address is reserved if one of them "
        "reserves it."
    )

    @classmethod
    def of(cls, node: str, found: InForce) -> "Reservation":
        """Show what a source says, as everybody may read it."""
        return cls(
            id=strawberry.ID(f"{node}:{found.source.source_id}"),
            kind=words.Kind(found.source.kind),
            host=found.source.host,
            page=found.source.page or None,
            lists=[ReservedRules.of(row) for row in found.lists],
        )


@strawberry.type(description="All that is kept of a published source.")
class PublishedSourceRecord:
    """A source, its versions and its rules, those that ended too."""

    source: PublishedSource = strawberry.field(description="The source.")
    versions: list[PublishedVersion] = strawberry.field(
        description="Its versions, the last first, 50 at most."
    )
    lists: list[PublishedRules] = strawberry.field(description="Its lists of rules as known now.")


@strawberry.type(description="What was decided of lists that a later file does not have.")
class ReservationEnding:
    """How many lists ended, or hold on."""

    source: PublishedSource = strawberry.field(description="Their source.")
    lists: int = strawberry.field(description="How many lists were decided.")


ReservationEndingResult = Annotated[
    ReservationEnding | Refused, strawberry.union("ReservationEndingResult")
]


@strawberry.type
class ReservationQuery:
    """What sites publish about the use of their pages, as this collective knows it."""

    @strawberry.field(description="What sites publish about the use of their pages, by host.")
    async def reservations(
        self,
        info: Info,
        first: int,
        host: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
    ) -> Connection[Reservation]:
        """List sources of which rules are in force `at` an instant, now by default.

        What waits for a person to say that it ended is in force. The order is that of hosts, then
        of ids. A page has 1 to 100 entries (BAD_PAGE, BAD_CURSOR); it may have fewer, even none,
        and the list go on.
        """
        info.context.require()
        server = info.context.server
        size, place = page_size(first), key_of(_PUBLIC, after, Place)
        async with server.db.read() as session:
            page = await in_force(session, at or server.clock(), after=place, host=host, limit=size)
        return Connection.of(
            page.found,
            size,
            lambda one: cursor_of(_PUBLIC, one.place),
            lambda one: Reservation.of(server.code, one),
            None if page.after is None else cursor_of(_PUBLIC, page.after),
        )

    @strawberry.field(description="Published sources by number: of a host, or all.")
    async def published_sources(
        self, info: Info, first: int, after: str | None = None, host: str | None = None
    ) -> Connection[PublishedSource]:
        """List sources (BAD_PAGE, BAD_CURSOR)."""
        info.context.require(*MAY_READ_MEMBERS.staff)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await store.sources(
                session, after=key[0] if key else 0, limit=size + 1, host=host
            )
        return Connection.of(
            found, size, lambda row: cursor_of(_LIST, (row.source_id,)), PublishedSource.of
        )

    @strawberry.field(description="All that is kept of a published source; null if there is none.")
    async def published_source(self, info: Info, id: strawberry.ID) -> PublishedSourceRecord | None:
        """Show a source with its versions and rules (BAD_ID)."""
        info.context.require(*MAY_READ_MEMBERS.staff)
        number = number_of_row(id)
        async with info.context.server.db.read() as session:
            source = await store.source(session, number)
            if source is None:
                return None
            versions = await store.versions(session, number, VERSIONS_SHOWN)
            lists = await store.lists(session, number)
            missing = {row.list_row for row in await store.waiting_of_source(session, number)}
        return PublishedSourceRecord(
            source=PublishedSource.of(source),
            versions=[PublishedVersion.of(row) for row in versions],
            lists=[PublishedRules.of(row, is_missing=row.id in missing) for row in lists],
        )


@strawberry.type
class ReservationMutation:
    """Deciding what a later file means for reservations that it does not have any more."""

    @strawberry.mutation(description="End what a version of a source left out, from then on.")
    async def confirm_reservation_ending(
        self, info: Info, version: strawberry.ID, reason: str
    ) -> ReservationEndingResult:
        """Confirm it as a registry officer (NO_ENDING, SAME_PERSON, REASON)."""

        async def act(at: Change) -> ReservationEnding:
            return await _decided(at, number_of_row(version), reason, is_over=True)

        return await change(info, "reservation.end", MAY_KEEP_THE_REGISTRY, act)

    @strawberry.mutation(description="Let what a version of a source left out hold on.")
    async def refuse_reservation_ending(
        self, info: Info, version: strawberry.ID, reason: str
    ) -> ReservationEndingResult:
        """Refuse it as a registry officer (NO_ENDING, SAME_PERSON, REASON)."""

        async def act(at: Change) -> ReservationEnding:
            return await _decided(at, number_of_row(version), reason, is_over=False)

        return await change(info, "reservation.keep", MAY_KEEP_THE_REGISTRY, act)


async def _decided(at: Change, version: int, reason: str, *, is_over: bool) -> ReservationEnding:
    decide = service.confirm_ending if is_over else service.refuse_ending
    many = await decide(at.session, version, reason, who=at.who, now=at.now)
    row = await store.version(at.session, version)
    if row is None:
        raise service.NoEndingError(f"version {version}")
    source = await service.get_source(at.session, row.source_id)
    saying = Saying(at.who.subject, reason, at.now)
    await tell(at.session, at.server.code, source.source_id, saying)
    return ReservationEnding(source=PublishedSource.of(source), lists=many)
