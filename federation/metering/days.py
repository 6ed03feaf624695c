"""How many lines a reporter handed in of each day: what its own count is compared with."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date

from sqlalchemy import func, select

from federation.metering.ingest import Accepted
from federation.metering.tables import DayCount
from federation.store.base import from_micros
from federation.store.sessions import ReadSession, WriteSession
from federation.values.evidence import Evidence


async def count_days(session: WriteSession, reporter: str, accepted: Iterable[Accepted]) -> None:
    """Count lines by the day (UTC) on which they happened, those of gates once more."""
    lines, at_gates = Counter[date](), Counter[date]()
    for line in accepted:
        lines[_day(line)] += 1
        at_gates[_day(line)] += line.known_by == Evidence.GATE
    for day, count in lines.items():
        row = await session.get(DayCount, (reporter, day))
        if row is None:
            row = DayCount(reporter=reporter, day=day, lines=0, at_gates=0)
            session.add(row)
        row.lines += count
        row.at_gates += at_gates[day]


async def counted_at_gates(
    session: ReadSession, reporter: str, since: date, until: date
) -> dict[date, int]:
    """Return {day: how many lines of a reporter's gates were accepted}, both days included.

    Lines of an access log are left out: no gate has counted those.
    """
    query = select(DayCount.day, DayCount.at_gates).where(
        DayCount.reporter == reporter, DayCount.day.between(since, until), DayCount.at_gates > 0
    )
    return {day: lines for day, lines in await session.execute(query)}


async def lines_between(session: ReadSession, reporter: str, since: date, until: date) -> int:
    """Return how many lines of a reporter were accepted, whatever they rest on."""
    query = select(func.coalesce(func.sum(DayCount.lines), 0)).where(
        DayCount.reporter == reporter, DayCount.day.between(since, until)
    )
    return int(await session.scalar(query) or 0)


def _day(line: Accepted) -> date:
    return from_micros(line.content[4]).astimezone(UTC).date()
