"""Every SQL statement about disputes. Nothing here commits."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from federation.disputes.rules import State
from federation.disputes.tables import Dispute, DisputeDocument, DisputeSide
from federation.store.sessions import ReadSession


async def find(session: ReadSession, number: int) -> Dispute | None:
    """Return a dispute."""
    return await session.get(Dispute, number)


async def find_open(session: ReadSession, contested: int) -> Dispute | None:
    """Return the dispute over a contested claim that is not decided, if there is one."""
    query = select(Dispute).where(Dispute.contested == contested, Dispute.state != State.DECIDED)
    found: Dispute | None = await session.scalar(query)
    return found


async def last_of(session: ReadSession, contested: int) -> Dispute | None:
    """Return the newest dispute over a contested claim."""
    query = select(Dispute).where(Dispute.contested == contested).order_by(Dispute.id.desc())
    found: Dispute | None = await session.scalar(query.limit(1))
    return found


async def numbers_of(session: ReadSession, contested: Collection[int]) -> dict[int, int]:
    """Return {contested claim: its newest dispute}."""
    rows = await session.execute(
        select(Dispute.contested, func.max(Dispute.id))
        .where(Dispute.contested.in_(contested))
        .group_by(Dispute.contested)
    )
    return {one: number for one, number in rows}


async def newest_of(session: ReadSession, contested: Collection[int]) -> dict[int, Dispute]:
    """Return {contested claim: its newest dispute} in full."""
    numbers = (await numbers_of(session, contested)).values()
    rows = await session.scalars(select(Dispute).where(Dispute.id.in_(numbers)))
    return {row.contested: row for row in rows}


async def listed(
    session: ReadSession,
    *,
    states: Sequence[str],
    party: str | None,
    after: int,
    limit: int,
) -> list[Dispute]:
    """Return disputes by number: in some states or all, of a party or of all."""
    query = select(Dispute).where(Dispute.id > after)
    if states:
        query = query.where(Dispute.state.in_(states))
    if party is not None:
        of_party = select(DisputeSide.dispute).where(DisputeSide.party == party)
        query = query.where(Dispute.id.in_(of_party))
    return list(await session.scalars(query.order_by(Dispute.id).limit(limit)))


async def sides_of(session: ReadSession, dispute: int) -> dict[str, DisputeSide]:
    """Return {party: side} of a dispute."""
    query = select(DisputeSide).where(DisputeSide.dispute == dispute).order_by(DisputeSide.party)
    return {row.party: row for row in await session.scalars(query)}


async def documents_of(session: ReadSession, dispute: int) -> list[DisputeDocument]:
    """Return the documents of a dispute as they came."""
    query = select(DisputeDocument).where(DisputeDocument.dispute == dispute)
    return list(await session.scalars(query.order_by(DisputeDocument.id)))
