"""Finding things by their words, with the same result and order on every database.

We make the words (`values/search_words.py`); the database's own full-text index only says which
versions hold them. However many there are, a page looks at no more than some thousands of them.
Nothing here writes.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, select, text, tuple_

from federation.history.kinds import Body, Kind, Moment, Page, Place
from federation.history.store import found_of, in_force, is_known
from federation.history.tables import Versioned
from federation.store.sessions import ReadSession
from federation.values.search_words import words_of

FEW: Final = 2_000
"""So many versions that match are put in order at once."""
LOOKED_AT_MAX: Final = 10_000
"""Of more, so many versions in order are looked at for a page."""
MANY: Final = 20_000
"""And where those do not fill it, so many that match are put in order all the same."""
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
_FIRST: Final = "SELECT {version} FROM {holding} LIMIT :most"
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
) -> Page[Body]:
    """Return a page of things in order of what they are sorted by, then of their ids.

    They hold every word asked for, the last one as the beginning of a word; without a word every
    thing is found. The order is that of bytes. `after` is where the page before ended. A page
    may have fewer things than `limit`, even none, and go on: after so many looked at it ends.
    """
    words = words_of(asked)[:WORDS_MAX]
    few = await _holding_at_most(session, kind, words, FEW) if words else None
    if few is not None:
        return await _put_in_order(session, kind, kind.table.version.in_(few), moment, after, limit)
    page = await _looked_through(session, kind, moment, words, after, limit)
    is_short = len(page.found) < limit and page.after is not None
    if words and is_short and await _holding_at_most(session, kind, words, MANY) is not None:
        matching = _matching(session, kind, words)
        return await _put_in_order(session, kind, matching, moment, after, limit)
    return page


async def _holding_at_most(
    session: ReadSession, kind: Kind[Body], words: Sequence[str], most: int
) -> Sequence[int] | None:
    """Return the versions that hold the words, None where there are more than so many."""
    dialect = session.get_bind().dialect.name
    query = text(_FIRST.format(version=_VERSION[dialect], holding=_holding(dialect, kind)))
    asked = {"asked": _asked(dialect, words), "most": most + 1}
    if dialect == "postgresql":
        await session.execute(_BY_INDEX)
    found = list(await session.scalars(query, asked))
    if dialect == "postgresql":
        await session.execute(_AS_EVER)
    return found if len(found) <= most else None


async def _looked_through(
    session: ReadSession,
    kind: Kind[Body],
    moment: Moment,
    words: Sequence[str],
    after: Place | None,
    limit: int,
) -> Page[Body]:
    """Look at so many versions in order; the page ends where it is full, or behind the last thing.

    Of the thing of the last version all are looked at: the next page begins behind it.
    """
    table: type[Versioned] = kind.table
    everything = _ordered(kind, _known(kind, moment), after)
    window: Any = everything.limit(LOOKED_AT_MAX).subquery().c
    query = select(window.version).where(*_is_found(window, moment, words))
    numbers = set(await session.scalars(query.limit(limit + 1)))
    last: Place | None = None
    if len(numbers) <= limit:
        places = everything.with_only_columns(table.sorted_by, table.thing)
        row = (await session.execute(places.offset(LOOKED_AT_MAX - 1).limit(1))).first()
        if row is not None:
            last = Place(*row)
            of_last = (table.thing == last.thing, table.sorted_by == last.sorted_by)
            query = select(table.version).where(*of_last, *_is_found(table, moment, words))
            numbers.update(await session.scalars(query))
    rows = await session.scalars(select(table).where(table.version.in_(numbers)))
    found = sorted((found_of(kind, row) for row in rows), key=lambda one: one.place)
    return Page(found[:limit], found[limit - 1].place if len(found) > limit else last)


def _is_found(versions: Any, moment: Moment, words: Sequence[str]) -> Sequence[ColumnElement[bool]]:
    """Return which versions held at a moment, of what is itself, and have the words."""
    is_itself = versions.merged_into.is_(None)
    return (in_force(versions, moment), is_itself, *_written(versions.words, words))


def _known(kind: Kind[Body], moment: Moment) -> Select[Any]:
    """Ask for what an index has in order: what is known now, or everything that ever was."""
    table = kind.table
    columns: list[Any] = [
        table.version,
        table.starts_at,
        table.ends_at,
        table.recorded_at,
        table.superseded_at,
        table.merged_into,
        table.words,
    ]
    query = select(*columns)
    return query.where(is_known(table, None)) if moment.known_at is None else query


async def _put_in_order(
    session: ReadSession,
    kind: Kind[Body],
    which: ColumnElement[bool] | TextClause,
    moment: Moment,
    after: Place | None,
    limit: int,
) -> Page[Body]:
    """Put some versions in order, of which there are not too many."""
    query = select(kind.table).where(
        in_force(kind.table, moment), kind.table.merged_into.is_(None), which
    )
    rows = await session.scalars(_ordered(kind, query, after).limit(limit + 1))
    found = [found_of(kind, row) for row in rows]
    return Page(found[:limit], found[limit - 1].place if len(found) > limit else None)


def _ordered(kind: Kind[Body], query: Select[Any], after: Place | None) -> Select[Any]:
    table: type[Versioned] = kind.table
    if after is not None:
        query = query.where(tuple_(table.sorted_by, table.thing) > tuple_(*after))
    return query.order_by(table.sorted_by, table.thing)


def _written(column: ColumnElement[str], words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Ask the same of a text as the index: words hold letters and digits only."""
    whole = [column.like(f"% {word} %") for word in words[:-1]]
    return [*whole, *(column.like(f"% {word}%") for word in words[-1:])]


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
