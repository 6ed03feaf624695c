"""Every SQL statement about the audit log and the directory. Nothing here commits."""

from collections.abc import AsyncIterator

from sqlalchemy import select

from federation.people.chain import Link, written
from federation.people.tables import AuditAct
from federation.store.sessions import ReadSession

WALK_ACTS = 1_000
_LAST = select(AuditAct).order_by(AuditAct.number.desc()).limit(1)  # asked by every act: made once


async def last_act(session: ReadSession) -> AuditAct | None:
    """Return the newest act, None where nothing was ever done."""
    return await session.scalar(_LAST)


async def links(session: ReadSession) -> AsyncIterator[Link]:
    """Yield every act as it is stored, oldest first, some in memory at a time."""
    query = select(AuditAct).order_by(AuditAct.number).limit(WALK_ACTS)
    rows = list(await session.scalars(query))
    while rows:
        for row in rows:
            yield Link(
                row.number,
                written(row.at),
                row.actor,
                row.act,
                row.subject,
                row.detail,
                row.previous,
                row.hash,
            )
        rows = list(await session.scalars(query.where(AuditAct.number > rows[-1].number)))


async def acts(
    session: ReadSession,
    *,
    before: int | None,
    subject: str | None,
    act: str | None,
    limit: int,
) -> list[AuditAct]:
    """Return acts, newest first: those with a number below `before`, of a subject, of a word."""
    query = select(AuditAct).order_by(AuditAct.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditAct.number < before)
    if subject is not None:
        query = query.where(AuditAct.subject == subject)
    if act is not None:
        query = query.where(AuditAct.act == act)
    return list(await session.scalars(query))
