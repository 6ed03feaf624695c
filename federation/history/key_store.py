"""By what else than their ids things are found: tables of keys, which only grow.

A key stays when no version has it any more: who finds a thing by one looks at its versions.
Nothing here commits.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Mapped

from federation.history.kinds import Body, Statement
from federation.store.asked import among
from federation.store.base import Base
from federation.store.bulk import insert_rows
from federation.store.sessions import ReadSession, WriteSession


async def add_keys(
    session: WriteSession,
    table: type[Base],
    columns: Sequence[str],
    statements: Sequence[Statement[Body]],
    keys_of: Callable[[Body], Iterable[tuple[Any, ...]]],
) -> None:
    """Let things be found by what is said of them; what is there already stays.

    The last of the `columns` is the thing's, the others are those of a key.
    """
    rows = [
        (*key, statement.thing)
        for statement in statements
        if statement.body is not None
        for key in keys_of(statement.body)
    ]
    await insert_rows(session, table, columns, rows, ignore_conflicts=True)


async def things_by(
    session: ReadSession,
    key: Mapped[str],
    thing: Mapped[str],
    keys: Sequence[str],
    *only: ColumnElement[bool] | Mapped[bool],
) -> dict[str, set[str]]:
    """Return {key: the things of which some version has it}."""
    found: dict[str, set[str]] = {}
    if keys:
        query = select(key, thing).where(among(session, key, keys), *only)
        for one, name in await session.execute(query):
            found.setdefault(one, set()).add(name)
    return found
