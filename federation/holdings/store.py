"""Every SQL statement on filters of identifiers. Nothing here commits."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select

from federation.holdings.tables import AddedKey, FilterPart, HeldFilter, ToldFilter
from federation.store.bulk import in_chunks, insert_rows
from federation.store.sessions import ReadSession, WriteSession

_SIGNED: Final = 2**63


async def find_told(session: ReadSession, node: str) -> ToldFilter | None:
    """At a node: return what it has told the hub."""
    return await session.get(ToldFilter, node)


async def filters_of(session: ReadSession, node: str) -> list[HeldFilter]:
    """At the hub: return a node's filters by epoch: a whole one, one on its way, both, or none."""
    query = select(HeldFilter).where(HeldFilter.node == node).order_by(HeldFilter.epoch)
    return list(await session.scalars(query))


async def whole_filters(session: ReadSession) -> dict[str, HeldFilter]:
    """At the hub: return {node: its filter}, of those that have one."""
    query = select(HeldFilter).where(HeldFilter.taken == HeldFilter.parts)
    return {row.node: row for row in await session.scalars(query.order_by(HeldFilter.epoch))}


async def data_of(session: ReadSession, held: HeldFilter) -> bytes:
    """At the hub: return a filter out of its parts."""
    query = select(FilterPart.data).where(
        FilterPart.node == held.node, FilterPart.epoch == held.epoch
    )
    return b"".join(await session.scalars(query.order_by(FilterPart.part)))


async def add_part(session: WriteSession, held: HeldFilter, part: int, data: bytes) -> None:
    """Keep one more part of a filter."""
    session.add(FilterPart(node=held.node, epoch=held.epoch, part=part, data=data))
    held.taken = part
    await session.flush()


async def drop(session: WriteSession, held: HeldFilter) -> None:
    """Forget a filter and what came after it."""
    if held.is_whole:
        await session.execute(delete(AddedKey).where(AddedKey.node == held.node))
    for of in (FilterPart, HeldFilter):
        await session.execute(delete(of).where(of.node == held.node, of.epoch == held.epoch))


async def add_keys(session: WriteSession, node: str, keys: Sequence[int]) -> int:
    """Keep keys that came after a node's filter; return how many are new."""
    rows = [(node, key - _SIGNED) for key in dict.fromkeys(keys)]
    return await insert_rows(session, AddedKey, ["node", "key"], rows, ignore_conflicts=True)


async def have_added(session: ReadSession, keys: dict[str, int]) -> set[str]:
    """Return to which nodes a key came after their filters, of {node: the key under its seed}."""
    found = set[str]()
    for chunk in in_chunks(sorted({key - _SIGNED for key in keys.values()})):
        rows = await session.execute(
            select(AddedKey.node, AddedKey.key).where(AddedKey.key.in_(chunk))
        )
        found |= {node for node, key in rows if keys.get(node) == key + _SIGNED}
    return found
