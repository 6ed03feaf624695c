"""Writing down what is said of things, and reading what was so. Nothing here commits.

Nothing that was written down is changed or taken away but by saying when it stopped being known:
so what is answered for a past instant, as it was known then, stays the same for ever.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select

from federation.history.feed_store import add_changes, in_order
from federation.history.kinds import (
    Body,
    Found,
    Kind,
    Moment,
    Place,
    Said,
    Saying,
    Statement,
    kept_of,
)
from federation.history.spans import Displaced, Span, displaced
from federation.history.tables import Versioned
from federation.store.asked import among, asked, is_sqlite, parameters_of
from federation.store.base import to_micros
from federation.store.bulk import in_chunks, insert_rows, set_column
from federation.store.sessions import ReadSession, WriteSession

_WORDS_ROWS = 400
_THING = ("thing",)
_FEW = 50  # things, read at once
_VERSION = [
    "version",
    "change",
    "starts_at",
    "ends_at",
    "recorded_at",
    "thing",
    "sorted_by",
    "words",
    "merged_into",
    "body",
]
Versions = TypeVar("Versions", bound=Versioned)


class Told(NamedTuple):
    """A version as it is written: by which change, over which period, and what."""

    change: int
    span: Span
    thing: str
    sorted_by: str
    words: str
    merged_into: str | None
    body: str


Known = Mapping[str, Mapping[int, Told]]
"""{thing: {version: what is known of it now}}."""


async def record(
    session: WriteSession,
    kind: Kind[Body],
    statements: Sequence[Statement[Body]],
    saying: Saying,
    known: Known | None = None,
) -> range:
    """Write down what is said of things, each of them once; return the numbers of the changes.

    What was known of a thing over the same period is superseded. Who has read in this transaction
    what is known (`known_of`) hands it over.
    """
    if len({statement.thing for statement in statements}) < len(statements):
        raise ValueError("of one thing two statements are written down in two steps")
    if known is None:
        known = await known_of(session, kind, [statement.thing for statement in statements])
    saying = await in_order(session, saying)
    feed = [Said(kind.name, each.thing, each.act, each.starts_at) for each in statements]
    numbers = await add_changes(session, feed, saying)
    gone: list[int] = []
    said: list[Told] = []
    for number, statement in zip(numbers, statements, strict=True):
        if before := known.get(statement.thing):
            spans = [(version, one.span) for version, one in before.items()]
            for old in displaced(spans, statement.period):
                gone.append(old.version)
                said += _rests(before[old.version], old, number)
        if statement.body is not None:
            said.append(_said(statement, statement.body, number))
    table: Any = kind.table
    now = to_micros(saying.now)
    await set_column(session, table, "superseded_at", ["version"], [(now, old) for old in gone])
    await _add_versions(session, kind, said, now)
    return numbers


async def find(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], moment: Moment
) -> dict[str, Found[Body]]:
    """Return things by id as they were; one that was not there then is left out."""
    found: dict[str, Found[Body]] = {}
    of: Any = kind.table
    columns = (of.thing, of.body, of.starts_at, of.ends_at, of.sorted_by, of.merged_into)
    sqlite = is_sqlite(session)
    there = asked(_THING, sqlite=sqlite)
    query: Any = select(*columns).where(of.thing == there.c.thing, in_force(kind.table, moment))
    names = parameters_of(_THING, [(thing,) for thing in dict.fromkeys(things)], sqlite=sqlite)
    for row in await session.rows(query, names, many=len(things) > _FEW):
        thing, body, starts_at, ends_at, sorted_by, merged_into = row
        period, place = Span(starts_at, ends_at), Place(sorted_by, thing)
        found[thing] = Found(thing, kind.decode(body), period, place, merged_into)
    return found


async def listed(
    session: ReadSession, kind: Kind[Body], moment: Moment, *, after: str, limit: int
) -> list[Found[Body]]:
    """Return things as they were, by id, from the one after an id on; without those merged."""
    table = kind.table
    query = select(table).where(table.thing > after, in_force(table, moment))
    rows = await session.scalars(
        query.where(table.merged_into.is_(None)).order_by(table.thing).limit(limit)
    )
    return [found_of(kind, row) for row in rows]


async def known_versions(session: ReadSession, kind: Kind[Body], thing: str) -> list[Found[Body]]:
    """Return what is known of a thing for all its periods, the first first."""
    query = select(kind.table).where(kind.table.thing == thing, is_known(kind.table, None))
    rows = await session.scalars(query.order_by(kind.table.starts_at))
    return [found_of(kind, row) for row in rows]


async def versions_over(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], period: Span
) -> dict[str, list[Found[Body]]]:
    """Return {thing: what is known of it for some time of a period, the first first}."""
    table, found = kind.table, dict[str, list[Found[Body]]]()
    if not things:
        return found  # asked for each work of a large file; to say what to ask is not free
    meets = or_(table.ends_at.is_(None), table.ends_at > period.starts_at)
    if period.ends_at is not None:
        meets = and_(meets, table.starts_at < period.ends_at)
    is_one = among(session, table.thing, things)
    query = select(table).where(is_one, is_known(table, None), meets)
    for row in await session.scalars(query.order_by(table.starts_at)):
        found.setdefault(row.thing, []).append(found_of(kind, row))
    return found


async def merged_into(
    session: ReadSession, kind: Kind[Body], thing: str, period: Span
) -> list[Found[Body]]:
    """Return the versions known now by which others are a thing for some time of a period."""
    table = kind.table
    query = select(table).where(is_known(table, None), table.merged_into == thing)
    rows = await session.scalars(query.order_by(table.thing, table.starts_at))
    return [found_of(kind, row) for row in rows if Span(row.starts_at, row.ends_at).meets(period)]


async def merged_at(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], moment: Moment
) -> list[Found[Body]]:
    """Return what some things had merged into them, as it was at a moment; not what that had."""
    if not things:
        return []
    table = kind.table
    had = table.merged_into.is_not(None) & among(session, table.merged_into, things)
    rows = await session.scalars(select(table).where(had, in_force(table, moment)))
    return [found_of(kind, row) for row in rows]


async def ever_merged_into(
    session: ReadSession, kind: Kind[Body], things: Collection[str]
) -> set[str]:
    """Return what was ever said to be one of some things, also by way of others.

    What is known no more counts as well. Nothing is met twice, so that the question ends.
    """
    table, found = kind.table, set[str]()
    for chunk in in_chunks(sorted(things)):
        of = select(table.thing).where(table.merged_into.in_(chunk)).cte(recursive=True)
        also = select(table.thing).join(of, table.merged_into == of.c.thing)
        found |= set(await session.scalars(select(of.union(also).c.thing)))
    return found


async def spans_of(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], known_at: datetime | None
) -> dict[str, Span]:
    """Return {thing: from when to before when it is there at all}, as is known or was known then.

    Between the two it may not be there for a while.
    """
    found: dict[str, Span] = {}
    table = kind.table
    # COUNT leaves out rows without an end: one of them, and the thing has none.
    query = select(
        table.thing,
        func.min(table.starts_at),
        func.max(table.ends_at),
        func.count() - func.count(table.ends_at),
    ).where(among(session, table.thing, things), is_known(table, known_at))
    for thing, starts_at, ends_at, open_ended in await session.execute(query.group_by(table.thing)):
        found[thing] = Span(starts_at, None if open_ended else ends_at)
    return found


def in_force(table: type[Versioned], moment: Moment) -> ColumnElement[bool]:
    """Return which versions held at an instant, as it was known at another."""
    return and_(holds(table, moment.at), is_known(table, moment.known_at))


def holds(table: type[Versioned], at: datetime) -> ColumnElement[bool]:
    """Return which versions are of a period in which an instant lies."""
    return and_(table.starts_at <= at, or_(table.ends_at.is_(None), table.ends_at > at))


def is_known(table: type[Versioned], known_at: datetime | None) -> ColumnElement[bool]:
    """Return which versions were known at an instant, or are known now (None)."""
    if known_at is None:
        return table.superseded_at.is_(None)
    return and_(
        table.recorded_at <= known_at,
        or_(table.superseded_at.is_(None), table.superseded_at > known_at),
    )


def found_of(kind: Kind[Body], row: Versioned) -> Found[Body]:
    """Return a version as it is read."""
    return Found(
        thing=row.thing,
        body=kind.decode(row.body),
        period=Span(row.starts_at, row.ends_at),
        place=Place(row.sorted_by, row.thing),
        merged_into=row.merged_into,
    )


async def known_of(
    session: ReadSession, kind: Kind[Body], things: Sequence[str]
) -> dict[str, dict[int, Told]]:
    """Return {thing: {version: what is known of it now}}; what was never there is left out."""
    table, found = kind.table, dict[str, dict[int, Told]]()
    columns = (table.version, table.change, table.starts_at, table.ends_at, table.thing)
    texts = (table.sorted_by, table.words, table.merged_into, table.body)
    is_one = among(session, table.thing, things)
    for row in await session.execute(select(*columns, *texts).where(is_one, is_known(table, None))):
        span = Span(row.starts_at, row.ends_at)
        words = (row.sorted_by, row.words, row.merged_into, row.body)
        known = found.setdefault(row.thing, {})
        known[row.version] = Told(row.change, span, row.thing, *words)
    return found


async def never_there(session: ReadSession, kind: Kind[Body], things: Sequence[str]) -> list[str]:
    """Return those of some things of which nothing is known, for whatever time."""
    query = select(kind.table.thing).where(among(session, kind.table.thing, things))
    known = set(await session.scalars(query.where(is_known(kind.table, None)).distinct()))
    return [thing for thing in things if thing not in known]


def _said(statement: Statement[Body], body: Body, change: int) -> Told:
    kept, into = statement.kept or kept_of(body), statement.merged_into
    sorted_by, words = ("", "") if into is not None else (kept.sorted_by, kept.words)
    return Told(change, statement.period, statement.thing, sorted_by, words, into, kept.body)


def _rests(one: Told, old: Displaced, change: int) -> Iterable[Told]:
    return (one._replace(change=change, span=rest) for rest in old.rests)


async def _add_versions(
    session: WriteSession, kind: Kind[Body], said: Sequence[Told], now: int
) -> None:
    table: Any = kind.table
    first = (await session.scalar(select(func.max(kind.table.version))) or 0) + 1
    rows = [
        (
            version,
            one.change,
            to_micros(one.span.starts_at),
            None if one.span.ends_at is None else to_micros(one.span.ends_at),
            now,
            *one[2:],
        )
        for version, one in enumerate(said, first)
    ]
    await insert_rows(session, table, _VERSION, rows)
    await _index_words(
        session, kind, [(version, one.words) for version, one in enumerate(said, first)]
    )


async def _index_words(
    session: WriteSession, kind: Kind[Body], rows: Sequence[tuple[int, str]]
) -> None:
    """Let SQLite's full-text index know new versions; PostgreSQL's follows the table itself."""
    connection = await session.connection()
    if connection.dialect.name != "sqlite":
        return
    for start in range(0, len(rows), _WORDS_ROWS):
        chunk = rows[start : start + _WORDS_ROWS]
        marks = ",".join(["(?,?)"] * len(chunk))
        into = f"INSERT INTO {kind.table.__tablename__}_words(rowid, words) VALUES"
        values = tuple(itertools.chain.from_iterable(chunk))
        await connection.exec_driver_sql(f"{into} {marks}", values)
