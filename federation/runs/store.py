"""Every SQL statement about missing reports and answers to runs. Nothing here commits."""

from sqlalchemy import select

from federation.runs.tables import MissingReport, Response
from federation.store.sessions import ReadSession
from federation.values.month import Month


async def missing_reports(session: ReadSession, period: Month) -> dict[str, MissingReport]:
    """Return {node: declaration} of a month."""
    rows = await session.scalars(
        select(MissingReport).where(MissingReport.period == period).order_by(MissingReport.node)
    )
    return {row.node: row for row in rows}


async def unconfirmed(session: ReadSession) -> list[MissingReport]:
    """Return declarations that wait for a second person."""
    rows = await session.scalars(
        select(MissingReport)
        .where(MissingReport.confirmed_by.is_(None))
        .order_by(MissingReport.period, MissingReport.node)
    )
    return list(rows)


async def responses(session: ReadSession, run_id: str) -> dict[str, Response]:
    """Return {node: what it said} to a run."""
    rows = await session.scalars(
        select(Response).where(Response.run_id == run_id).order_by(Response.node)
    )
    return {row.node: row for row in rows}
