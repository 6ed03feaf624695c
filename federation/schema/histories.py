"""What was said of a registry's things, in GraphQL: the feed that partners follow; at a node."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, NamedTuple

import strawberry
from strawberry.dataloader import DataLoader

from federation.errors import RefusalError
from federation.history import acts, feed_store
from federation.history import tables as rows
from federation.history.kinds import Moment, Saying
from federation.schema.context import Change as Acting
from federation.schema.context import Info, Refused
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.ids import without_code
from federation.values.reason import stated
from federation.values.roles import MAY_READ_HISTORIES, MAY_READ_MEMBERS

_LIST = "registryChanges"
CHANGES_MAX: Final = 5_000
"""So many changes of things are asked for in one request."""


class TooManyChangesError(RefusalError):
    """One request may ask for at most 5,000 changes of things: ask for fewer things, or fewer."""

    code: ClassVar[str] = "TOO_MUCH_TO_SEARCH"


class Asked(NamedTuple):
    """Which changes a field asks for: so many of a thing of a kind, after a number."""

    kind: str
    thing: str
    after: int
    limit: int


@strawberry.enum(description="What a change is about.")
class RegistryThing(StrEnum):
    """A kind of things that have a history."""

    WORK = "WORK"
    RIGHTHOLDER = "RIGHTHOLDER"
    MEMBER = "MEMBER"
    CLAIM = "CLAIM"
    OPT_OUT = "OPT_OUT"
    CONSENT = "CONSENT"
    SUCCESSION = "SUCCESSION"
    PROVENANCE = "PROVENANCE"


_OF_PERSONS = {RegistryThing.MEMBER, RegistryThing.SUCCESSION}


@strawberry.enum(
    description="What was done: registered, changed or corrected, ended, merged, demerged, "
    "or withdrawn as it never was right."
)
class RegistryAct(StrEnum):
    """An act on a thing that has a history."""

    REGISTERED = acts.REGISTERED
    CHANGED = acts.CHANGED
    ENDED = acts.ENDED
    MERGED = acts.MERGED
    DEMERGED = acts.DEMERGED
    WITHDRAWN = acts.WITHDRAWN


@strawberry.type(description="Something that was said of a thing of a registry.")
class RegistryChange:
    """A row of the feed; `reason` and `recorded_by` are for staff of the collective only."""

    number: strawberry.ID = strawberry.field(
        description="Its number: from 1, without a gap, in the order of the feed."
    )
    kind: RegistryThing = strawberry.field(description="What it is about.")
    thing: strawberry.ID = strawberry.field(
        description="The id of what it is about: the collective's code, a colon, its id there. "
        "A claim that changed is there under another id, which is registered."
    )
    act: RegistryAct = strawberry.field(description="What was done.")
    starts_at: datetime = strawberry.field(description="From when on it is so.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    recorded_by: str | None = strawberry.field(description="Who said so; for staff only.")
    reason: str | None = strawberry.field(description="Why; for staff only.")

    @classmethod
    def of(cls, node: str, row: rows.Change, *, is_staff: bool) -> "RegistryChange":
        """Show a change of this collective's registry."""
        return cls(
            number=strawberry.ID(str(row.number)),
            kind=RegistryThing(row.kind),
            thing=strawberry.ID(f"{node}:{row.thing}"),
            act=RegistryAct(row.act),
            starts_at=row.starts_at,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by if is_staff else None,
            reason=row.reason if is_staff else None,
        )


@strawberry.type(description="What is in this collective's registry no more.")
class Ended:
    """What ended, and when; as it was before, it can still be asked for."""

    id: strawberry.ID = strawberry.field(description="Its id in the federation.")
    ended_at: datetime = strawberry.field(description="From when on it is there no more.")


EndedResult = Annotated[Ended | Refused, strawberry.union("EndedResult")]


def is_staff(info: Info) -> bool:
    """Tell whether who asks may read the members of this collective."""
    return not info.context.require().roles.isdisjoint(MAY_READ_MEMBERS.staff)


def is_partner(info: Info) -> bool:
    """Tell whether who asks is shown all of a registry but its members: a partner, or staff."""
    return not info.context.require().roles.isdisjoint(MAY_READ_HISTORIES)


def moment_of(info: Info, at: datetime | None, known_at: datetime | None) -> Moment:
    """Return of when an answer is to be, now by default.

    What was known once is for partners and staff only (NOT_ALLOWED): also what was wrong of a
    person, and taken back, is in it for ever.
    """
    info.context.require()
    if known_at is not None:
        info.context.require(*MAY_READ_HISTORIES)
    return Moment(at or info.context.server.clock(), known_at)


async def changes_of(
    info: Info, kind: str, thing: str, first: int, after: str | None
) -> Connection[RegistryChange]:
    """Show what was said of a thing, to partners and staff; all of one request by one query."""
    info.context.require(*MAY_READ_HISTORIES)
    size = page_size(first)
    loaders = info.context.loaders
    if _LIST not in loaders:
        loaders[_LIST] = _loader(info)
    found = await loaders[_LIST].load(Asked(kind, thing, number_after(after), size + 1))
    return connection(info.context.server.code, found, size, staff=is_staff(info))


def _loader(info: Info) -> DataLoader[Asked, list[rows.Change]]:
    total = 0

    async def load(asked: list[Asked]) -> list[list[rows.Change]]:
        nonlocal total
        total += sum(one.limit - 1 for one in asked)
        if total > CHANGES_MAX:
            raise TooManyChangesError(str(total))
        found: dict[Asked, list[rows.Change]] = {}
        alike = dict.fromkeys(one._replace(thing="") for one in asked)
        async with info.context.server.db.read() as session:
            for each in alike:
                things = [one.thing for one in asked if one._replace(thing="") == each]
                told = await feed_store.changes_of(
                    session, each.kind, things, after=each.after, limit=each.limit
                )
                found |= {each._replace(thing=thing): them for thing, them in told.items()}
        return [found[one] for one in asked]

    return DataLoader(load)


def saying(at: Acting, reason: str) -> Saying:
    """Return who says something, and why, as it is kept with it (REASON)."""
    return Saying(at.who.subject, stated(reason), at.now)


def within(at: Acting, id: str) -> str:
    """Return the id within this collective of what may be named with its code, as it is shown."""
    return without_code(at.server.code, id)


def connection(
    node: str,
    found: Sequence[rows.Change],
    size: int,
    *,
    staff: bool,
    goes_on_after: int | None = None,
) -> Connection[RegistryChange]:
    """Show a page of changes, which may be short and go on after a number."""
    return Connection.of(
        found,
        size,
        lambda row: cursor_of(_LIST, (row.number,)),
        lambda row: RegistryChange.of(node, row, is_staff=staff),
        None if goes_on_after is None else cursor_of(_LIST, (goes_on_after,)),
    )


def number_after(cursor: str | None) -> int:
    """Return the number of the change after which a page begins (BAD_CURSOR)."""
    key = key_of(_LIST, cursor, tuple[int])
    return 0 if key is None else key[0]


@strawberry.type
class RegistryChangeQuery:
    """The feed of a registry's changes."""

    @strawberry.field(description="What was said of this registry, in order: to be followed.")
    async def registry_changes(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        kinds: list[RegistryThing] | None = None,
    ) -> Connection[RegistryChange]:
        """List changes from the one after a cursor on; keep the last cursor to go on from there.

        Members and successions are for staff of the collective only, so that others see gaps in
        the numbers.
        A change is seen once it is committed, and never leaves the feed. Who asks again with the
        same cursor gets the same entries, and maybe more (BAD_PAGE, BAD_CURSOR). A page may have
        fewer entries than asked for, even none, and the list go on.
        """
        info.context.require(*MAY_READ_HISTORIES)
        server, staff = info.context.server, is_staff(info)
        size, number = page_size(first), number_after(after)
        shown = [kind for kind in RegistryThing if staff or kind not in _OF_PERSONS]
        wanted = [kind.value for kind in shown if not kinds or kind in kinds]
        async with server.db.read() as session:
            found = await feed_store.changes_after(session, number, size + 1, wanted)
            newest = await feed_store.last_change(session)
        looked_to = number + feed_store.LOOKED_AT_MAX  # numbers have no gap
        goes_on_after = looked_to if looked_to < newest else None
        return connection(server.code, found, size, staff=staff, goes_on_after=goes_on_after)
