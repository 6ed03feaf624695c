"""Finding things by their words, with the same result and order on every database.

We make the words (`values/search_words.py`); the database's own full-text index only says which
versions hold them. Nothing here writes.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, select, text, tuple_

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
_VERSION: Final = {"sqlite": "rowid", "postgresql": "version"}
_FEW: Final = "SELECT {version} FROM {holding} LIMIT :most"
_ALL: Final = {
    "sqlite": "{table}.version IN (SELECT rowid FROM {holding})",
    # An array is made once; of IN PostgreSQL may ask the index again for every row.
    "postgresql": "{table}.version = ANY (ARRAY (SELECT version FROM {holding}))",
}
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
    few = await _few(session, kind, words)
    if few is not None:
        found = _listed(kind, moment).where(kind.table.version.in_(few))
        return await _sorted(session, kind, found, after, limit)
    if moment.known_at is None:
        looked = await _looked_through(session, kind, moment, words, after, limit)
        if looked is not None:
            return looked
    query = _listed(kind, moment).where(_matching(session, kind, words))
    return await _sorted(session, kind, query, after, limit)


async def _few(
    session: ReadSession, kind: Kind[Body], words: Sequence[str]
) -> Sequence[int] | None:
    """Return the versions that match, None where there are more than are put in order."""
    dialect = session.get_bind().dialect.name
    holding = _holding(dialect, kind)
    query = text(_FEW.format(version=_VERSION[dialect], holding=holding))
    asked = {"asked": _asked(dialect, words), "most": SORTED_MAX + 1}
    if dialect == "postgresql":
        await session.execute(_BY_INDEX)
    found = list(await session.scalars(query, asked))
    if dialect == "postgresql":
        await session.execute(_AS_EVER)
    return found if len(found) <= SORTED_MAX else None


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


def _matching(session: ReadSession, kind: Kind[Body], words: Sequence[str]) -> TextClause:
    """Return which versions hold every word, the last as a beginning, by the database's index."""
    dialect = session.get_bind().dialect.name
    table, holding = kind.table.__tablename__, _holding(dialect, kind)
    matching = text(_ALL[dialect].format(table=table, holding=holding))
    return matching.bindparams(asked=_asked(dialect, words))


def _holding(dialect: str, kind: Kind[Body]) -> str:
    return _HOLDING[dialect].format(table=kind.table.__tablename__)


def _asked(dialect: str, words: Sequence[str]) -> str:
    """Write what is asked as the database's index understands it."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"' for word in words) + "*"
    return " & ".join(f"'{word}'" for word in words) + ":*"
