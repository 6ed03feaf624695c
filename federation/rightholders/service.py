"""Acts on rightholders: registering, changing, ending, merging; and finding them."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.history import acts, search_store
from federation.history import store as history
from federation.history.identifying import held_by_others
from federation.history.kinds import Found, Moment, Page, Place, Saying, Statement
from federation.history.merges import as_merged
from federation.identifiers.schemes import IdentifierTakenError
from federation.registry.service import UnknownMemberError
from federation.registry.store import names_of
from federation.rightholders import store
from federation.rightholders.rightholder import (
    DraftRightholder,
    Rightholder,
    read_rightholder,
    read_rightholder_id,
)
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession, WriteSession


class UnknownRightholderError(RefusalError):
    """No such rightholder is registered here."""

    code: ClassVar[str] = "UNKNOWN_RIGHTHOLDER"


async def register(
    session: WriteSession,
    rightholder_id: str,
    draft: DraftRightholder,
    *,
    starts_at: datetime,
    saying: Saying,
) -> Found[Rightholder]:
    """Register a rightholder from an instant on (REGISTERED_ALREADY, BAD_RIGHTHOLDER)."""
    body, name = read_rightholder(draft).rightholder, read_rightholder_id(rightholder_id)
    statement = await acts.judge_registration(session, RIGHTHOLDERS, name, body, starts_at)
    return await _say(session, statement, saying)


async def change(
    session: WriteSession,
    rightholder_id: str,
    draft: DraftRightholder,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
    saying: Saying,
) -> Found[Rightholder]:
    """Say of a rightholder what it is over a period, past or to come."""
    statement = await judge_change(
        session, rightholder_id, draft, starts_at=starts_at, ends_at=ends_at
    )
    return await _record(session, statement, saying)


async def judge_change(
    session: ReadSession,
    rightholder_id: str,
    draft: DraftRightholder,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
) -> Statement[Rightholder]:
    """Judge a change of a rightholder, and return what would be said of it; nothing is written."""
    body, name = read_rightholder(draft).rightholder, rightholder_id
    statement = await acts.judge_change(session, RIGHTHOLDERS, name, body, starts_at, ends_at)
    await _check(session, statement)
    return statement


async def end(session: WriteSession, rightholder_id: str, *, at: datetime, saying: Saying) -> None:
    """Say that a rightholder is represented no more, from an instant on."""
    statement = await acts.judge_end(session, RIGHTHOLDERS, rightholder_id, at)
    await store.record(session, [statement], saying)


async def merge(
    session: WriteSession, rightholder_id: str, into: str, *, at: datetime, saying: Saying
) -> Found[Rightholder]:
    """Say that a rightholder is another one, registered twice; return the one that stays."""
    statement = await acts.judge_merge(session, RIGHTHOLDERS, rightholder_id, into, at)
    return await _say(session, statement, saying)


async def demerge(
    session: WriteSession, rightholder_id: str, *, at: datetime, saying: Saying
) -> Found[Rightholder]:
    """Say that a merged rightholder is one of its own again, as it was last before."""
    statement = await acts.judge_demerge(session, RIGHTHOLDERS, rightholder_id, at)
    return await _say(session, statement, saying)


async def _say(
    session: WriteSession, statement: Statement[Rightholder], saying: Saying
) -> Found[Rightholder]:
    await _check(session, statement)
    return await _record(session, statement, saying)


async def _record(
    session: WriteSession, statement: Statement[Rightholder], saying: Saying
) -> Found[Rightholder]:
    """Write down what was judged, and return the rightholder as it is then: the one that stays."""
    await store.record(session, [statement], saying)
    [found] = await find(session, [statement.thing], Moment(statement.starts_at))
    return found


async def _check(session: ReadSession, statement: Statement[Rightholder]) -> None:
    for refusal in (await contradictions(session, [statement])).values():
        raise refusal


async def contradictions(
    session: ReadSession, statements: Sequence[Statement[Rightholder]]
) -> dict[str, RefusalError]:
    """Return {id: why} of rightholders that contradict what is registered while a statement holds.

    That is: a member that this collective has not (UNKNOWN_MEMBER), and an identifier of another
    rightholder (IDENTIFIER_TAKEN). Rightholders are not held against each other here.
    """
    found: dict[str, RefusalError] = {}
    bodies = {s.thing: s.body for s in statements if s.body is not None}
    members = {one.member for one in bodies.values() if one.member is not None}
    known = await names_of(session, members)
    for name, one in bodies.items():
        if one.member is not None and one.member not in known:
            found[name] = UnknownMemberError(one.member)
    holders = await store.holders_of(session, [i for b in bodies.values() for i in b.identifiers])
    for statement in statements:
        ours = () if statement.body is None else statement.body.identifiers
        names = {name for text in ours for name in holders.get(text, ())} - {statement.thing}
        for identifier, other in await held_by_others(
            session, RIGHTHOLDERS, statement, names, lambda one: one.identifiers
        ):
            reason = IdentifierTakenError(f"{identifier} is of {other}")
            found.setdefault(statement.thing, reason)
    return found


async def unknown_rightholders(session: ReadSession, ids: Sequence[str]) -> list[str]:
    """Return those ids of which no rightholder is registered, for whatever time."""
    return await history.never_there(session, RIGHTHOLDERS, ids)


async def find(
    session: ReadSession, rightholder_ids: Sequence[str], moment: Moment
) -> list[Found[Rightholder]]:
    """Return rightholders as they were, in the order asked; merged ones are the one that stays."""
    found = await as_merged(session, RIGHTHOLDERS, rightholder_ids, moment)
    unique = {found[name].thing: found[name] for name in rightholder_ids if name in found}
    return list(unique.values())


async def that_are(
    session: ReadSession, member: str, moment: Moment, limit: int
) -> list[Found[Rightholder]]:
    """Return the rightholders that a member was, by id: itself, and others that it stands for."""
    names = await store.that_are(session, member, limit)
    return [one for one in await find(session, names, moment) if one.body.member == member]


async def search(
    session: ReadSession, text: str, moment: Moment, *, after: Place | None, limit: int
) -> Page[Rightholder]:
    """Return rightholders whose names hold the words of a text, in order of name, then id."""
    return await search_store.search(session, RIGHTHOLDERS, text, moment, after=after, limit=limit)


async def member_of(session: ReadSession, name: str | None, at: datetime) -> str | None:
    """Return the member that a rightholder is, None where it is none."""
    if name is None:
        return None
    found = await as_merged(session, RIGHTHOLDERS, [name], Moment(at))
    return found[name].body.member if name in found else None
