"""Waiting until the hub has heard of the identifiers of works that nodes have."""

from federation.history.feed_store import last_change
from federation.holdings import store
from federation.values.party import HUB
from tests.federation.harness import soon


async def until_told(small, *codes):
    """Wait until the hub has the filters of some nodes, and all that was said of their works."""

    async def is_told():
        for code in codes:
            async with small.databases[code].read() as session:
                told = await store.find_told(session, code)
            async with small.databases[HUB].read() as session:
                held = (await store.whole_filters(session)).get(code)
            if told is None or held is None or (told.epoch, told.added) != (held.epoch, held.added):
                return False
            server = small.keepers[code].service.server
            async with server.db.read() as session:
                if await last_change(session) > told.change:
                    return False
        return True

    await soon(is_told, what="filters")
