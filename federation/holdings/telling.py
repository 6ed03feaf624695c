"""At a node: tell the hub which identifiers its works have or had, and go on telling.

Identifiers only come: one that a work has no more is still asked about, of an instant at which it
had it. So a filter never has to forget.
"""

import asyncio
import secrets
from array import array
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from federation.history import feed_store
from federation.holdings import bloom, store
from federation.holdings.messages import (
    KEYS_MAX,
    PART_BYTES,
    IdentifiersAdded,
    IdentifiersFiltered,
    packed,
    signed,
)
from federation.holdings.tables import ToldFilter
from federation.signing.keys import SigningKey
from federation.store import outbox
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store as works

TOLD_EVERY: Final = timedelta(minutes=15)
"""So often a node says that nothing came: a quarter of how long the hub goes by a filter."""
ADDED_MIN: Final = 2_000
ADDED_MAX: Final = 50_000
CHANGES_MAX: Final = 50_000  # with more to tell of, a filter is made anew
_PAGE: Final = 2_000


class Filled(NamedTuple):
    """A filter that was made, not yet told: the last change before it, and how many keys it has."""

    data: bytes
    seed: bytes
    keys: int
    change: int
    as_of: datetime


async def is_filter_due(session: ReadSession, node: str) -> bool:
    """Tell whether all is to be told anew: never told of, or too much came since.

    A node of which no work has an identifier tells nothing, and is asked.
    """
    told = await store.find_told(session, node)
    if told is None:
        return bool(await works.identifiers_after(session, "", 1))
    if not told.is_signed:  # it was told by an earlier version
        return True
    behind = await feed_store.last_change(session) - told.change
    return behind > CHANGES_MAX or told.keys_added > min(ADDED_MAX, max(ADDED_MIN, told.keys // 8))


async def fill(session: ReadSession, now: datetime) -> Filled:
    """Make a filter of all identifiers, some thousands at a time: it takes seconds for a million.

    What comes meanwhile is told of afterwards, even where it is in the filter.
    """
    change = await feed_store.last_change(session)
    seed, keys, after = secrets.token_bytes(bloom.SEED_BYTES), array("Q"), ""
    while found := await works.identifiers_after(session, after, _PAGE):
        keys.extend(bloom.key_of(one, seed) for one in found)
        after = found[-1]
    filled = bytearray(bloom.size_of(len(keys)))
    for part in in_chunks(keys, _PAGE):
        bloom.put(filled, part)
        await asyncio.sleep(0)
    return Filled(bytes(filled), seed, len(keys), change, now)


async def tell_filter(
    session: WriteSession, node: str, hub: str, filled: Filled, key: SigningKey
) -> None:
    """Post a filter to the hub, an entity id, in as many parts as it needs, signed."""
    told = await store.find_told(session, node)
    epoch = told.epoch + 1 if told else 1
    digest, parts = sha256(filled.data).hexdigest(), list(in_chunks(filled.data, PART_BYTES))
    for number, data in enumerate(parts, 1):
        message = IdentifiersFiltered(
            node=node,
            epoch=epoch,
            part=number,
            parts=len(parts),
            keys=filled.keys,
            seed=filled.seed,
            sha256=digest,
            as_of=filled.as_of,
            data=bytes(data),
        )
        await outbox.post(session, target=hub, message=signed(message, key), now=filled.as_of)
    if told is None:
        told = ToldFilter(node=node)
        session.add(told)
    told.epoch, told.seed, told.keys = epoch, filled.seed, filled.keys
    told.change, told.added, told.keys_added, told.told_at = filled.change, 0, 0, filled.as_of
    told.is_signed = True
    await session.flush()


async def is_news_due(session: ReadSession, node: str, now: datetime) -> bool:
    """Tell whether something came since a node told of its identifiers, or that was long ago."""
    told = await store.find_told(session, node)
    if told is None:
        return False
    is_behind = await feed_store.last_change(session) > told.change
    return is_behind or now - told.told_at >= TOLD_EVERY


async def tell_news(
    session: WriteSession, node: str, hub: str, now: datetime, key: SigningKey
) -> None:
    """Post the keys of identifiers that came since, in as many messages as they need, signed.

    Only the last of them says that the filter is good until now.
    """
    told = await store.find_told(session, node)
    if told is None:
        return
    last, after = await feed_store.last_change(session), told.change
    things = set[str]()
    while after < last:
        rows = await feed_store.changes_after(
            session, after, feed_store.LOOKED_AT_MAX, [works.WORKS.name]
        )
        things.update(row.thing for row in rows)
        after = min(last, after + feed_store.LOOKED_AT_MAX)
    found = await works.identifiers_of(session, sorted(things))
    now = max(now, told.told_at)  # where the clock went back
    if not found and now - told.told_at < TOLD_EVERY:
        told.change = last
        return
    keys = [bloom.key_of(one, told.seed) for one in found]
    parts = list(in_chunks(keys, KEYS_MAX)) or [[]]
    for number, part in enumerate(parts, 1):
        told.added += 1
        message = IdentifiersAdded(
            node=node,
            epoch=told.epoch,
            number=told.added,
            as_of=now if number == len(parts) else told.told_at,
            keys=packed(list(part)),
        )
        await outbox.post(session, target=hub, message=signed(message, key), now=now)
    told.keys_added += len(keys)
    told.change, told.told_at = last, now
    await session.flush()
