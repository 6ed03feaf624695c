"""Every SQL statement about batches, periods, progress and reports. Nothing here commits."""

from collections.abc import Collection, Iterable

from sqlalchemy import delete, select

from federation.metering.messages import UsageReport
from federation.metering.tables import Batch, MeteringPeriod, Progress, Report, ReportedUse
from federation.store.sessions import ReadSession, WriteSession
from federation.values.licence_key import LicenceKey, number_of
from federation.values.month import Month


async def find_batch(session: ReadSession, reporter: str, key: str) -> Batch | None:
    """Return an earlier batch of this reporter under this key."""
    return await session.get(Batch, (reporter, key))


async def find_period(session: ReadSession, period: Month) -> MeteringPeriod | None:
    """Return where a month stands here."""
    return await session.get(MeteringPeriod, period)


async def periods_in(session: ReadSession, states: Iterable[str]) -> list[MeteringPeriod]:
    """Return the months in some states, oldest first."""
    rows = await session.scalars(
        select(MeteringPeriod)
        .where(MeteringPeriod.state.in_(list(states)))
        .order_by(MeteringPeriod.period)
    )
    return list(rows)


async def cut_off_months(session: ReadSession) -> list[Month]:
    """Return the months that were closed for usage here, oldest first."""
    return list(
        await session.scalars(select(MeteringPeriod.period).order_by(MeteringPeriod.period))
    )


async def progress(session: ReadSession, period: Month) -> dict[str, Progress]:
    """At the hub: return {node: how far it is} for a month."""
    rows = await session.scalars(select(Progress).where(Progress.period == period))
    return {row.party: row for row in rows}


async def latest_reports(session: ReadSession, period: Month) -> dict[str, Report]:
    """Return {party: its latest usage report} for a month."""
    rows = await session.scalars(
        select(Report).where(Report.period == period).order_by(Report.sequence)
    )
    return {row.party: row for row in rows}


async def reports(session: ReadSession, period: Month) -> list[Report]:
    """Return every usage report on a month that is here, also superseded ones, oldest first."""
    rows = await session.scalars(
        select(Report).where(Report.period == period).order_by(Report.party, Report.sequence)
    )
    return list(rows)


async def keep_reported_units(session: WriteSession, report: UsageReport) -> None:
    """Keep the units of a report beside it, in place of those of the report before it."""
    sums: dict[tuple[LicenceKey, str, str], int] = {}
    for row in report.weights:
        key = (row.licence, row.use, row.node)
        sums[key] = sums.get(key, 0) + int(row.units)
    for held in report.held:
        key = (held.licence, held.use, held.party)
        sums[key] = sums.get(key, 0) + int(held.units)
    await session.execute(
        delete(ReportedUse).where(
            ReportedUse.period == report.period, ReportedUse.party == report.party
        )
    )
    session.add_all(
        ReportedUse(
            period=report.period,
            party=report.party,
            licence=licence,
            use=use,
            node=node,
            number=number_of(licence),
            units=units,
        )
        for (licence, use, node), units in sums.items()
        if units
    )


async def reported_units(
    session: ReadSession, period: Month, numbers: Collection[str]
) -> dict[tuple[LicenceKey, str, str], int]:
    """Return {(licence key, use, whose): units} of a month's latest reports, of some licences."""
    query = select(ReportedUse).where(ReportedUse.period == period, ReportedUse.number.in_(numbers))
    found: dict[tuple[LicenceKey, str, str], int] = {}
    for row in await session.scalars(query):
        key = (row.licence, row.use, row.node)
        found[key] = found.get(key, 0) + row.units
    return found
