"""Acts on rightholders, and what contradicts one that is registered; and finding them."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history import store as history
from federation.history.identifying import Numbering, held_by_others
from federation.history.kinds import Found, Moment, Statement
from federation.history.merges import as_merged, find_as_merged
from federation.history.service import Acts
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
from federation.store.sessions import ReadSession


class UnknownRightholderError(RefusalError):
    """No such rightholder is registered here."""

    code: ClassVar[str] = "UNKNOWN_RIGHTHOLDER"


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


async def that_are(
    session: ReadSession, member: str, moment: Moment, limit: int
) -> list[Found[Rightholder]]:
    """Return the rightholders that a member was, by id: itself, and others that it stands for."""
    names = await store.that_are(session, member, limit)
    return [
        one
        for one in await find_as_merged(session, RIGHTHOLDERS, names, moment)
        if one.body.member == member
    ]


def _read(draft: DraftRightholder) -> Rightholder:
    return read_rightholder(draft).rightholder


NUMBERING: Final[Numbering[Rightholder]] = Numbering(lambda one: one.identifiers, store.holders_of)
"""How rightholders are numbered."""
ACTS: Final = Acts(
    RIGHTHOLDERS,
    NUMBERING,
    read_rightholder_id,
    _read,
    contradictions,
    store.record,
)
"""Registering rightholders, changing, ending, merging and demerging them."""


async def member_of(session: ReadSession, name: str | None, at: datetime) -> str | None:
    """Return the member that a rightholder is, None where it is none."""
    if name is None:
        return None
    found = await as_merged(session, RIGHTHOLDERS, [name], Moment(at))
    return found[name].body.member if name in found else None
