"""Every SQL statement about published sources. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select, tuple_
from sqlalchemy.orm import defer

from federation.history.kinds import Place
from federation.reservations.tables import Ending, KeptList, Source, SourceVersion
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession


async def find_source(session: ReadSession, kind: str, host: str, page: str) -> Source | None:
    """Return the source of a kind that speaks for a host, or for one page of it."""
    query = select(Source).where(Source.kind == kind, Source.host == host, Source.page == page)
    found: Source | None = await session.scalar(query)
    return found


async def source(session: ReadSession, source_id: int) -> Source | None:
    """Return a source."""
    return await session.get(Source, source_id)


async def sources(
    session: ReadSession, *, after: int, limit: int, host: str | None = None
) -> Sequence[Source]:
    """Return sources by number, all or those of a host."""
    query = select(Source).where(Source.source_id > after)
    if host is not None:
        query = query.where(Source.host == host)
    return list(await session.scalars(query.order_by(Source.source_id).limit(limit)))


def _in_force(at: datetime) -> ColumnElement[bool]:
    """Return which lists are known now and in force at an instant."""
    return and_(
        KeptList.superseded_at.is_(None),
        KeptList.effective_at <= at,
        or_(KeptList.ends_at.is_(None), KeptList.ends_at > at),
    )


Selecting = TypeVar("Selecting", bound=Select[*tuple[Any, ...]])
_NUMBER = cast(Source.source_id, Text)


async def place_after(
    session: ReadSession, after: Place | None, count: int, host: str | None
) -> Place | None:
    """Return the place so many sources further on, in order of their hosts; None behind the end."""
    query = _by_host(select(Source.host, _NUMBER), after, host).offset(count - 1).limit(1)
    row = (await session.execute(query)).first()
    return None if row is None else Place(*row)


async def sources_in_force(
    session: ReadSession,
    at: datetime,
    *,
    after: Place | None,
    to: Place | None,
    host: str | None,
    limit: int,
) -> list[tuple[Source, int]]:
    """Return sources by their hosts, then their numbers as text, with how many rules they have.

    Only those of which a list is in force `at` an instant, and its rules only, are counted.
    """
    many = select(func.sum(KeptList.rule_count)).where(
        KeptList.source_id == Source.source_id, _in_force(at)
    )
    there = select(KeptList.id).where(KeptList.source_id == Source.source_id, _in_force(at))
    query = select(Source, many.scalar_subquery()).where(there.exists())
    if to is not None:
        query = query.where(tuple_(Source.host, _NUMBER) <= tuple_(*to))
    rows = await session.execute(_by_host(query, after, host).limit(limit))
    return [(row[0], int(row[1])) for row in rows]


async def lists_in_force(
    session: ReadSession, sources: Collection[int], at: datetime
) -> list[KeptList]:
    """Return the lists of some sources that are in force at an instant, by number."""
    found = list[KeptList]()
    for chunk in in_chunks(sorted(sources)):
        query = select(KeptList).where(KeptList.source_id.in_(chunk), _in_force(at))
        found += await session.scalars(query.order_by(KeptList.id))
    return found


def _by_host(query: Selecting, after: Place | None, host: str | None) -> Selecting:
    if host is not None:
        query = query.where(Source.host == host)
    if after is not None:
        query = query.where(tuple_(Source.host, _NUMBER) > tuple_(*after))
    return query.order_by(Source.host, _NUMBER)


async def version(session: ReadSession, version_id: int) -> SourceVersion | None:
    """Return a version, with its text."""
    return await session.get(SourceVersion, version_id)


async def last_version(session: ReadSession, source_id: int) -> SourceVersion | None:
    """Return the version of a source that was seen last."""
    found: SourceVersion | None = await session.scalar(_versions(source_id).limit(1))
    return found


async def versions(session: ReadSession, source_id: int, limit: int) -> Sequence[SourceVersion]:
    """Return versions of a source without their texts, the last first."""
    query = _versions(source_id).options(defer(SourceVersion.content)).limit(limit)
    return list(await session.scalars(query))


async def count_versions(session: ReadSession, source_id: int) -> int:
    """Count the versions of a source."""
    query = select(func.count()).where(SourceVersion.source_id == source_id)
    return await session.scalar(query) or 0


def _versions(source_id: int) -> Select[SourceVersion]:
    return (
        select(SourceVersion)
        .where(SourceVersion.source_id == source_id)
        .order_by(SourceVersion.version_id.desc())
    )


async def lists(
    session: ReadSession, source_id: int, known_at: datetime | None = None
) -> Sequence[KeptList]:
    """Return the lists of a source as they are known, or were at an instant, ended ones too."""
    known: ColumnElement[bool] = KeptList.superseded_at.is_(None)
    if known_at is not None:
        known = and_(
            KeptList.recorded_at <= known_at,
            or_(KeptList.superseded_at.is_(None), KeptList.superseded_at > known_at),
        )
    query = select(KeptList).where(KeptList.source_id == source_id, known)
    return list(await session.scalars(query.order_by(KeptList.id)))


async def lists_by_row(session: ReadSession, rows: Collection[int]) -> dict[int, KeptList]:
    """Return lists by the numbers of their rows."""
    found: dict[int, KeptList] = {}
    for chunk in in_chunks(sorted(rows)):
        query = select(KeptList).where(KeptList.id.in_(chunk))
        found |= {each.id: each for each in await session.scalars(query)}
    return found


async def waiting_of_source(session: ReadSession, source_id: int) -> Sequence[Ending]:
    """Return the endings of a source that nobody has decided."""
    query = select(Ending).join(KeptList, KeptList.id == Ending.list_row)
    query = query.where(KeptList.source_id == source_id, Ending.outcome.is_(None))
    return list(await session.scalars(query.order_by(Ending.id)))


async def waiting_versions(session: ReadSession, source_id: int) -> Sequence[int]:
    """Return the versions of a source of which something waits for a decision, in order."""
    waiting = await waiting_of_source(session, source_id)
    return sorted({each.version_id for each in waiting})


async def endings_of_version(session: ReadSession, version_id: int) -> Sequence[Ending]:
    """Return the endings that a version brought, decided or not."""
    query = select(Ending).where(Ending.version_id == version_id)
    return list(await session.scalars(query.order_by(Ending.id)))


async def versions_that_wait(
    session: ReadSession, limit: int
) -> Sequence[tuple[SourceVersion, Source, int]]:
    """Return versions with endings that nobody has decided, and how many those are."""
    counted = (
        select(Ending.version_id, func.count().label("many"))
        .where(Ending.outcome.is_(None))
        .group_by(Ending.version_id)
        .subquery()
    )
    query = (
        select(SourceVersion, Source, counted.c.many)
        .join(counted, counted.c.version_id == SourceVersion.version_id)
        .join(Source, Source.source_id == SourceVersion.source_id)
        .options(defer(SourceVersion.content), defer(SourceVersion.not_expressed))
        .order_by(SourceVersion.version_id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def add(session: WriteSession, *rows: Source | SourceVersion | KeptList | Ending) -> None:
    """Insert rows, so that they have their numbers."""
    session.add_all(rows)
    await session.flush()
