"""The SQL that explains amounts: portions of a member, units by day. Nothing here commits."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, or_, select

from federation.metering.tables import Line, Portion, RoutedLine
from federation.metering.verdicts import MATCHED
from federation.store.sessions import ReadSession
from federation.values.month import Month

DAY = 24 * 60 * 60 * 1_000_000  # microseconds
EPOCH = date(1970, 1, 1)


async def member_portions(
    session: ReadSession, periods: Collection[Month], member: str, use: str, licence: str
) -> list[Portion]:
    """Return what a member's usage of some months weighs for a use of a licence."""
    rows = await session.scalars(
        select(Portion)
        .where(
            Portion.period.in_(periods),
            Portion.member == member,
            Portion.use == use,
            or_(Portion.licence == licence, Portion.licence.startswith(f"{licence}/")),
        )
        .order_by(Portion.id)
    )
    return list(rows)


async def units_by_day(
    session: ReadSession, periods: Collection[Month], licence: str, use: str
) -> list[tuple[str, date, int]]:
    """Return (URL, day, units) of the lines of some months that count here for a use."""
    found: list[tuple[str, date, int]] = []
    for table in (Line, RoutedLine):
        day = table.occurred_at // DAY
        rows = await session.execute(
            select(table.url, day, func.sum(table.units))
            .where(
                table.period.in_(periods),
                table.verdict == MATCHED,
                table.licence == licence,
                table.use == use,
            )
            .group_by(table.url, day)
        )
        found += [(url, EPOCH + timedelta(days=int(n)), int(units)) for url, n, units in rows]
    return found
