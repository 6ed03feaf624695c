"""The acts on things that have a history: what must hold before one, and how long it holds.

Each is judged by what is known of the thing for all its times, and returned as the statement that
it would be; nothing is written. The room of the thing adds its own rules, README.md has the table.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history import store
from federation.history.kinds import Body, Found, Kind, Moment, Statement
from federation.history.spans import BadSpanError, first_gap, next_boundary
from federation.store.sessions import ReadSession

REGISTERED: Final = "REGISTERED"
CHANGED: Final = "CHANGED"
ENDED: Final = "ENDED"
MERGED: Final = "MERGED"
DEMERGED: Final = "DEMERGED"
WITHDRAWN: Final = "WITHDRAWN"


class AlreadyRegisteredError(RefusalError):
    """There is one with this id then; say what changed of it instead."""

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


async def judge_registration(
    session: ReadSession, kind: Kind[Body], thing: str, body: Body, starts_at: datetime
) -> Statement[Body]:
    """Say that something is there, from an instant on at which it is not (REGISTERED_ALREADY).

    That is so before it was first registered, and again after it ended.
    """
    known = await store.known_versions(session, kind, thing)
    there = _at(known, starts_at)
    if there is not None:
        _require_itself(there)
        raise AlreadyRegisteredError(thing)
    return Statement(thing, REGISTERED, starts_at, _to_boundary(known, starts_at), body)


async def judge_change(
    session: ReadSession,
    kind: Kind[Body],
    thing: str,
    body: Body,
    starts_at: datetime,
    ends_at: datetime | None = None,
) -> Statement[Body]:
    """Say something else of what is there, over a period, past or to come (BAD_SPAN).

    Without an end it holds to the next boundary of what is known. Refused is a period in which it
    is another one for some time (MERGED), or is not there (NOT_REGISTERED_THEN).
    """
    known = await store.known_versions(session, kind, thing)
    if not known:
        raise NotRegisteredError(thing)
    ends_at = _to_boundary(known, starts_at) if ends_at is None else ends_at
    statement = Statement(thing, CHANGED, starts_at, ends_at, body)
    for version in known:
        if version.period.meets(statement.period):
            _require_itself(version)
    gap = first_gap((version.period for version in known), statement.period)
    if gap is not None:
        raise NotRegisteredError(f"{thing} at {gap.isoformat()}")
    return statement


async def judge_end(
    session: ReadSession, kind: Kind[Body], thing: str, at: datetime
) -> Statement[Body]:
    """Say that something is there no more, from an instant at which it is (NOT_REGISTERED_THEN).

    Whatever was said of it for a later time holds no more. Something must be left (BAD_SPAN).
    """
    known = await store.known_versions(session, kind, thing)
    _require_there(known, thing, at)
    if known[0].period.starts_at == at:
        raise BadSpanError(f"{thing} begins at {at.isoformat()}")
    return Statement(thing, ENDED, at, None, None)


async def judge_merge(
    session: ReadSession, kind: Kind[Body], thing: str, into: str, at: datetime
) -> Statement[Body]:
    """Say that a thing is another one, from an instant on to its last end that is known.

    Both must be there then (NOT_REGISTERED_THEN), and neither another one already, the other also
    not later on (MERGED). A thing that would become itself is refused (MERGE_CIRCLE): as what
    others become is never merged at that time, no chain of merges comes back to where it began.
    """
    if thing == into:
        raise MergeCircleError(thing)
    known = await store.known_versions(session, kind, thing)
    one = _require_there(known, thing, at)
    stays = await store.known_versions(session, kind, into)
    _require_there(stays, into, at)
    _require_itself(one)
    for version in stays:
        if version.period.ends_at is None or version.period.ends_at > at:
            if version.merged_into == thing:
                raise MergeCircleError(f"{into} is {thing}")
            _require_itself(version)
    last = known[-1].period.ends_at
    return Statement(thing, MERGED, at, last, one.body, merged_into=into)


async def judge_demerge(
    session: ReadSession, kind: Kind[Body], thing: str, at: datetime
) -> Statement[Body]:
    """Say that a thing is itself again, from an instant on, as it was last before it was merged.

    What was corrected of it since is so: its last version before counts, as it is known now; only
    where there is none does what it was when it was merged. Refused is what is not merged then
    (NOT_MERGED).
    """
    known = await store.known_versions(session, kind, thing)
    one = _require_there(known, thing, at)
    if one.merged_into is None:
        raise NotMergedError(thing)
    before = [each for each in known if each.merged_into is None and each.period.starts_at < at]
    body = before[-1].body if before else one.body
    return Statement(thing, DEMERGED, at, _to_boundary(known, at), body)


async def get(session: ReadSession, kind: Kind[Body], thing: str, moment: Moment) -> Found[Body]:
    """Return a thing as it was, or refuse (NOT_REGISTERED_THEN)."""
    found = await store.find(session, kind, [thing], moment)
    if thing not in found:
        raise NotRegisteredError(f"{thing} at {moment.at.isoformat()}")
    return found[thing]


def _at(known: Sequence[Found[Body]], at: datetime) -> Found[Body] | None:
    return next((version for version in known if version.period.holds(at)), None)


def _to_boundary(known: Sequence[Found[Body]], at: datetime) -> datetime | None:
    return next_boundary((version.period for version in known), at)


def _require_there(known: Sequence[Found[Body]], thing: str, at: datetime) -> Found[Body]:
    found = _at(known, at)
    if found is None:
        raise NotRegisteredError(f"{thing} at {at.isoformat()}")
    return found


def _require_itself(version: Found[Body]) -> None:
    if version.merged_into is not None:
        raise MergedError(f"{version.thing} is {version.merged_into}")
