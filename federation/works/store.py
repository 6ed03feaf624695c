"""By what works are found, and what is written down of them. Nothing here commits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import select

from federation.history import store as history
from federation.history.key_store import add_keys, things_by
from federation.history.kinds import Kind, Saying, Statement
from federation.store.asked import among
from federation.store.bulk import in_chunks, insert_rows
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.works.tables import (
    WorkAddress,
    WorkCopy,
    WorkIdentifier,
    WorkRightholder,
    WorkVersion,
)
from federation.works.work import Work, numbers_one

WORKS: Final = Kind("WORK", WorkVersion, Work)
WORKS_SAID: Final = "works said"  # announced by a transaction that said something of works


async def record(
    session: WriteSession,
    statements: Sequence[Statement[Work]],
    saying: Saying,
    known: history.Known | None = None,
) -> range:
    """Write down what is said of works, each of them once; return the numbers of the changes."""
    numbers = await history.record(session, WORKS, statements, saying, known)
    columns = ["identifier", "numbers_one", "work_id"]
    await add_keys(session, WorkIdentifier, columns, statements, _identifiers)
    columns = ["address", "work_id"]
    await add_keys(session, WorkAddress, columns, statements, _addresses)
    await add_keys(session, WorkCopy, ["canonical", "work_id"], statements, _original)
    columns = ["rightholder", "work_id"]
    await add_keys(session, WorkRightholder, columns, statements, _rightholder)
    announce(session, WORKS_SAID)
    return numbers


def _identifiers(work: Work) -> Iterable[tuple[str, bool]]:
    return ((text, numbers_one(text, work.content_type)) for text in work.identifiers)


def _addresses(work: Work) -> Iterable[tuple[str]]:
    return ((address,) for address in work.addresses)


def _original(work: Work) -> Iterable[tuple[str]]:
    return () if work.canonical is None else ((work.canonical,),)


def _rightholder(work: Work) -> Iterable[tuple[str]]:
    return () if work.rightholder is None else ((work.rightholder,),)


async def hand_on_copies(session: WriteSession, original: str, stays: str) -> None:
    """Let the copies of a work be found by the one into which it was merged, too."""
    names = (await copies_of(session, [original])).get(original, set())
    await note_copies(session, {stays: names})


async def note_copies(session: WriteSession, copies: Mapping[str, Collection[str]]) -> None:
    """Let works be found as copies: {original, `GB:W-17`: its copies}."""
    rows = [(original, name) for original, names in copies.items() for name in sorted(names)]
    await insert_rows(session, WorkCopy, ["canonical", "work_id"], rows, ignore_conflicts=True)


async def holders_of(session: ReadSession, identifiers: Sequence[str]) -> dict[str, set[str]]:
    """Return {identifier: the works of which some version has it, and it numbers no other}."""
    row = WorkIdentifier
    return await things_by(session, row.identifier, row.work_id, identifiers, row.numbers_one)


async def sharing(session: ReadSession, identifier: str, limit: int) -> list[str]:
    """Return works of which some version has an identifier: those that it numbers, then by id."""
    names: list[str] = []
    for is_its in (True, False):
        query = select(WorkIdentifier.work_id).where(
            WorkIdentifier.identifier == identifier, WorkIdentifier.numbers_one.is_(is_its)
        )
        names += await session.scalars(query.order_by(WorkIdentifier.work_id).limit(limit))
    return list(dict.fromkeys(names))[:limit]


async def standing_at(session: ReadSession, address: str, *, after: str, limit: int) -> list[str]:
    """Return works of which some version stands at an address, by id, from after one on."""
    query = select(WorkAddress.work_id).where(
        WorkAddress.address == address, WorkAddress.work_id > after
    )
    return list(await session.scalars(query.order_by(WorkAddress.work_id).limit(limit)))


async def copies_of(session: ReadSession, originals: Sequence[str]) -> dict[str, set[str]]:
    """Return {original, `GB:W-17`: the works of which some version is, or was, a copy of it}."""
    return await things_by(session, WorkCopy.canonical, WorkCopy.work_id, originals)


async def at_addresses(session: ReadSession, addresses: Sequence[str]) -> dict[str, set[str]]:
    """Return {address: the works of which some version stands there}."""
    return await things_by(session, WorkAddress.address, WorkAddress.work_id, addresses)


async def of_rightholders(session: ReadSession, rightholders: Sequence[str]) -> dict[str, set[str]]:
    """Return {rightholder: the works of which some version is, or was, theirs}."""
    row = WorkRightholder
    return await things_by(session, row.rightholder, row.work_id, rightholders)


async def identifiers_after(session: ReadSession, after: str, limit: int) -> list[str]:
    """Return identifiers that some version of a work has, in order, from after one on."""
    column = WorkIdentifier.identifier
    query = select(column).distinct().where(column > after).order_by(column).limit(limit)
    return list(await session.scalars(query))


async def identifiers_of(session: ReadSession, names: Sequence[str]) -> list[str]:
    """Return the identifiers that some version of some works has, in order."""
    found = set[str]()
    for chunk in in_chunks(names):
        query = select(WorkIdentifier.identifier).where(
            among(session, WorkIdentifier.work_id, chunk)
        )
        found.update(await session.scalars(query))
    return sorted(found)
