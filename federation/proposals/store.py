"""Every SQL statement about proposals. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from federation.proposals.tables import Proposal
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

WAITS, EXPIRED = "WAITS", "EXPIRED"
CONFIRMED, REFUSED, WITHDRAWN = "CONFIRMED", "REFUSED", "WITHDRAWN"


async def find(session: ReadSession, number: int) -> Proposal | None:
    """Return a proposal."""
    return await session.get(Proposal, number)


async def by_id(session: ReadSession, numbers: Collection[int]) -> dict[int, Proposal]:
    """Return {number: proposal} of some proposals."""
    found: dict[int, Proposal] = {}
    for chunk in in_chunks(sorted(numbers)):
        rows = await session.scalars(select(Proposal).where(Proposal.id.in_(chunk)))
        found |= {row.id: row for row in rows}
    return found


def asked_by(row: Proposal) -> str | None:
    """Return the member for which a proposal was made, None for an officer's."""
    return (row.asked_by or row.member) if row.by_member else None


async def count_waiting(
    session: ReadSession, now: datetime, *, member: str | None, by: str | None
) -> int:
    """Count what waits: what a member asked for, or somebody (`by`) proposed."""
    query = select(func.count()).select_from(Proposal).where(_is(WAITS, now))
    if member is not None:
        asks = func.coalesce(Proposal.asked_by, Proposal.member)
        query = query.where(asks == member, Proposal.by_member)
    if by is not None:
        query = query.where(Proposal.proposed_by == by)
    return await session.scalar(query) or 0


async def find_waiting(session: ReadSession, act: str, now: datetime) -> Proposal | None:
    """Return the proposal of the same act that waits, if one does."""
    query = select(Proposal).where(Proposal.act == act, _is(WAITS, now)).limit(1)
    found: Proposal | None = await session.scalar(query)
    return found


async def listed(
    session: ReadSession,
    now: datetime,
    *,
    member: str | None,
    states: Sequence[str],
    after: int,
    limit: int,
) -> list[Proposal]:
    """Return proposals by number, in some states or all: about a member, or of it, or all."""
    query = select(Proposal).where(Proposal.id > after)
    if member is not None:
        query = query.where(or_(Proposal.member == member, Proposal.asked_by == member))
    if len(states) == 1:
        query = query.where(_is(states[0], now))
    return list(await session.scalars(query.order_by(Proposal.id).limit(limit)))


def _is(state: str, now: datetime) -> ColumnElement[bool]:
    if state == WAITS:
        return and_(Proposal.outcome.is_(None), Proposal.expires_at > now)
    if state == EXPIRED:
        return and_(Proposal.outcome.is_(None), Proposal.expires_at <= now)
    return Proposal.outcome == state
