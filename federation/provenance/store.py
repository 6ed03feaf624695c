"""Every SQL statement about statements of provenance. Nothing here commits."""

from sqlalchemy import select

from federation.history.kinds import Moment, Saying
from federation.provenance.statements import NewStatement
from federation.provenance.tables import ProvenanceStatement
from federation.store.sessions import ReadSession, WriteSession
from federation.values.papers import kept_papers


async def find(session: ReadSession, number: int) -> ProvenanceStatement | None:
    """Return a statement, withdrawn or not."""
    return await session.get(ProvenanceStatement, number)


async def add(
    session: WriteSession, work: str, new: NewStatement, saying: Saying
) -> ProvenanceStatement:
    """Insert a statement about a work."""
    row = ProvenanceStatement(
        work=work,
        kind=new.kind,
        statement=new.statement,
        authenticated_by=new.authenticated_by,
        authenticated_at=new.authenticated_at,
        ground=new.ground,
        papers=kept_papers(new.papers),
        recorded_at=saying.now,
        recorded_by=saying.by,
        reason=saying.reason,
    )
    session.add(row)
    await session.flush()
    return row


async def find_same(
    session: ReadSession, work: str, new: NewStatement
) -> ProvenanceStatement | None:
    """Return a statement that says the same of a work and stands, if one does."""
    query = select(ProvenanceStatement).where(
        ProvenanceStatement.work == work,
        ProvenanceStatement.kind == new.kind,
        ProvenanceStatement.statement == new.statement,
        ProvenanceStatement.authenticated_by == new.authenticated_by,
        ProvenanceStatement.authenticated_at == new.authenticated_at,
        ProvenanceStatement.withdrawn_at.is_(None),
    )
    found: ProvenanceStatement | None = await session.scalar(query.limit(1))
    return found


async def of_work(
    session: ReadSession, work: str, moment: Moment, *, after: int, limit: int
) -> list[ProvenanceStatement]:
    """Return by number what had been said of a work by an instant, as it was known then."""
    query = select(ProvenanceStatement).where(
        ProvenanceStatement.work == work,
        ProvenanceStatement.id > after,
        ProvenanceStatement.authenticated_at <= moment.at,
    )
    if moment.known_at is not None:
        query = query.where(ProvenanceStatement.recorded_at <= moment.known_at)
    return list(await session.scalars(query.order_by(ProvenanceStatement.id).limit(limit)))
