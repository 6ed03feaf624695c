"""Who stands in a member's place at an instant, whose place a member takes; and the two acts."""

from collections.abc import Collection
from datetime import date
from fractions import Fraction
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history import acts, feed_store
from federation.history.kinds import Said, Saying
from federation.registry.membership import midnight
from federation.store.sessions import ReadSession, WriteSession
from federation.successions import store
from federation.successions.succession import (
    NewSuccession,
    SubjectKind,
    final_shares,
)
from federation.successions.tables import Succession

SUCCESSION: Final = "SUCCESSION"
"""Name of a kind in the feed of changes; its rows are versions themselves."""


class UnknownSuccessionError(RefusalError):
    """No such succession of this collective is known."""

    code: ClassVar[str] = "UNKNOWN_SUCCESSION"


class SucceededError(RefusalError):
    """Others stand in this member's place."""

    code: ClassVar[str] = "SUCCEEDED"


async def get_known(session: ReadSession, number: int) -> Succession:
    """Return a succession that is known now (UNKNOWN_SUCCESSION)."""
    row = await store.find(session, number)
    if row is None or row.superseded_at is not None:
        raise UnknownSuccessionError(str(number))
    return row


async def record(session: WriteSession, new: NewSuccession, saying: Saying) -> Succession:
    """Write a succession down that was found good, and say so in the feed."""
    saying = await feed_store.in_order(session, saying)
    row = await store.add(session, new, saying.by, saying.reason, saying.now)
    said = Said(SUCCESSION, str(row.id), acts.REGISTERED, midnight(row.starts_on))
    await feed_store.add_changes(session, [said], saying)
    return row


async def withdraw(session: WriteSession, row: Succession, saying: Saying) -> None:
    """Take back a succession that never was right: it is known no more."""
    saying = await feed_store.in_order(session, saying)
    row.superseded_at = saying.now
    await session.flush()
    said = Said(SUCCESSION, str(row.id), acts.WITHDRAWN, midnight(row.starts_on))
    await feed_store.add_changes(session, [said], saying)


async def successors(
    session: ReadSession, members: Collection[str] | None, on: date
) -> dict[str, dict[str, Fraction]]:
    """Return {member: {who has its money on a day: its exact part}}; members with none left out.

    Of some members or of all (None); chains are followed to their ends.
    """
    if members is None:
        links = await store.links(session, SubjectKind.MEMBER, on)
        return {member: final_shares(links, member) for member in links}
    found = dict[str, dict[str, int]]()
    level: Collection[str] = set(members)
    while level:
        more = await store.links(session, SubjectKind.MEMBER, on, level)
        found |= more
        level = {one for shares in more.values() for one in shares} - found.keys()
    return {member: final_shares(found, member) for member in members if member in found}


async def is_succeeded(session: ReadSession, member: str, on: date) -> bool:
    """Tell whether others stand in a member's place on a day."""
    return bool(await store.links(session, SubjectKind.MEMBER, on, [member]))


async def stands_for(session: ReadSession, member: str, on: date) -> frozenset[str]:
    """Return for which members one may speak on a day: itself, and whom it succeeds at last.

    For one that is succeeded others speak (SUCCEEDED). Of several successors each may.
    """
    if await is_succeeded(session, member, on):
        raise SucceededError(f"{member} on {on}")
    return await succeeded_by(session, member, on)


async def succeeded_by(session: ReadSession, member: str, on: date) -> frozenset[str]:
    """Return a member and all whom it succeeds at last on a day, also where it is succeeded."""
    found, level = {member}, {member}
    while level:
        level = await store.predecessors_of(session, SubjectKind.MEMBER, level, on) - found
        found |= level
    return frozenset(found)


async def shown_of(session: ReadSession, own: str, asked: str, on: date) -> str:
    """Return whose facts `own` is shown who asked for another's: those, if it succeeds it."""
    found = await successors(session, [asked], on)
    return asked if own in found.get(asked, {}) else own


async def successors_of_rightholder(session: ReadSession, name: str, on: date) -> frozenset[str]:
    """Return the members that succeed a rightholder on a day, none where nobody does."""
    links = await store.links(session, SubjectKind.RIGHTHOLDER, on, [name])
    return frozenset(links.get(name, ()))
