"""By what rightholders are found, and what is written down of them. Nothing here commits."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from federation.history import store as history
from federation.history.kinds import Kind, Saying, Statement
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.tables import (
    RightholderIdentifier,
    RightholderMember,
    RightholderVersion,
)
from federation.store.bulk import in_chunks, insert_rows
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
    rows = [
        (identifier, statement.thing)
        for statement in statements
        if statement.body is not None
        for identifier in statement.body.identifiers
    ]
    columns = ["identifier", "rightholder_id"]
    await insert_rows(session, RightholderIdentifier, columns, rows, ignore_conflicts=True)
    are = [
        (statement.body.member, statement.thing)
        for statement in statements
        if statement.body is not None and statement.body.member is not None
    ]
    columns = ["member", "rightholder_id"]
    await insert_rows(session, RightholderMember, columns, are, ignore_conflicts=True)
    return numbers


async def that_are(session: ReadSession, member: str, limit: int) -> list[str]:
    """Return the rightholders of which some version is a member, by id."""
    query = select(RightholderMember.rightholder_id).where(RightholderMember.member == member)
    rows = await session.scalars(query.order_by(RightholderMember.rightholder_id).limit(limit))
    return list(rows)


async def holders_of(session: ReadSession, identifiers: Sequence[str]) -> dict[str, set[str]]:
    """Return {identifier: the rightholders of which some version has it}."""
    found: dict[str, set[str]] = {}
    for chunk in in_chunks(identifiers):
        query = select(RightholderIdentifier.identifier, RightholderIdentifier.rightholder_id)
        rows = await session.execute(query.where(RightholderIdentifier.identifier.in_(chunk)))
        for identifier, rightholder_id in rows:
            found.setdefault(identifier, set()).add(rightholder_id)
    return found
