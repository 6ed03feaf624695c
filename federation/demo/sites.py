"""Members' sites: a small application each, behind the gate that a publisher would install."""

import asyncio
import contextlib
import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from federation.access.bearers import ClientCredential
from federation.demo.plan import SitePart
from federation.demo.servers import Servers
from federation.gate.asgi import App
from federation.gate.asks import Scope, user_agent
from federation.scenario.client import until
from federation.scenario.servers import Running
from federation.site.install import protect
from federation.site.site_config import SiteConfig


class MemberSite:
    """One site on a port of its own. What it has not reported waits on its disk."""

    def __init__(self, part: SitePart, folder: Path, title: str) -> None:
        self.part, self._title = part, title
        self._directory = folder / f"site-{part.member}"
        self._config: SiteConfig | None = None
        self.host = urlsplit(part.origin).netloc
        self.port = 0
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    async def install(self, servers: Servers, client: ClientCredential) -> None:
        """Install the gate with what a collective hands its member, and serve."""
        self._config = await site_config(self.part, servers, client, self._directory)
        await self.open()

    async def open(self) -> None:
        """Serve, and wait for the policy that the node signed for this site."""
        assert self._config is not None  # noqa: S101 - it was installed
        gate = protect(pages(self._title), self._config)
        config = uvicorn.Config(gate, port=0, lifespan="on", log_config=None, access_log=False)
        self._server = _Uvicorn(config)
        self._task = asyncio.create_task(self._server.serve())
        await until(self._is_open, what=f"{self.host} to open")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop serving; the spool stays."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    def unreported(self) -> int:
        """Return how many visits wait on disk for the node to take them."""
        files = self._spool().glob("*-*")
        return sum(path.read_bytes().count(b"\n") for path in files)

    async def look_again(self) -> None:
        """Open again after a stop, and wait for the policy that the node signs now."""
        policy = self._directory / "policy.jwt"
        await self.close()
        before = policy.read_bytes()  # after the last round, which may have written one
        await self.open()

        async def newer() -> bool:
            return policy.read_bytes() != before

        await until(newer, what=f"{self.host} to fetch its policy")

    async def hand_in(self) -> None:
        """Open again after a stop, which reports at once, and wait for the node's receipt."""
        await self.close()
        await self.open()

        async def taken() -> bool:
            return not any(self._spool().glob("*-*"))

        await until(taken, what=f"{self.host} to report")

    def _spool(self) -> Path:
        return self._directory / "spool"

    async def _is_open(self) -> bool:
        if self._task is not None and self._task.done():
            await self._task
        is_started = self._server is not None and self._server.started
        return is_started and (self._directory / "policy.jwt").exists()


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def site_config(
    part: SitePart, servers: Servers, client: ClientCredential, directory: Path
) -> SiteConfig:
    """Return what a collective hands its member: where the node is, two keys, a credential."""
    node = servers.federation.nodes[part.collective]
    return SiteConfig(
        node=node.url,
        member_id=part.member,
        node_jwks=await _keys(servers, node),
        hub_jwks=await _keys(servers, servers.federation.hub),
        client=client,
        directory=directory,
        origins=[part.origin],
        is_bot=is_any_bot,
        clock=servers.clock,
    )


def is_any_bot(scope: Scope) -> bool:
    """Tell whether a visitor calls itself a bot: these publishers let none pass unlicensed."""
    return "bot" in user_agent(scope).lower()


async def _keys(servers: Servers, server: Running) -> list[dict[str, Any]]:
    async with servers.http.get(f"{server.url}/.well-known/federation") as response:
        keys: list[dict[str, Any]] = (await response.json())["jwks"]
    return keys


def pages(title: str) -> App:
    """Return an application with an invented article at every address."""

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        text = f"<title>{html.escape(title)}</title><h1>{html.escape(scope['path'])}</h1>"
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


async def _live(receive: Any, send: Any) -> None:
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})
