"""The acts on things that have a history: what must hold before one, and what is written down.

Each returns statements that `store.record` writes down; the room of the thing adds its own rules.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history import store
from federation.history.kinds import Body, Found, Kind, Moment, Statement
from federation.history.spans import BadSpanError
from federation.store.sessions import ReadSession

REGISTERED: Final = "REGISTERED"
CHANGED: Final = "CHANGED"
ENDED: Final = "ENDED"
MERGED: Final = "MERGED"
DEMERGED: Final = "DEMERGED"
WITHDRAWN: Final = "WITHDRAWN"
STEPS_MAX: Final = 32
"""So many merges of merged things are followed."""


class AlreadyRegisteredError(RefusalError):
    """There is one with this id already; say what changed of it instead."""

    code: ClassVar[str] = "REGISTERED_ALREADY"


class NotRegisteredError(RefusalError):
    """There was no such thing then."""

    code: ClassVar[str] = "NOT_REGISTERED_THEN"


class MergedError(RefusalError):
    """This is another one now; say it of that one, or demerge them."""

    code: ClassVar[str] = "MERGED"


class MergeCircleError(RefusalError):
    """Merged like this, a thing would become itself."""

    code: ClassVar[str] = "MERGE_CIRCLE"


class NotMergedError(RefusalError):
    """Only what is merged into another can be demerged."""

    code: ClassVar[str] = "NOT_MERGED"


async def registered(
    session: ReadSession, kind: Kind[Body], thing: str, body: Body, starts_at: datetime
) -> Statement[Body]:
    """Say that something is there, from an instant on (REGISTERED_ALREADY)."""
    if await store.known_versions(session, kind, thing):
        raise AlreadyRegisteredError(thing)
    return Statement(thing, REGISTERED, starts_at, None, body)


async def changed(
    session: ReadSession,
    kind: Kind[Body],
    thing: str,
    body: Body,
    starts_at: datetime,
    ends_at: datetime | None = None,
) -> Statement[Body]:
    """Say something else of what is there, over a period, past or to come.

    Without an end it holds to the next version that is known. What was never registered is refused
    (NOT_REGISTERED_THEN), and so is what is merged into another at that instant (MERGED).
    """
    known = await store.known_versions(session, kind, thing)
    if not known:
        raise NotRegisteredError(thing)
    for version in known:
        if version.merged_into is not None and version.period.holds(starts_at):
            raise MergedError(f"{thing} is {version.merged_into}")
    return Statement(thing, CHANGED, starts_at, ends_at, body)


async def ended(
    session: ReadSession, kind: Kind[Body], thing: str, at: datetime
) -> Statement[Body]:
    """Say that something is there no more, from an instant at which it is (NOT_REGISTERED_THEN)."""
    found = await get(session, kind, thing, Moment(at))
    if found.period.starts_at == at:
        raise BadSpanError(f"{thing} begins at {at.isoformat()}")
    return Statement(thing, ENDED, at, None, None)


async def merged(
    session: ReadSession, kind: Kind[Body], thing: str, into: str, at: datetime
) -> Statement[Body]:
    """Say that a thing is another one, from an instant on.

    Both must be there then (NOT_REGISTERED_THEN), and neither another one already, the other also
    not later on (MERGED). A thing that would become itself is refused (MERGE_CIRCLE): as what
    others become is never merged at that time, no chain of merges comes back to where it began.
    """
    if thing == into:
        raise MergeCircleError(thing)
    one = await get(session, kind, thing, Moment(at))
    await get(session, kind, into, Moment(at))
    if one.merged_into is not None:
        raise MergedError(f"{thing} is {one.merged_into}")
    for version in await store.known_versions(session, kind, into):
        is_later = version.period.ends_at is None or version.period.ends_at > at
        if is_later and version.merged_into == thing:
            raise MergeCircleError(f"{into} is {thing}")
        if is_later and version.merged_into is not None:
            raise MergedError(f"{into} is {version.merged_into}")
    return Statement(thing, MERGED, at, None, one.body, merged_into=into)


async def demerged(
    session: ReadSession, kind: Kind[Body], thing: str, at: datetime
) -> Statement[Body]:
    """Say that a thing is itself again, from an instant on, as it was when it was merged.

    Refused is what is not merged then (NOT_MERGED).
    """
    found = await get(session, kind, thing, Moment(at))
    if found.merged_into is None:
        raise NotMergedError(thing)
    return Statement(thing, DEMERGED, at, None, found.body)


async def get(session: ReadSession, kind: Kind[Body], thing: str, moment: Moment) -> Found[Body]:
    """Return a thing as it was, or refuse (NOT_REGISTERED_THEN)."""
    found = await store.find(session, kind, [thing], moment)
    if thing not in found:
        raise NotRegisteredError(f"{thing} at {moment.at.isoformat()}")
    return found[thing]


async def as_merged(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], moment: Moment
) -> dict[str, Found[Body]]:
    """Return {id asked: what it is at a moment}: the one that stays, where it was merged.

    Left out is what is not there then, or was merged into what is not there any more.
    """
    found = await store.find(session, kind, things, moment)
    for _ in range(STEPS_MAX):
        others = {one.merged_into for one in found.values() if one.merged_into is not None}
        if not others:
            break
        stay = await store.find(session, kind, sorted(others), moment)
        found = {
            thing: one if one.merged_into is None else stay[one.merged_into]
            for thing, one in found.items()
            if one.merged_into is None or one.merged_into in stay
        }
    return found
