"""Every SQL statement about parties and applications. Nothing here commits."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.trust.tables import Application, Party
from federation.values.party import HUB


async def find_party(session: AsyncSession, code: str) -> Party | None:
    """Return an admitted party by code."""
    return await session.get(Party, code)


async def find_party_by_entity(session: AsyncSession, entity_id: str) -> Party | None:
    """Return an admitted party by entity id."""
    return await session.scalar(select(Party).where(Party.entity_id == entity_id))


async def node_parties(session: AsyncSession) -> list[Party]:
    """Return every admitted collective by code."""
    rows = await session.scalars(select(Party).where(Party.code != HUB).order_by(Party.code))
    return list(rows)


async def applications(session: AsyncSession, *, limit: int) -> list[Application]:
    """Return the newest applications first."""
    rows = await session.scalars(select(Application).order_by(Application.id.desc()).limit(limit))
    return list(rows)
