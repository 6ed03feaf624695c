"""Every SQL statement of corrections. Nothing here commits."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.corrections.tables import MemberAdjustment, NodeCorrection, SetOff


async def waiting_adjustments(session: AsyncSession) -> list[MemberAdjustment]:
    """Return adjustments that no distribution has taken in yet, oldest first."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(MemberAdjustment.taken_in.is_(None))
        .order_by(MemberAdjustment.id)
    )
    return list(rows)


async def adjustments_of(
    session: AsyncSession, member: str, period: str | None, limit: int
) -> list[MemberAdjustment]:
    """Return a member's adjustments that a month took in, or (None) that wait."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(MemberAdjustment.member_id == member, MemberAdjustment.taken_in == period)
        .order_by(MemberAdjustment.id)
        .limit(limit)
    )
    return list(rows)


async def corrections_of(session: AsyncSession, service_period: str) -> list[MemberAdjustment]:
    """Return what corrections changed of a settled month, for all members."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(
            MemberAdjustment.service_period == service_period,
            MemberAdjustment.reason == "CORRECTION",
        )
        .order_by(MemberAdjustment.id)
    )
    return list(rows)


async def set_offs(session: AsyncSession, node: str | None = None) -> list[SetOff]:
    """Return debits and what took them up, oldest first."""
    query = select(SetOff).order_by(SetOff.id)
    return list(await session.scalars(query.where(SetOff.node == node) if node else query))


async def last_correction(session: AsyncSession, period: str) -> NodeCorrection | None:
    """Return the correction of a month that is in force at this node."""
    return await session.scalar(
        select(NodeCorrection)
        .where(NodeCorrection.period == period)
        .order_by(NodeCorrection.id.desc())
        .limit(1)
    )
