"""Every SQL statement about visits. Nothing here commits."""

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, tuple_

from federation.gate.visit_report import SERVED
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


async def forget_sites_before(session: WriteSession, member: str, instant: datetime) -> None:
    """Drop what sites of a member said that were not heard of since an instant."""
    await session.execute(
        delete(SiteState).where(SiteState.member == member, SiteState.heard_at < instant)
    )


async def make_room_for_a_site(session: WriteSession, member: str, *, keep: int) -> None:
    """Drop all but so many of a member's sites: those heard of longest ago."""
    query = (
        select(SiteState)
        .where(SiteState.member == member)
        .order_by(SiteState.heard_at.desc(), SiteState.site)
        .offset(keep)
    )
    for row in await session.scalars(query):
        await session.delete(row)


async def first_day_told(session: ReadSession, member: str) -> date | None:
    """Return the first day of which a site of a member told anything, None if none did."""
    query = select(func.min(VisitTotal.day)).where(VisitTotal.member == member)
    found: date | None = await session.scalar(query)
    return found


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
