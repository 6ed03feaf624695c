"""Every SQL statement about usage lines. No commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Select, func, select, update

from federation.metering.ingest import Accepted, Content
from federation.metering.messages import UsageRouted
from federation.metering.tables import IS_LATE, Line, RoutedLine
from federation.metering.tally import FORWARDED, LATE, CountedLine, Tally
from federation.metering.totals import PLACED, Counted, keep_sums
from federation.metering.uncounted import (
    refused_by_class,
    refused_in,
    refused_late,
    reopen_refused,
)
from federation.metering.verdicts import (
    MATCHED,
)
from federation.store.bulk import insert_rows, set_column
from federation.store.exact import limbs_of_64_bits, put_together
from federation.store.sessions import ReadSession, WriteSession
from federation.values.month import Month

IN_CHUNK = 900


async def add_new_lines(
    session: WriteSession, reporter: str, source: str, lines: Sequence[Accepted]
) -> dict[str, Content]:
    """Insert lines whose ids are new; return {event_id: first content} of those that are not.

    The whole batch goes in at once when no id was there, which is nearly always so.
    """
    savepoint = await session.begin_nested()
    if await _insert_lines(session, reporter, source, lines) == len(lines):
        await savepoint.commit()
        return {}
    await savepoint.rollback()
    known = await _known_ids(session, reporter, [line.event_id for line in lines])
    fresh = [line for line in lines if line.event_id not in known]
    await _insert_lines(session, reporter, source, fresh)
    return known


async def _insert_lines(
    session: WriteSession, reporter: str, source: str, lines: Sequence[Accepted]
) -> int:
    columns = [
        "reporter",
        "event_id",
        "licence",
        "url",
        "use",
        "units",
        "occurred_at",
        "period",
        "source",
        "verdict",
        "evidence",
        "known_by",
    ]
    rows = [
        (
            reporter,
            line.event_id,
            *line.content,
            line.period,
            source,
            line.verdict,
            line.evidence,
            line.known_by.value,
        )
        for line in lines
    ]
    return await insert_rows(session, Line, columns, rows, ignore_conflicts=True)


async def _known_ids(
    session: ReadSession, reporter: str, event_ids: Sequence[str]
) -> dict[str, Content]:
    known: dict[str, Content] = {}
    for start in range(0, len(event_ids), IN_CHUNK):
        rows = await session.execute(
            select(
                Line.event_id, Line.licence, Line.url, Line.use, Line.units, Line.occurred_at
            ).where(
                Line.reporter == reporter, Line.event_id.in_(event_ids[start : start + IN_CHUNK])
            )
        )
        known.update({row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows})
    return known


async def mark_late(session: WriteSession, reporter: str, lines: Sequence[Accepted]) -> None:
    """Set lines apart that came after their month was cut off."""
    await keep_classes(session, [(LATE, reporter, line.event_id) for line in lines])


LINES_IN_MEMORY = 20_000
"""How many lines of a month are decided at a time; the database keeps which are left."""


Ask = Callable[[], Awaitable[list[CountedLine]]]


async def until_decided(ask: Ask) -> AsyncIterator[list[CountedLine]]:
    """Ask for the first lines without a verdict until there are none; who takes them decides them.

    Each time the first of them is another: a line that nobody decides would be given for ever
    (RuntimeError), inside the one transaction that writes.
    """
    before: CountedLine | None = None
    while lines := await ask():
        if lines[0] == before:
            raise RuntimeError(f"{before.reporter} {before.event_id} was not decided")
        before = lines[0]
        yield lines


async def undecided_lines(
    session: ReadSession, period: Month, here: str, limit: int = LINES_IN_MEMORY
) -> list[CountedLine]:
    """Return the first lines of a month that entered here and have no verdict yet.

    Whoever decides them and asks again gets the next ones.
    """
    query = _entered(period, None).order_by(Line.reporter, Line.event_id).limit(limit)
    return [CountedLine(here, *row) for row in await session.execute(query)]


def _entered(period: Month, verdict: str | None) -> Select[str, str, str, str, str, int, int, str]:
    return select(
        Line.reporter,
        Line.event_id,
        Line.licence,
        Line.url,
        Line.use,
        Line.units,
        Line.occurred_at,
        Line.known_by,
    ).where(Line.period == period, Line.verdict == verdict)


async def undecided_urls(session: ReadSession, period: Month, *, routed: bool) -> set[str]:
    """Return the addresses of a month's lines without a verdict yet, with those `routed` here."""
    found: set[str] = set()
    for model in (Line, RoutedLine) if routed else (Line,):
        query = select(model.url).where(model.period == period, model.verdict.is_(None)).distinct()
        found.update(await session.scalars(query))
    return found


async def undecided_routed_lines(
    session: ReadSession, period: Month, limit: int = LINES_IN_MEMORY
) -> list[CountedLine]:
    """Return the first lines of a month that entered elsewhere and have no verdict yet."""
    keys = (RoutedLine.origin, RoutedLine.reporter, RoutedLine.event_id)
    query = _routed(period, None).order_by(*keys).limit(limit)
    return [CountedLine(*row) for row in await session.execute(query)]


def _routed(
    period: Month, verdict: str | None
) -> Select[str, str, str, str, str, str, int, int, str]:
    return select(
        RoutedLine.origin,
        RoutedLine.reporter,
        RoutedLine.event_id,
        RoutedLine.licence,
        RoutedLine.url,
        RoutedLine.use,
        RoutedLine.units,
        RoutedLine.occurred_at,
        RoutedLine.known_by,
    ).where(RoutedLine.period == period, RoutedLine.verdict == verdict)


async def matched_lines(session: ReadSession, period: Month, here: str) -> list[CountedLine]:
    """Return the lines of a month that counted for members here, wherever they entered."""
    entered = await session.execute(_entered(period, MATCHED))
    routed = await session.execute(_routed(period, MATCHED))
    return [*(CountedLine(here, *row) for row in entered), *(CountedLine(*row) for row in routed)]


class LateLine(NamedTuple):
    """What the terms of its licence are held against, of a line that came late."""

    reporter: str
    event_id: str
    licence: str
    use: str
    occurred_at: int
    source: str


async def late_lines_of(session: ReadSession, period: Month) -> list[LateLine]:
    """Return the lines of a month that entered here after its cut-off."""
    query = select(
        Line.reporter, Line.event_id, Line.licence, Line.use, Line.occurred_at, Line.source
    )
    rows = await session.execute(query.where(Line.period == period, IS_LATE))
    return [LateLine(*row) for row in rows]


async def keep_classes(session: WriteSession, classed: Sequence[tuple[str, str, str]]) -> None:
    """Record the class of lines that entered here: (class, reporter, event id)."""
    await set_column(session, Line, "verdict", ["reporter", "event_id"], classed)


async def reopen_late(session: WriteSession, period: Month) -> None:
    """Take in what came late: lines get their verdict in this round, refused ones their class."""
    for model in (Line, RoutedLine):
        await session.execute(
            update(model)
            .where(model.period == period, model.verdict == LATE)
            .values(verdict=None)
            .execution_options(synchronize_session=False)
        )
    await reopen_refused(session, period)


async def late_lines(session: ReadSession) -> dict[str, tuple[int, int]]:
    """Return {month: (lines, units)} of what came after its cut-off and waits for a correction."""
    found = await refused_late(session)
    for model in (Line, RoutedLine):
        query = select(model.period, func.count(), *limbs_of_64_bits(model.units))
        rows = await session.execute(query.where(IS_LATE).group_by(model.period))
        for period, count, *sums in rows:
            lines, total = found.get(period, (0, 0))
            found[period] = (lines + count, total + put_together(sums))
    return found


async def add_routed(
    session: WriteSession, message: UsageRouted, verdict: str | None = None
) -> None:
    """Keep lines another server sent to their owner; one that is here already stands."""
    columns = [
        "origin",
        "reporter",
        "event_id",
        "licence",
        "url",
        "use",
        "units",
        "occurred_at",
        "period",
        "verdict",
        "known_by",
    ]
    rows = [
        (
            message.origin,
            line.reporter,
            line.event_id,
            line.licence,
            line.url,
            line.use,
            line.units,
            line.occurred_at,
            message.period,
            verdict,
            message.evidence,
        )
        for line in message.lines
    ]
    await insert_rows(session, RoutedLine, columns, rows, ignore_conflicts=True)


async def keep_tally(session: WriteSession, period: Month, here: str, tally: Tally) -> None:
    """Record verdicts, totals and weights of a tally."""
    entered = [
        (verdict, line.reporter, line.event_id)
        for line, verdict in tally.verdicts
        if line.origin == here
    ]
    await keep_classes(session, entered)
    came = [
        (verdict, line.origin, line.reporter, line.event_id)
        for line, verdict in tally.verdicts
        if line.origin != here
    ]
    keys = ["origin", "reporter", "event_id"]
    await set_column(session, RoutedLine, "verdict", keys, came)
    await keep_sums(session, period, tally)


async def classes(session: ReadSession, period: Month) -> dict[str, tuple[int, int]]:
    """Return {class: (lines, units)} of a month on this server; each line where it ends."""
    found = await refused_by_class(session, period)
    for model, elsewhere in ((Line, [FORWARDED, LATE]), (RoutedLine, [LATE])):
        query = (
            select(model.verdict, func.count(), *limbs_of_64_bits(model.units))
            .where(model.period == period, model.verdict.not_in(elsewhere))
            .group_by(model.verdict)
        )
        for verdict, count, *sums in await session.execute(query):
            lines, units = found.get(verdict or "", (0, 0))
            found[verdict or ""] = (lines + count, units + put_together(sums))
    return found


async def received(session: ReadSession, period: Month) -> tuple[int, int]:
    """Return (lines, units) that entered here for a month, whatever became of them."""
    lines, units = await refused_in(session, period)
    query = select(func.count(), *limbs_of_64_bits(Line.units)).where(Line.period == period)
    count, *sums = (await session.execute(query)).one()
    return lines + count, units + put_together(sums)


async def placed_lines(session: ReadSession, period: Month) -> Counted:
    """Return what the lines of a month that were placed here come to."""
    found: Counted = {}
    for model in (Line, RoutedLine):
        by = (model.licence, model.use, model.verdict)
        query = select(*by, func.count(), *limbs_of_64_bits(model.units)).group_by(*by)
        rows = await session.execute(query.where(model.period == period, model.verdict.in_(PLACED)))
        for licence, use, verdict, count, *sums in rows:
            lines, units = found.get((licence, use, verdict or ""), (0, 0))
            found[licence, use, verdict or ""] = (lines + count, units + put_together(sums))
    return found
