"""Every SQL statement about lines that took no id: so many are kept, the rest is counted.

Of one reporter and month 5,000 lines are kept as they came; of those beyond them how many there
were and their units, by class, so that every line is still in the sums of its month. No commits.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select

from federation.metering.ingest import RefusedLine
from federation.metering.tables import IS_LATE, Uncounted, UncountedRest
from federation.metering.tally import LATE
from federation.store.bulk import insert_rows
from federation.store.exact import limbs_of_64_bits, put_together
from federation.store.sessions import ReadSession, WriteSession
from federation.values.month import Month

KEPT_MAX = 5_000  # of one reporter and month: as many as a batch has

Sums = dict[str, tuple[int, int]]
"""Lines and units by class, or by month."""


async def add_refused(
    session: WriteSession, reporter: str, batch: str, refused: Sequence[RefusedLine]
) -> None:
    """Keep the lines that took no id, for the classes and for whoever asks why."""
    kept = await _kept(session, reporter, {item.period for item in refused})
    rows = list[tuple[object, ...]]()
    for item in refused:
        kept[item.period] += 1
        if kept[item.period] > KEPT_MAX:
            await _count(session, reporter, item)
            continue
        rows.append(
            (
                reporter,
                batch,
                item.line_no,
                item.period,
                item.verdict,
                item.units,
                item.reason,
                item.raw,
            )
        )
    columns = ["reporter", "batch", "line_no", "period", "verdict", "units", "reason", "raw"]
    await insert_rows(session, Uncounted, columns, rows)


async def _kept(session: ReadSession, reporter: str, months: set[Month]) -> Counter[Month]:
    """Return how many lines of a reporter are kept, by month."""
    found = Counter[Month]()
    for month in months:
        query = select(func.count()).where(
            Uncounted.period == month, Uncounted.reporter == reporter
        )
        found[month] = await session.scalar(query) or 0
    return found


async def _count(session: WriteSession, reporter: str, item: RefusedLine) -> None:
    """Count a line that is not kept; one that came late under the class it was to have."""
    is_late = item.verdict == LATE
    verdict = item.reason.partition(": ")[0] if is_late else item.verdict
    await _add(session, (reporter, item.period, verdict, is_late), 1, item.units)


async def _add(
    session: WriteSession, key: tuple[str, Month, str, bool], lines: int, units: int
) -> None:
    row = await session.get(UncountedRest, key)
    if row is None:
        reporter, period, verdict, is_late = key
        row = UncountedRest(
            reporter=reporter, period=period, verdict=verdict, is_late=is_late, lines=0, units=0
        )
        session.add(row)
    row.lines += lines
    row.units += units


async def reopen_refused(session: WriteSession, period: Month) -> None:
    """Take in what came late: each line gets the class it was to have."""
    rows = await session.scalars(
        select(Uncounted).where(Uncounted.period == period, Uncounted.verdict == LATE)
    )
    for row in rows:
        row.verdict, _, row.reason = row.reason.partition(": ")
    late = select(UncountedRest).where(UncountedRest.period == period, UncountedRest.is_late)
    for rest in list(await session.scalars(late)):
        key = (rest.reporter, period, rest.verdict, False)
        await _add(session, key, rest.lines, rest.units)
        await session.delete(rest)


async def refused_by_class(session: ReadSession, period: Month) -> Sums:
    """Return {class: (lines, units)} of a month, less what came late."""
    query = (
        select(Uncounted.verdict, func.count(), *limbs_of_64_bits(Uncounted.units))
        .where(Uncounted.period == period, Uncounted.verdict != LATE)
        .group_by(Uncounted.verdict)
    )
    found: Sums = {}
    for verdict, count, *sums in await session.execute(query):
        found[verdict] = (count, put_together(sums))
    rest = select(UncountedRest).where(UncountedRest.period == period, ~UncountedRest.is_late)
    for row in await session.scalars(rest):
        _plus(found, row.verdict, row.lines, row.units)
    return found


async def refused_late(session: ReadSession) -> Sums:
    """Return {month: (lines, units)} of what came after its cut-off and waits for a correction."""
    query = select(Uncounted.period, func.count(), *limbs_of_64_bits(Uncounted.units))
    found: Sums = {}
    for period, count, *sums in await session.execute(
        query.where(IS_LATE).group_by(Uncounted.period)
    ):
        found[period] = (count, put_together(sums))
    for row in await session.scalars(select(UncountedRest).where(UncountedRest.is_late)):
        _plus(found, row.period, row.lines, row.units)
    return found


async def refused_in(session: ReadSession, period: Month) -> tuple[int, int]:
    """Return (lines, units) of a month, those that came late among them."""
    query = select(func.count(), *limbs_of_64_bits(Uncounted.units))
    count, *sums = (await session.execute(query.where(Uncounted.period == period))).one()
    lines, units = count, put_together(sums)
    for row in await session.scalars(select(UncountedRest).where(UncountedRest.period == period)):
        lines, units = lines + row.lines, units + row.units
    return lines, units


def _plus(found: Sums, name: str, lines: int, units: int) -> None:
    before = found.get(name, (0, 0))
    found[name] = (before[0] + lines, before[1] + units)
