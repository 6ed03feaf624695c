"""Receivers of events: servers on loopback that keep what came, and answer as they are told."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECONDS_MAX = 60.0


@dataclass
class Receiver:
    """What came, the oldest first, each with its headers and body; and what is answered."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Keep a request."""
        self.came.append((dict(request.headers), await request.read()))
        self._new.set()
        return web.Response(status=self.status, headers=self.headers)

    async def count(self, number: int) -> list[tuple[dict[str, str], bytes]]:
        """Wait until so many came; return them."""
        async with asyncio.timeout(SECONDS_MAX):
            while len(self.came) < number:
                self._new.clear()
                await self._new.wait()
        return self.came


@asynccontextmanager
async def receiving(port: int = 0, **given: Any):
    """Run a receiver, at a port that the system chooses where none is named."""
    receiver = Receiver(**given)
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        [address] = runner.addresses
        receiver.url = f"http://127.0.0.1:{address[1]}/hooks"
        yield receiver
    finally:
        await runner.cleanup()
