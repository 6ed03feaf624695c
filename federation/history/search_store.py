"""Finding things by their words, with the same result and order on every database.

We make the words (`values/search_words.py`); the database's own full-text index only says which
versions hold them. Nothing here writes.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select, text, tuple_

from federation.history.kinds import Body, Found, Kind, Moment, Place
from federation.history.store import found_of, in_force
from federation.history.tables import Versioned
from federation.store.sessions import ReadSession
from federation.values.search_words import words_of

SORTED_MAX: Final = 2_000
"""So many versions that match are put in order; of more, things in order are looked at instead."""
LOOKED_AT_MAX: Final = 50_000
WORDS_MAX: Final = 20
"""Words after so many are not asked for."""

_HOLDING: Final = {
    "sqlite": "{table}_words WHERE {table}_words MATCH :asked",
    "postgresql": (
        "{table} WHERE array_to_tsvector(string_to_array(btrim(words), ' '))"
        " @@ CAST(:asked AS tsquery)"
    ),
}
_MATCHING: Final = {
    "sqlite": "SELECT rowid FROM {holding}",
    # OFFSET 0: the index answers first, whatever order the rows are wanted in.
    "postgresql": "SELECT version FROM {holding} OFFSET 0",
}
_COUNTED: Final = "SELECT count(*) FROM (SELECT 1 FROM {holding} LIMIT :most) AS few"
# PostgreSQL would rather make the words of each row anew than ask the index for a few of many.
_BY_INDEX, _AS_EVER = (text(f"SET LOCAL enable_seqscan = {state}") for state in ("off", "on"))


async def search(
    session: ReadSession,
    kind: Kind[Body],
    asked: str,
    moment: Moment,
    *,
    after: Place | None,
    limit: int,
) -> list[Found[Body]]:
    """Return things in order of what they are sorted by, then of their ids.

    They hold every word asked for, the last one as the beginning of a word; without a word every
    thing is found. The order is that of bytes. `after` is the place of the last one seen.
    """
    words = words_of(asked)[:WORDS_MAX]
    if not words:
        return await _sorted(session, kind, _listed(kind, moment), after, limit)
    if moment.known_at is None and await _is_common(session, kind, words):
        found = await _looked_through(session, kind, moment, words, after, limit)
        if found is not None:
            return found
    matching = _matching(session, kind, words)
    return await _sorted(session, kind, _listed(kind, moment).where(matching), after, limit)


async def _is_common(session: ReadSession, kind: Kind[Body], words: Sequence[str]) -> bool:
    """Tell whether more versions match than are put in order."""
    dialect = session.get_bind().dialect.name
    counted = text(_COUNTED.format(holding=_holding(dialect, kind)))
    asked = {"asked": _asked(dialect, words), "most": SORTED_MAX + 1}
    if dialect == "sqlite":
        return (await session.scalar(counted, asked) or 0) > SORTED_MAX
    await session.execute(_BY_INDEX)
    found = await session.scalar(counted, asked)
    await session.execute(_AS_EVER)
    return (found or 0) > SORTED_MAX


async def _looked_through(
    session: ReadSession,
    kind: Kind[Body],
    moment: Moment,
    words: Sequence[str],
    after: Place | None,
    limit: int,
) -> list[Found[Body]] | None:
    """Look at things in order until enough match; None where that takes too long."""
    window = _ordered(kind, _listed(kind, moment), after).limit(LOOKED_AT_MAX).subquery()
    query = select(window.c.version).where(*_written(window.c.words, words)).limit(limit)
    versions = list(await session.scalars(query))
    if len(versions) < limit:
        return None
    rows = await session.scalars(select(kind.table).where(kind.table.version.in_(versions)))
    return sorted((found_of(kind, row) for row in rows), key=lambda found: found.place)


async def _sorted(
    session: ReadSession,
    kind: Kind[Body],
    query: Select[Any],
    after: Place | None,
    limit: int,
) -> list[Found[Body]]:
    rows = await session.scalars(_ordered(kind, query, after).limit(limit))
    return [found_of(kind, row) for row in rows]


def _listed(kind: Kind[Body], moment: Moment) -> Select[Any]:
    is_listed = kind.table.merged_into.is_(None)
    return select(kind.table).where(in_force(kind.table, moment), is_listed)


def _ordered(kind: Kind[Body], query: Select[Any], after: Place | None) -> Select[Any]:
    table: type[Versioned] = kind.table
    if after is not None:
        query = query.where(tuple_(table.sorted_by, table.thing) > tuple_(*after))
    return query.order_by(table.sorted_by, table.thing)


def _written(column: ColumnElement[str], words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Ask the same of a text as the index: words hold letters and digits only."""
    whole = [column.like(f"% {word} %") for word in words[:-1]]
    return [*whole, column.like(f"% {words[-1]}%")]


def _matching(session: ReadSession, kind: Kind[Body], words: Sequence[str]) -> ColumnElement[bool]:
    """Return which versions hold every word, the last as a beginning, by the database's index."""
    dialect = session.get_bind().dialect.name
    rows: Any = text(_MATCHING[dialect].format(holding=_holding(dialect, kind)))
    return kind.table.version.in_(rows.bindparams(asked=_asked(dialect, words)))


def _holding(dialect: str, kind: Kind[Body]) -> str:
    return _HOLDING[dialect].format(table=kind.table.__tablename__)


def _asked(dialect: str, words: Sequence[str]) -> str:
    """Write what is asked as the database's index understands it."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"' for word in words) + "*"
    return " & ".join(f"'{word}'" for word in words) + ":*"
