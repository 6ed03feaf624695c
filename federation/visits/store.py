"""Every SQL statement about visits. Nothing here commits."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from sqlalchemy import delete, func, select, tuple_

from federation.site.visit_report import SERVED
from federation.store.sessions import ReadSession, WriteSession
from federation.visits.tables import SiteState, VisitTotal


class VisitKey(NamedTuple):
    """What a sum of visits is of."""

    day: date
    agent: str
    outcome: str
    let_through: bool


class Visits(NamedTuple):
    """A sum of visits, over the sites of a member."""

    key: VisitKey
    visits: int


async def counted_by(
    session: ReadSession, member: str, days: Collection[date], *, site: str, series: str
) -> list[VisitTotal]:
    """Return the rows of a member's days that one series of a site counted."""
    query = select(VisitTotal).where(
        VisitTotal.member == member,
        VisitTotal.day.in_(days),
        VisitTotal.site == site,
        VisitTotal.series == series,
    )
    return list(await session.scalars(query))


async def rows_by_day(session: ReadSession, member: str, days: Collection[date]) -> dict[date, int]:
    """Return {day: how many rows it holds} of a member, whichever series counted them."""
    query = (
        select(VisitTotal.day, func.count())
        .where(VisitTotal.member == member, VisitTotal.day.in_(days))
        .group_by(VisitTotal.day)
    )
    return {day: count for day, count in await session.execute(query)}


async def forget_before(session: WriteSession, member: str, day: date) -> None:
    """Drop a member's counts of days before one."""
    await session.execute(
        delete(VisitTotal).where(VisitTotal.member == member, VisitTotal.day < day)
    )


async def find_site(session: ReadSession, member: str, site: str) -> SiteState | None:
    """Return what a site last said of itself, None if it never did."""
    return await session.get(SiteState, (member, site))


async def sites_of(session: ReadSession, member: str) -> dict[str, SiteState]:
    """Return {site: what it last said} of a member's sites."""
    rows = await session.scalars(select(SiteState).where(SiteState.member == member))
    return {row.site: row for row in rows}


async def visits(
    session: ReadSession,
    member: str,
    since: date,
    until: date,
    *,
    after: VisitKey | None,
    limit: int,
) -> list[Visits]:
    """Return a member's sums of some days, both included, in the order of their keys."""
    key = (VisitTotal.day, VisitTotal.agent, VisitTotal.outcome, VisitTotal.let_through)
    query = (
        select(*key, func.sum(VisitTotal.count))
        .where(VisitTotal.member == member, VisitTotal.day.between(since, until))
        .group_by(*key)
        .order_by(*key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [Visits(VisitKey(*row[:4]), int(row[4])) for row in await session.execute(query)]


async def served_by_day(
    session: ReadSession, member: str, since: date, until: date
) -> dict[date, int]:
    """Return {day: how many visits the member's sites say they served and counted}."""
    query = (
        select(VisitTotal.day, func.sum(VisitTotal.count))
        .where(
            VisitTotal.member == member,
            VisitTotal.outcome == SERVED,
            VisitTotal.day.between(since, until),
        )
        .group_by(VisitTotal.day)
    )
    return {day: int(count) for day, count in await session.execute(query)}
