"""Every SQL statement about parties, applications, invitations, own keys. Nothing commits."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import func, literal, select, union_all

from federation.store.sessions import ReadSession
from federation.trust.tables import (
    Application,
    EntityStatement,
    Invitation,
    OwnKey,
    Party,
    Suspension,
)
from federation.values.identity import is_same
from federation.values.party import HUB

_EVERYBODY = select(Party).order_by(Party.code != HUB, Party.code)  # asked most often: made once


async def find_party(session: ReadSession, code: str) -> Party | None:
    """Return an admitted party by code."""
    return await session.get(Party, code)


async def find_party_by_entity(session: ReadSession, entity_id: str) -> Party | None:
    """Return an admitted party by entity id."""
    return await session.get_by(Party, "entity_id", entity_id)


async def find_party_known_as(session: ReadSession, code: str, entity_id: str) -> Party | None:
    """Return the admitted party that has this code or this entity id, however it is written."""
    rows = await session.scalars(select(Party).order_by(Party.code))
    known = (row for row in rows if row.code == code or is_same(row.entity_id, entity_id))
    return next(known, None)


async def node_parties(session: ReadSession) -> list[Party]:
    """Return every admitted collective by code."""
    rows = await session.scalars(select(Party).where(Party.code != HUB).order_by(Party.code))
    return list(rows)


async def parties_after(session: ReadSession, place: int) -> list[Party]:
    """At the hub: return the collectives admitted after a place in the order of admission."""
    rows = await session.scalars(select(Party).where(Party.place > place).order_by(Party.code))
    return list(rows)


async def parties_behind(session: ReadSession) -> list[Party]:
    """At the hub: return the collectives that were not told of all who were admitted, by code."""
    last = select(func.max(Party.place)).scalar_subquery()
    rows = await session.scalars(select(Party).where(Party.told_of < last).order_by(Party.code))
    return list(rows)


async def parties(session: ReadSession) -> list[Party]:
    """Return every admitted party: at a node the hub first, then the collectives by code."""
    return list(await session.scalars(_EVERYBODY))


async def applications(
    session: ReadSession, *, before: int | None = None, limit: int
) -> list[Application]:
    """Return the newest applications first."""
    query = select(Application).order_by(Application.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Application.id < before)
    return list(await session.scalars(query))


async def find_application(session: ReadSession, entity_id: str, key_id: str) -> Application | None:
    """Return the newest application of an entity id with a key."""
    return await session.scalar(
        select(Application)
        .where(Application.entity_id == entity_id, Application.key_id == key_id)
        .order_by(Application.id.desc())
        .limit(1)
    )


async def own_application(session: ReadSession) -> Application | None:
    """At a node: return its own application, None before it applied."""
    return await session.scalar(select(Application).order_by(Application.id.desc()).limit(1))


async def find_invitation(session: ReadSession, digest: str) -> Invitation | None:
    """Return the invitation whose code has a SHA-256."""
    return await session.scalar(select(Invitation).where(Invitation.digest == digest))


async def count_open_invitations(session: ReadSession, now: datetime) -> int:
    """Return how many invitations may still be used."""
    query = select(func.count()).where(
        Invitation.application.is_(None), Invitation.expires_at > now
    )
    return await session.scalar(query) or 0


async def invitations(
    session: ReadSession, *, before: int | None = None, limit: int
) -> list[Invitation]:
    """Return the newest invitations first."""
    query = select(Invitation).order_by(Invitation.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Invitation.id < before)
    return list(await session.scalars(query))


async def count_statements(session: ReadSession, code: str, since: datetime) -> int:
    """Return how many statements by which a node changed were taken after an instant."""
    query = select(func.count()).where(
        EntityStatement.code == code, EntityStatement.taken_at > since
    )
    return await session.scalar(query) or 0


async def statements_to_pass_on(session: ReadSession, code: str) -> list[EntityStatement]:
    """Return the statements by which a node changed that the others do not have, oldest first."""
    rows = await session.scalars(
        select(EntityStatement)
        .where(EntityStatement.code == code, EntityStatement.passed_on_at.is_(None))
        .order_by(EntityStatement.id)
    )
    return list(rows)


async def statements_passed_on(session: ReadSession, code: str) -> AsyncIterator[str]:
    """Yield the statements by which a node changed that the others have, oldest first.

    One is in memory at a time: there may be as many as its changes in all its years.
    """
    mine = EntityStatement.code == code, EntityStatement.passed_on_at.is_not(None)
    query = select(EntityStatement.id).where(*mine).order_by(EntityStatement.id)
    for number in list(await session.scalars(query)):
        one = select(EntityStatement.signed).where(EntityStatement.id == number)
        yield (await session.execute(one)).scalar_one()


async def trusted_nodes(session: ReadSession) -> list[Party]:
    """At the hub: return every admitted collective that is not suspended, by code."""
    return [party for party in await node_parties(session) if party.suspended_at is None]


async def trusted_places(session: ReadSession) -> list[tuple[str, str, str]]:
    """At the hub: return (code, entity id, URL) of each of the `trusted_nodes`, by code."""
    rows = await session.execute(
        select(Party.code, Party.entity_id, Party.url)
        .where(Party.code != HUB, Party.suspended_at.is_(None))
        .order_by(Party.code)
    )
    return [(code, entity_id, url) for code, entity_id, url in rows]


async def proposed_suspensions(session: ReadSession) -> list[Suspension]:
    """Return what is proposed, by node."""
    rows = await session.scalars(
        select(Suspension).where(Suspension.state == "PROPOSED").order_by(Suspension.code)
    )
    return list(rows)


async def suspensions(
    session: ReadSession, *, before: int | None = None, limit: int
) -> list[Suspension]:
    """Return the newest proposals about suspensions first, whatever came of them."""
    query = select(Suspension).order_by(Suspension.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Suspension.id < before)
    return list(await session.scalars(query))


async def was_suspended(session: ReadSession, code: str) -> bool:
    """Tell whether a node is, or once was, suspended."""
    query = select(Suspension.id).where(
        Suspension.code == code, Suspension.act == "SUSPEND", Suspension.state == "DONE"
    )
    return await session.scalar(query.limit(1)) is not None


async def own_keys(session: ReadSession) -> list[OwnKey]:
    """Return every key this server ever had, by purpose, the newest last."""
    rows = await session.scalars(
        select(OwnKey).order_by(OwnKey.purpose, OwnKey.made_at, OwnKey.kid)
    )
    return list(rows)


Pair = tuple[Any, ...]
"""Who prepared, who decided (two columns of a table), and conditions on the rows that count."""


async def decided_alone(session: ReadSession, *pairs: Pair) -> tuple[int, list[str]]:
    """Count decisions that name two people, and name those that are one person.

    As many names are compared as there are, not as many rows. Pairs are constants of their modules.
    """
    answer: Any = await session.execute(_two_of_each(*pairs))
    rows: list[tuple[int, str, str, int]] = [tuple(row) for row in answer]
    wrong = [
        f"{pairs[place][0].class_.__tablename__}: {one!r} and {other!r} are one person,"
        f" {count} times"
        for place, one, other, count in sorted(rows, key=lambda row: row[0])
        if is_same(one, other)
    ]
    return sum(row[-1] for row in rows), wrong


@cache  # one question for all of them, made once: a check asks it of each server
def _two_of_each(*pairs: Pair) -> Any:
    return union_all(
        *(
            select(literal(place), maker, checker, func.count())
            .where(maker.is_not(None), checker.is_not(None), *where)
            .group_by(maker, checker)
            for place, (maker, checker, *where) in enumerate(pairs)
        )
    )
