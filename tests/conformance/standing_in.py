"""Our own node behind a proxy that changes what goes through it, or what it tells its hub."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from aiohttp import web

from federation.conformance.hub import Message, TrialHub

OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "date", "server"}
Ask = Any  # sends a call to the real node
Change = Callable[["Call", Ask], Any]


@dataclass(frozen=True)
class Call:
    """A request on its way to the node."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """Return a body of GraphQL as it was read; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def variables(self) -> dict[str, Any]:
        found = self.said.get("variables")
        return found if isinstance(found, dict) else {}

    def asks_for(self, field_name: str) -> bool:
        """Tell whether it is a question for a root field."""
        return f"{field_name}(" in str(self.said.get("query"))

    def with_variables(self, **changes: Any) -> "Call":
        said = self.said | {"variables": self.variables | changes}
        return replace(self, body=json.dumps(said).encode())


@dataclass(frozen=True)
class Came:
    """What the node answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def saying(self, value: Any, status: int | None = None) -> "Came":
        return replace(self, body=json.dumps(value).encode(), status=status or self.status)


@dataclass
class Wrong:
    """A node that is wrong in one way: by its answers, or by what it tells its hub."""

    name: str
    breaks: frozenset[str]
    answers: Change | None = None
    tells: Callable[[Message], list[Message]] | None = None


@asynccontextmanager
async def standing_in(wrong: Wrong, url: str, hub: TrialHub, port: int) -> AsyncIterator[str]:
    """Lend the address of a wrong node, which has the real one at `url` behind it."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def ask(call: Call) -> Came:
            async with http.request(
                call.method,
                url + call.path,
                data=call.body,
                headers=call.headers,
                allow_redirects=False,
            ) as response:
                headers = {
                    name: value
                    for name, value in response.headers.items()
                    if name.lower() not in OWN_HEADERS
                }
                return Came(response.status, headers, await response.read())

        async def handler(request: web.Request) -> web.StreamResponse:
            headers = {k: v for k, v in request.headers.items() if k.lower() not in OWN_HEADERS}
            body = await request.read()
            call = Call(request.method, request.raw_path, headers, body)
            came = await (wrong.answers(call, ask) if wrong.answers else ask(call))
            if isinstance(came, Came):
                return web.Response(status=came.status, headers=came.headers, body=came.body)
            return await came(request)

        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        honest = hub.take
        if wrong.tells is not None:
            tells = wrong.tells
            hub.take = lambda messages: honest(  # type: ignore[method-assign]
                told for message in messages for told in tells(message)
            )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            hub.take = honest  # type: ignore[method-assign]
            await runner.cleanup()


def of(*rules: str) -> frozenset[str]:
    return frozenset(rules)


def segment(token: str, number: int) -> bytes:
    part = token.split(".")[number]
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4)) or b"{}"
    except ValueError:
        return b"{}"
