"""Every SQL statement about successions. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select

from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession
from federation.successions.succession import NewSuccession, SubjectKind
from federation.successions.tables import Succession, SuccessionShare
from federation.values.papers import kept_papers


def known(known_at: datetime | None = None) -> ColumnElement[bool]:
    """Return which successions are known now (None), or were known at an instant."""
    if known_at is None:
        return Succession.superseded_at.is_(None)
    return and_(
        Succession.recorded_at <= known_at,
        or_(Succession.superseded_at.is_(None), Succession.superseded_at > known_at),
    )


async def find(session: ReadSession, number: int) -> Succession | None:
    """Return a succession, known now or once."""
    return await session.get(Succession, number)


async def add(
    session: WriteSession, new: NewSuccession, by: str, reason: str, now: datetime
) -> Succession:
    """Insert a succession with its shares."""
    row = Succession(
        kind=new.subject.kind,
        predecessor=new.subject.id,
        starts_on=new.starts_on,
        ground=new.ground,
        declared_by=new.declared_by,
        capacity=new.capacity,
        papers=kept_papers(new.papers),
        recorded_at=now,
        recorded_by=by,
        reason=reason,
    )
    session.add(row)
    await session.flush()
    session.add_all(
        SuccessionShare(succession=row.id, successor=successor, share_bps=bps)
        for successor, bps in new.shares.items()
    )
    await session.flush()
    return row


async def known_of(session: ReadSession, kind: SubjectKind, predecessor: str) -> Succession | None:
    """Return the succession of somebody that is known now, begun or not."""
    query = select(Succession).where(
        Succession.kind == kind, Succession.predecessor == predecessor, known()
    )
    found: Succession | None = await session.scalar(query)
    return found


async def links(
    session: ReadSession,
    kind: SubjectKind,
    on: date | None,
    predecessors: Collection[str] | None = None,
) -> dict[str, dict[str, int]]:
    """Return {predecessor: {successor: share}} as known now, begun on a day (None: ever).

    Of some predecessors, or of all.
    """
    query = (
        select(Succession.predecessor, SuccessionShare.successor, SuccessionShare.share_bps)
        .join(SuccessionShare, SuccessionShare.succession == Succession.id)
        .where(Succession.kind == kind, known())
    )
    if on is not None:
        query = query.where(Succession.starts_on <= on)
    found: dict[str, dict[str, int]] = {}
    for chunk in [None] if predecessors is None else in_chunks(sorted(predecessors)):
        part = query if chunk is None else query.where(Succession.predecessor.in_(chunk))
        for predecessor, successor, bps in await session.execute(part):
            found.setdefault(predecessor, {})[successor] = bps
    return found


async def predecessors_of(
    session: ReadSession, kind: SubjectKind, members: Collection[str], on: date
) -> set[str]:
    """Return whom some members succeed directly on a day."""
    found = set[str]()
    for chunk in in_chunks(sorted(members)):
        query = (
            select(Succession.predecessor)
            .join(SuccessionShare, SuccessionShare.succession == Succession.id)
            .where(
                Succession.kind == kind,
                known(),
                Succession.starts_on <= on,
                SuccessionShare.successor.in_(chunk),
            )
        )
        found |= set(await session.scalars(query))
    return found


async def listed(
    session: ReadSession,
    *,
    member: str | None,
    on: date | None,
    known_at: datetime | None,
    after: int,
    limit: int,
) -> list[Succession]:
    """Return successions by number: those of a member and those in which it succeeds, or all."""
    query = select(Succession).where(Succession.id > after, known(known_at))
    if member is not None:
        succeeds = select(SuccessionShare.succession).where(SuccessionShare.successor == member)
        is_its = and_(Succession.kind == SubjectKind.MEMBER, Succession.predecessor == member)
        query = query.where(or_(is_its, Succession.id.in_(succeeds)))
    if on is not None:
        query = query.where(Succession.starts_on <= on)
    return list(await session.scalars(query.order_by(Succession.id).limit(limit)))


async def shares_of(
    session: ReadSession, rows: Sequence[Succession]
) -> dict[int, list[SuccessionShare]]:
    """Return {succession: its shares, by successor}."""
    found: dict[int, list[SuccessionShare]] = {row.id: [] for row in rows}
    for chunk in in_chunks(sorted(found)):
        query = select(SuccessionShare).where(SuccessionShare.succession.in_(chunk))
        for share in await session.scalars(query.order_by(SuccessionShare.successor)):
            found[share.succession].append(share)
    return found
