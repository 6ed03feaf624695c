"""Every SQL statement about parties and applications. Nothing here commits."""

from sqlalchemy import func, select

from federation.store.sessions import ReadSession
from federation.trust.tables import Application, Party
from federation.values.party import HUB


async def find_party(session: ReadSession, code: str) -> Party | None:
    """Return an admitted party by code."""
    return await session.get(Party, code)


async def find_party_by_entity(session: ReadSession, entity_id: str) -> Party | None:
    """Return an admitted party by entity id."""
    return await session.scalar(select(Party).where(Party.entity_id == entity_id))


async def find_party_known_as(session: ReadSession, code: str, entity_id: str) -> Party | None:
    """Return the admitted party that has this code or this entity id."""
    return await session.scalar(
        select(Party).where((Party.code == code) | (Party.entity_id == entity_id))
    )


async def node_parties(session: ReadSession) -> list[Party]:
    """Return every admitted collective by code."""
    rows = await session.scalars(select(Party).where(Party.code != HUB).order_by(Party.code))
    return list(rows)


async def applications(session: ReadSession, *, limit: int) -> list[Application]:
    """Return the newest applications first."""
    rows = await session.scalars(select(Application).order_by(Application.id.desc()).limit(limit))
    return list(rows)


async def count_waiting(session: ReadSession) -> int:
    """Return how many applications nobody has decided."""
    waiting = select(func.count()).where(Application.state.in_(["APPLIED", "RECOMMENDED"]))
    return await session.scalar(waiting) or 0
