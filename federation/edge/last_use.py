"""Writes down once a minute when clients were last heard of."""

import asyncio
from typing import Final

from federation.logs import get_logger
from federation.server import Server

SECONDS: Final = 60.0
log = get_logger("clients")


class LastUseWorker:
    """One per server process; what a stop cuts off is a minute of it at most."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self._server.last_use.write_down(self._server.db)
            except Exception:
                log.exception("last uses not written down")
