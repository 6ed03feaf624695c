"""How many lines a reporter handed in of each day: what its own count is compared with."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date

from sqlalchemy import select

from federation.metering.ingest import Accepted
from federation.metering.tables import DayCount
from federation.store.base import from_micros
from federation.store.sessions import ReadSession, WriteSession
from federation.values.evidence import Evidence


async def count_days(session: WriteSession, reporter: str, accepted: Iterable[Accepted]) -> None:
    """Count lines that a gate counted, by the day (UTC) on which they happened.

    Lines of an access log are left out: no gate has counted those.
    """
    of_day = Counter(_day(line) for line in accepted if line.known_by == Evidence.GATE)
    for day, lines in of_day.items():
        row = await session.get(DayCount, (reporter, day))
        if row is None:
            session.add(DayCount(reporter=reporter, day=day, lines=lines))
        else:
            row.lines += lines


async def lines_by_day(
    session: ReadSession, reporter: str, since: date, until: date
) -> dict[date, int]:
    """Return {day: how many lines of a reporter were accepted}, both days included."""
    query = select(DayCount.day, DayCount.lines).where(
        DayCount.reporter == reporter, DayCount.day.between(since, until)
    )
    return {day: lines for day, lines in await session.execute(query)}


def _day(line: Accepted) -> date:
    return from_micros(line.content[4]).astimezone(UTC).date()
