"""Every SQL statement about the audit log and the directory. Nothing here commits."""

from collections.abc import AsyncIterator, Iterable

from sqlalchemy import bindparam, func, or_, select

from federation.people.chain import Link, written
from federation.people.tables import AuditAct, PersonVersion
from federation.store.sessions import ReadSession
from federation.values.identity import looks_of

WALK_ACTS = 1_000
_LAST = select(AuditAct).order_by(AuditAct.number.desc()).limit(1)  # asked by every act: made once
_IN_FORCE = PersonVersion.valid_from.is_not(None) & PersonVersion.valid_to.is_(None)
_WAITS = PersonVersion.valid_from.is_(None) & PersonVersion.withdrawn_by.is_(None)
STATES = {
    "PROPOSED": _WAITS,
    "IN_FORCE": _IN_FORCE,
    "ENDED": PersonVersion.valid_to.is_not(None),
    "WITHDRAWN": PersonVersion.withdrawn_by.is_not(None),
}
# Asked by every request whose answer is not remembered: made once.
_PERSON = select(PersonVersion).where(PersonVersion.subject == bindparam("subject"), _IN_FORCE)


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


async def person_in_force(session: ReadSession, subject: str) -> PersonVersion | None:
    """Return what somebody is now, None for who was never here; who left has no roles."""
    return await session.scalar(_PERSON, {"subject": subject})


async def people_in_force(session: ReadSession) -> list[PersonVersion]:
    """Return everybody who is or was here, as of now, by subject."""
    rows = await session.scalars(
        select(PersonVersion).where(_IN_FORCE).order_by(PersonVersion.subject)
    )
    return list(rows)


async def is_empty(session: ReadSession) -> bool:
    """Tell whether nobody was ever taken in, nor proposed."""
    return await session.scalar(select(PersonVersion.id).limit(1)) is None


async def waiting_for(session: ReadSession, subject: str) -> PersonVersion | None:
    """Return the proposal about somebody that nobody has decided."""
    return await session.scalar(
        select(PersonVersion).where(PersonVersion.subject == subject, _WAITS).limit(1)
    )


async def last_version(session: ReadSession, subject: str) -> int:
    """Return the number of somebody's newest version, proposed or in force; 0 for a stranger."""
    query = select(func.max(PersonVersion.version)).where(PersonVersion.subject == subject)
    return await session.scalar(query) or 0


async def known_alike(session: ReadSession, subject: str) -> str | None:
    """Return another who is, was or waits to be here and could be taken for a subject."""
    looks = looks_of(subject)
    return await session.scalar(
        select(PersonVersion.subject)
        .where(
            PersonVersion.subject != subject,
            PersonVersion.withdrawn_by.is_(None),
            or_(PersonVersion.small == looks.small, PersonVersion.capital == looks.capital),
        )
        .order_by(PersonVersion.id)
        .limit(1)
    )


async def versions(
    session: ReadSession, *, after: int, subject: str | None, state: str | None, limit: int
) -> list[PersonVersion]:
    """Return versions in the order they were proposed, after an id, of somebody, in a state."""
    query = select(PersonVersion).order_by(PersonVersion.id).limit(limit)
    query = query.where(PersonVersion.id > after)
    if subject is not None:
        query = query.where(PersonVersion.subject == subject)
    if state is not None:
        query = query.where(STATES[state])
    return list(await session.scalars(query))


async def ever_in_force(session: ReadSession) -> list[PersonVersion]:
    """Return every version that is or was in force, by subject and version."""
    rows = await session.scalars(
        select(PersonVersion)
        .where(PersonVersion.valid_from.is_not(None))
        .order_by(PersonVersion.subject, PersonVersion.version)
    )
    return list(rows)


async def acts_of_words(session: ReadSession, words: Iterable[str]) -> list[AuditAct]:
    """Return every act of some words, oldest first."""
    rows = await session.scalars(
        select(AuditAct).where(AuditAct.act.in_(list(words))).order_by(AuditAct.number)
    )
    return list(rows)
