"""By what rightholders are found, and what is written down of them. Nothing here commits."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import select

from federation.history import store as history
from federation.history.key_store import add_keys, things_by
from federation.history.kinds import Kind, Saying, Statement
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.tables import (
    RightholderIdentifier,
    RightholderMember,
    RightholderVersion,
)
from federation.store.sessions import ReadSession, WriteSession

RIGHTHOLDERS: Final = Kind("RIGHTHOLDER", RightholderVersion, Rightholder)


async def record(
    session: WriteSession,
    statements: Sequence[Statement[Rightholder]],
    saying: Saying,
    known: history.Known | None = None,
) -> range:
    """Write down what is said of rightholders, each once; return the numbers of the changes."""
    numbers = await history.record(session, RIGHTHOLDERS, statements, saying, known)
    columns = ["identifier", "rightholder_id"]
    await add_keys(session, RightholderIdentifier, columns, statements, _identifiers)
    columns = ["member", "rightholder_id"]
    await add_keys(session, RightholderMember, columns, statements, _member)
    return numbers


def _identifiers(rightholder: Rightholder) -> Iterable[tuple[str]]:
    return ((text,) for text in rightholder.identifiers)


def _member(rightholder: Rightholder) -> Iterable[tuple[str]]:
    return () if rightholder.member is None else ((rightholder.member,),)


async def that_are(session: ReadSession, member: str, limit: int) -> list[str]:
    """Return the rightholders of which some version is a member, by id."""
    query = select(RightholderMember.rightholder_id).where(RightholderMember.member == member)
    rows = await session.scalars(query.order_by(RightholderMember.rightholder_id).limit(limit))
    return list(rows)


async def holders_of(session: ReadSession, identifiers: Sequence[str]) -> dict[str, set[str]]:
    """Return {identifier: the rightholders of which some version has it}."""
    row = RightholderIdentifier
    return await things_by(session, row.identifier, row.rightholder_id, identifiers)
