"""Every SQL statement about settled months. Nothing here commits."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date

from sqlalchemy import delete, select

from federation.months.tables import HeldItem, LockedPeriod, OwnWeight, Rate, Run, Standing
from federation.store.bulk import for_driver, insert_rows
from federation.store.sessions import ReadSession, WriteSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

DAYS_ASKED = 500  # values in one question


async def find_rate(session: ReadSession, day: date, currency: str) -> Rate | None:
    """Return the rate published for a currency on a day."""
    return await session.get(Rate, (day, currency))


async def rates_on(session: ReadSession, days: Collection[date]) -> dict[tuple[date, str], str]:
    """Return {(day, currency): rate} of what is published for some days."""
    found: dict[tuple[date, str], str] = {}
    wanted = sorted(days)
    for start in range(0, len(wanted), DAYS_ASKED):
        rows = await session.execute(
            select(Rate.day, Rate.currency, Rate.rate).where(
                Rate.day.in_(wanted[start : start + DAYS_ASKED])
            )
        )
        found |= {(day, currency): rate for day, currency, rate in rows}
    return found


async def rate_table(session: ReadSession) -> list[tuple[date, str, str]]:
    """Return every published rate."""
    rows = await session.execute(select(Rate.day, Rate.currency, Rate.rate))
    return [(day, currency, rate) for day, currency, rate in rows]


async def rate_recorders(session: ReadSession) -> set[str]:
    """Return who entered rates."""
    return set(await session.scalars(select(Rate.recorded_by).distinct()))


async def locked_periods(session: ReadSession) -> dict[Month, str]:
    """Return {settled month: run_id}, in order."""
    rows = await session.execute(
        select(LockedPeriod.period, LockedPeriod.run_id).order_by(LockedPeriod.period)
    )
    return {period: run_id for period, run_id in rows}


async def find_run(session: ReadSession, run_id: str) -> Run | None:
    """Return the newest run of this id that is not withdrawn."""
    return await session.scalar(
        select(Run)
        .where(Run.run_id == run_id, Run.state != "WITHDRAWN")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def any_run(session: ReadSession, run_id: str) -> Run | None:
    """Return the newest run of this id, also a withdrawn one."""
    return await session.scalar(
        select(Run).where(Run.run_id == run_id).order_by(Run.id.desc()).limit(1)
    )


async def runs(
    session: ReadSession, period: Month | None = None, *, before: int | None = None, limit: int
) -> list[Run]:
    """Return runs of a month, or of all, newest first, a page at a time."""
    query = select(Run).order_by(Run.id.desc()).limit(limit)
    if period is not None:
        query = query.where(Run.period == period)
    if before is not None:
        query = query.where(Run.id < before)
    return list(await session.scalars(query))


async def open_run(session: ReadSession, period: Month) -> Run | None:
    """Return the run of a month, no correction, that is calculated or advised."""
    return await session.scalar(
        select(Run).where(
            Run.period == period,
            Run.corrects.is_(None),
            Run.state.in_(["CALCULATED", "ADVISED"]),
        )
    )


async def open_runs(session: ReadSession) -> list[Run]:
    """Return runs and corrections that are calculated or advised, oldest first."""
    rows = await session.scalars(
        select(Run).where(Run.state.in_(["CALCULATED", "ADVISED"])).order_by(Run.id)
    )
    return list(rows)


async def approved_run(session: ReadSession, period: Month) -> Run | None:
    """Return the approved run of a month as it was settled, whatever corrected it since."""
    return await session.scalar(
        select(Run).where(Run.period == period, Run.state == "APPROVED", Run.corrects.is_(None))
    )


async def effective_run(session: ReadSession, period: Month) -> Run | None:
    """Return the approved run of a month that is in force: its last correction, or itself."""
    return await session.scalar(
        select(Run)
        .where(Run.period == period, Run.state == "APPROVED")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def corrections(session: ReadSession) -> AsyncIterator[Run]:
    """Yield corrections that are advised or approved: month by month, each month's oldest first.

    One at a time is read: each holds the document of a month.
    """
    numbers = await session.scalars(
        select(Run.id)
        .where(Run.corrects.is_not(None), Run.state.in_(["ADVISED", "APPROVED"]))
        .order_by(Run.period, Run.id)
    )
    for number in numbers.all():
        yield (await session.scalars(select(Run).where(Run.id == number))).one()


async def standings(session: ReadSession, before: Month) -> list[Standing]:
    """Return what settled months left, oldest first."""
    rows = await session.scalars(
        select(Standing).where(Standing.period < before).order_by(Standing.period)
    )
    return list(rows)


async def standings_of(
    session: ReadSession, period: Month, licences: Collection[LicenceKey]
) -> dict[LicenceKey, Standing]:
    """Return what a settled month came to for some licence keys, a page of them."""
    query = select(Standing).where(Standing.period == period, Standing.licence.in_(licences))
    return {row.licence: row for row in await session.scalars(query)}


async def own_weights_by_month(
    session: ReadSession, before: Month
) -> dict[Month, dict[LicenceKey, dict[str, int]]]:
    """Return {month: {licence key: {party: weight}}} of settled months' own lines."""
    rows = await session.scalars(select(OwnWeight).where(OwnWeight.period < before))
    found: dict[Month, dict[LicenceKey, dict[str, int]]] = {}
    for row in rows:
        found.setdefault(row.period, {}).setdefault(row.licence, {})[row.party] = row.weight
    for month in await locked_periods(session):
        if month < before:
            found.setdefault(month, {})  # a month without usage counts in a mean
    return found


async def held_amounts(
    session: ReadSession, period: Month
) -> dict[tuple[LicenceKey, str, str], int]:
    """Return {(licence key, reason, url key): amount} held of a month, corrections included."""
    rows = await session.execute(
        select(HeldItem.licence, HeldItem.reason, HeldItem.url_key, HeldItem.amount)
        .join(Run, Run.run_id == HeldItem.run_id)
        .where(Run.period == period, Run.state == "APPROVED")
    )
    found: dict[tuple[LicenceKey, str, str], int] = {}
    for licence, reason, url_key, amount in rows:
        key = (licence, reason, url_key)
        found[key] = found.get(key, 0) + amount
    return found


async def corrections_under_way(session: ReadSession) -> list[Run]:
    """Return the runs of the correction that is calculated or advised, by month."""
    rows = await session.scalars(
        select(Run)
        .where(Run.corrects.is_not(None), Run.state.in_(["CALCULATED", "ADVISED"]))
        .order_by(Run.period)
    )
    return list(rows)


async def forget_own_weights(session: WriteSession, period: Month) -> None:
    """Make room for a month's corrected weights: they are derived from its reports."""
    await session.execute(delete(OwnWeight).where(OwnWeight.period == period))


async def add_held(session: WriteSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert held items: (run, licence, reason, url_key, weight, amount, currency, held_since)."""
    columns = [
        "run_id",
        "licence",
        "reason",
        "url_key",
        "weight",
        "amount",
        "currency",
        "held_since",
    ]
    await insert_rows(session, HeldItem, columns, for_driver(session, rows))


def periods_before(locked: Collection[Month], period: Month) -> list[Month]:
    """Return the settled months before a month."""
    return [month for month in locked if month < period]
