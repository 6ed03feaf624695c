"""Tells the hub which identifiers a node's works have, as soon as there are new ones."""

import asyncio
import contextlib

from federation.holdings import telling
from federation.logs import get_logger
from federation.server import Server
from federation.trust.store import find_party
from federation.values.party import HUB

IDLE_SECONDS = 60.0
log = get_logger("identifiers")


class IdentifierWorker:
    """Posts the filter of all identifiers, then what came since."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for something to tell now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again."""
        while True:
            self._wake.clear()
            try:
                await self.tell()
            except Exception:
                log.exception("identifiers not told")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()

    async def tell(self) -> None:
        """Tell what there is to tell; nothing before the node has joined."""
        server, node = self._server, self._server.code
        now = server.clock()  # of before anything is read: what is told is good until then
        async with server.db.read() as session:
            if (hub := await find_party(session, HUB)) is None:
                return
            target, filled = hub.entity_id, None
            if await telling.is_filter_due(session, node):
                filled = await telling.fill(session, now)
            elif not await telling.is_news_due(session, node, now):
                return
        async with server.db.write("identifiers.tell") as session:
            if filled is not None:
                await telling.tell_filter(session, node, target, filled, server.key)
            else:
                await telling.tell_news(session, node, target, now, server.key)
