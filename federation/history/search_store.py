"""Finding things by their words, with the same result and order on every database.

We make the words (`values/search_words.py`); the database's own full-text index only says which
versions hold them. However many there are, a page looks at no more than some thousands of them.
Nothing here writes.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    TextClause,
    and_,
    column,
    select,
    text,
    true,
    tuple_,
)

from federation.history.kinds import Body, Found, Kind, Moment, Page, Place
from federation.history.store import found_of, holds, in_force
from federation.history.tables import Versioned
from federation.store.asked import found_by
from federation.store.sessions import ReadSession
from federation.values.search_words import words_of

FIRST: Final = 500
"""So many versions in order are looked at before the words' index is asked: what a page of common
words is filled from, where the index would put all that hold them together."""
FEW: Final = 5_000
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
Order = tuple[ColumnElement[bool], ColumnElement[bool]]
_VERSION: Final = {"sqlite": "rowid", "postgresql": "version"}
_COUNT: Final = "SELECT count(*) FROM (SELECT {version} FROM {holding} LIMIT :most) AS held"
_TOO_MANY: Final = -1  # in the place of their numbers
_ALL: Final = (
    "WITH held AS MATERIALIZED (SELECT {version} AS version FROM {holding} LIMIT :most)"
    " SELECT version FROM held WHERE (SELECT count(*) FROM held) < :most"
    " UNION ALL SELECT -1 WHERE (SELECT count(*) FROM held) >= :most"
)
# What was corrected stays in the index: the newest, and where that is cheap those that are known.
_SOME: Final = {
    "sqlite": "SELECT rowid AS version FROM {of} ORDER BY rowid DESC LIMIT :most",
    "postgresql": (
        "SELECT version FROM {of}"
        " AND coalesce(superseded_at, -1) = -1 AND coalesce(merged_into, '') = '' LIMIT :most"
    ),
}
_AMONG: Final = {
    "sqlite": "{table}.version IN (SELECT value FROM json_each(:found))",
    "postgresql": "{table}.version = ANY (CAST(:found AS bigint[]))",
}
_SCANS: Final = ("seqscan", "indexscan", "indexonlyscan", "bitmapscan")


def _scanning(*allowed: str) -> TextClause:
    states = (f"'enable_{each}', '{'on' if each in allowed else 'off'}'" for each in _SCANS)
    return text(f"SELECT {', '.join(f'set_config({state}, true)' for state in states)}")


# PostgreSQL would rather make the words of each row anew than ask their index for a few of many,
# and read all that there is rather than some thousands in order.
_BY_WORDS: Final = _scanning("bitmapscan")
_IN_ORDER: Final = _scanning("indexscan", "indexonlyscan")
_AS_EVER: Final = _scanning(*_SCANS)


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
    if not words:
        return await _looked_through(session, kind, moment, words, after, limit, LOOKED_AT_MAX)
    page = await _looked_through(session, kind, moment, words, after, limit, FIRST)
    if len(page.found) == limit or page.after is None:
        return page
    held = await _holding(session, kind, words)
    if held is not None and len(held) <= FEW:
        return await _put_in_order(session, kind, held, moment, after, limit)
    page = await _looked_through(session, kind, moment, words, after, limit, LOOKED_AT_MAX)
    if held is not None and len(page.found) < limit and page.after is not None:
        return await _put_in_order(session, kind, held, moment, after, limit)
    return page


async def find_some(
    session: ReadSession,
    kind: Kind[Body],
    asked: str,
    things: Sequence[str],
    moment: Moment,
    limit: int,
    also: Select[str] | None = None,
) -> list[Found[Body]]:
    """Return a few things of some ids, or that hold every word asked for, by one statement.

    `also` selects the ids of others. Of very many that hold the words some of the newest are taken:
    this is a glance at what is known now, and `search` the list.
    """
    table, words = kind.table, words_of(asked)[:WORDS_MAX]
    ways: list[Select[Any]] = [select(table.version).where(table.thing.in_(things))]
    if also is not None:
        ways.append(select(table.version).where(table.thing.in_(also)))
    if words:
        ways.append(_some_holding(session, kind, words))
    known = in_force(table, moment), table.merged_into.is_(None)
    query = select(table).where(found_by(table.version, ways), *known)
    async with _by_index(session, _BY_WORDS):
        rows = await session.scalars(_ordered(kind, query, None).limit(limit))
    return [found_of(kind, row) for row in rows]


def _some_holding(
    session: ReadSession, kind: Kind[Body], words: Sequence[str]
) -> Select[tuple[int]]:
    """Select some versions that hold the words, of the newest."""
    dialect, table = session.get_bind().dialect.name, kind.table.__tablename__
    written = _SOME[dialect].format(of=_HOLDING[dialect].format(table=table))
    held = text(written).bindparams(asked=_asked(dialect, words), most=FIRST)
    found = held.columns(column("version", BigInteger)).subquery()
    return select(found.c.version)


async def _holding(
    session: ReadSession, kind: Kind[Body], words: Sequence[str]
) -> Sequence[int] | None:
    """Return the versions that hold the words, None where there are very many.

    Those of words as they are an index has in its order; of the words with a beginning in common
    it has to put them together first, however many: it is asked for them where nothing else tells.
    """
    [count] = await _asked_of_index(session, kind, _COUNT, words, is_last_whole=True)
    if count > MANY:
        return None
    found = await _asked_of_index(session, kind, _ALL, words)
    return None if list(found) == [_TOO_MANY] else found


async def _asked_of_index(
    session: ReadSession,
    kind: Kind[Body],
    query: str,
    words: Sequence[str],
    *,
    is_last_whole: bool = False,
) -> Sequence[int]:
    """Ask the full-text index for versions that hold the words, for one more than many."""
    dialect, table = session.get_bind().dialect.name, kind.table.__tablename__
    holding = _HOLDING[dialect].format(table=table)
    statement = text(query.format(version=_VERSION[dialect], holding=holding))
    asked = _asked(dialect, words, is_last_whole=is_last_whole)
    async with _by_index(session, _BY_WORDS):
        return (await session.scalars(statement, {"asked": asked, "most": MANY + 1})).all()


@asynccontextmanager
async def _by_index(session: ReadSession, how: TextClause) -> AsyncIterator[None]:
    """Let PostgreSQL ask an index, whatever it believes of how many rows there are."""
    is_asked = session.get_bind().dialect.name == "postgresql"
    if is_asked:
        await session.execute(how)
    yield
    if is_asked:
        await session.execute(_AS_EVER)


async def _looked_through(
    session: ReadSession,
    kind: Kind[Body],
    moment: Moment,
    words: Sequence[str],
    after: Place | None,
    limit: int,
    most: int,
) -> Page[Body]:
    """Look at so many versions in order; the page ends where it is full, or behind the last thing.

    An index has them in order with their times: of what did not hold nothing else is read.
    """
    orders, table = _orders(kind.table, moment.known_at), kind.table
    found = list[Found[Body]]()
    async with _by_index(session, _IN_ORDER):
        ends = [await _end(session, kind, order, after, most) for order, _ in orders]
        last = min((end for end in ends if end is not None), default=None)
        for order, was_known in orders:
            query = select(table).where(order, was_known, holds(table, moment.at))
            query = query.where(*_written(table, words), *_to(table, last))
            rows = await session.scalars(_ordered(kind, query, after).limit(limit + 1))
            found += [found_of(kind, row) for row in rows]
    found.sort(key=lambda one: one.place)
    return Page(found[:limit], found[limit - 1].place if len(found) > limit else last)


def _orders(table: type[Versioned], known_at: datetime | None) -> list[Order]:
    """Return what an index has in order: what is known now; of a past moment, what no more is, too.

    With each comes what of it was known then.
    """
    itself = table.merged_into.is_(None)
    known = and_(table.superseded_at.is_(None), itself)
    if known_at is None:
        return [(known, true())]
    recorded = table.recorded_at <= known_at
    gone = and_(table.superseded_at.is_not(None), itself)
    return [(known, recorded), (gone, and_(recorded, table.superseded_at > known_at))]


async def _end(
    session: ReadSession,
    kind: Kind[Body],
    order: ColumnElement[bool],
    after: Place | None,
    most: int,
) -> Place | None:
    """Return the last place of so many that are looked at in an order, None where all of it is."""
    columns: list[Any] = [kind.table.sorted_by, kind.table.thing]
    places = _ordered(kind, select(*columns).where(order), after)
    row = (await session.execute(places.offset(most - 1).limit(1))).first()
    return None if row is None else Place(*row)


async def _put_in_order(
    session: ReadSession,
    kind: Kind[Body],
    versions: Sequence[int],
    moment: Moment,
    after: Place | None,
    limit: int,
) -> Page[Body]:
    """Put some versions in order, of which there are not too many."""
    query = select(kind.table).where(
        in_force(kind.table, moment),
        kind.table.merged_into.is_(None),
        _among(session, kind, versions),
    )
    rows = await session.scalars(_ordered(kind, query, after).limit(limit + 1))
    found = [found_of(kind, row) for row in rows]
    return Page(found[:limit], found[limit - 1].place if len(found) > limit else None)


def _ordered(kind: Kind[Body], query: Select[Any], after: Place | None) -> Select[Any]:
    table: type[Versioned] = kind.table
    if after is not None:
        query = query.where(tuple_(table.sorted_by, table.thing) > tuple_(*after))
    return query.order_by(table.sorted_by, table.thing)


def _to(table: type[Versioned], last: Place | None) -> list[ColumnElement[bool]]:
    return [] if last is None else [tuple_(table.sorted_by, table.thing) <= tuple_(*last)]


def _written(table: type[Versioned], words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Ask the same of a text as the index: words hold letters and digits only."""
    whole = [table.words.like(f"% {word} %") for word in words[:-1]]
    return [*whole, *(table.words.like(f"% {word}%") for word in words[-1:])]


def _among(session: ReadSession, kind: Kind[Body], versions: Sequence[int]) -> TextClause:
    """Return which versions are some of which the numbers are known: all as one parameter."""
    dialect = session.get_bind().dialect.name
    numbers = list(versions) if dialect == "postgresql" else f"[{','.join(map(str, versions))}]"
    return text(_AMONG[dialect].format(table=kind.table.__tablename__)).bindparams(found=numbers)


def _asked(dialect: str, words: Sequence[str], *, is_last_whole: bool = False) -> str:
    """Write what is asked as the database's index understands it."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"' for word in words) + ("" if is_last_whole else "*")
    return " & ".join(f"'{word}'" for word in words) + ("" if is_last_whole else ":*")
