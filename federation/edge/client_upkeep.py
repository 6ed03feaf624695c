"""What a server does for its clients beside answering: finds its pepper, notes who is there."""

import asyncio
from typing import Final

from federation.clients import store
from federation.logs import get_logger
from federation.server import Server

SECONDS: Final = 60.0
log = get_logger("clients")


async def prepare_pepper(server: Server) -> None:
    """Find the pepper of the clients' secrets at the start, or make that of a new server.

    Raises PepperLostError where clients have secrets that nothing could tell any more.
    """
    async with server.db.read() as session:
        is_known = await store.has_secrets(session)
    server.pepper.prepare(is_known=is_known)


async def write_down_last_uses(server: Server) -> int:
    """Write down when clients were heard of; return how many. Of none, nothing is written."""
    heard = server.last_use.take()
    if not heard:
        return 0
    try:
        async with server.db.write("clients.last_use") as session:
            await store.note_last_use(session, heard)
    except Exception:
        server.last_use.put_back(heard)
        raise
    return len(heard)


class LastUseWorker:
    """One per server process; what a stop cuts off is a minute of it at most."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await write_down_last_uses(self._server)
            except Exception:
                log.exception("last uses not written down")
