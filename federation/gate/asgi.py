"""The gate before an ASGI application: people pass, crawlers show a licence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from federation.gate.answers import Headers, Response
from federation.gate.asks import Scope
from federation.gate.background import Background
from federation.gate.gate import Answered, Gate, Visit
from federation.gate.listening import Listening, Message, Receive
from federation.gate.metering import Meter
from federation.gate.refusals import SpoolError

Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
UNSEEN_BODIES: Final = frozenset(
    {"http.response.pathsend", "http.response.zerocopysend", "http.response.push"}
)
"""Extensions by which content leaves that is no body message of this answer."""
_POLICY_VIOLATION: Final = 1008
_OVER: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


class AsgiGate:
    """ASGI middleware that serves crawlers under a licence and records what they took."""

    def __init__(self, app: App, gate: Gate, background: Background | None = None) -> None:
        self._app = app
        self.gate = gate
        self.background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if self.background is not None:
            self.background.start()
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket" and self._closes(scope):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _closes(self, scope: Scope) -> bool:
        return not self.gate.is_observing and self.gate.concerns(scope)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """End with the application, before the server hears that it has: then it waits no more."""
        is_over = False

        async def last(message: Message) -> None:
            nonlocal is_over
            if message["type"] in _OVER:
                await self._close()
                is_over = True
            await send(message)

        try:
            await self._app(scope, receive, last)
        finally:
            if not is_over:
                await self._close()

    async def _close(self) -> None:
        if self.background is not None:
            await asyncio.to_thread(self.background.stop)
        self.gate.close()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        decide = self.gate.decide
        waits = self.gate.may_wait(scope)
        decision = await asyncio.to_thread(decide, scope) if waits else decide(scope)
        if isinstance(decision, Visit):
            await self._serve(decision, scope, receive, send)
        elif isinstance(decision, Answered):
            await _answer(decision.response, send)
        elif decision.headers:
            await self._app(scope, receive, _Marked(send, decision.headers))
        else:
            await self._app(scope, receive, send)

    async def _serve(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and count it. What it cannot count it does not deliver."""
        meter = Meter(self.gate, visit, is_bodiless=scope["method"] == "HEAD")
        listening = Listening(receive)
        metered = _MeteredSend(send, meter, listening)
        try:
            await self._app(_with_seen_bodies(scope), listening, metered)
        except SpoolError as refusal:
            if metered.has_begun:
                raise
            await _answer(self.gate.refusal(refusal, scope), send)
        finally:
            listening.end()
            if metered.has_begun:
                await _in_its_thread(meter, meter.record_cut_short)


class _Marked:
    """An ASGI `send` that adds headers."""

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send, self._headers = send, headers

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
        await self._send(message)


class _MeteredSend:
    """An ASGI `send` that counts what is sent while somebody listens.

    The start of an answer waits for its first body message, so that a site that cannot record a
    page can still say 503 in its place.
    """

    def __init__(self, send: Send, meter: Meter, listening: Listening) -> None:
        self._send = send
        self._meter = meter
        self._listening = listening
        self._start: Message | None = None
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on, after what it delivers has been recorded."""
        if message["type"] == "http.response.start":
            self._meter.status = message["status"]
            headers = self._meter.carried(message.get("headers", ()))
            self._start = {**message, "headers": headers}
            return
        if message["type"] == "http.response.body":
            is_last = not message.get("more_body", False)
            if self._start is None or not is_last:  # an answer of one part costs nothing
                await self._listening.look()
            body = message.get("body", b"")
            if not self._listening.is_over:
                body = self._meter.count(body)
            message = {**message, "body": body}
            if is_last or (self._start is not None and self._meter.is_refused):
                await self._record()
            if self._start is not None:
                start, self._start, self.has_begun = self._start, None, True
                await self._send(start)
        await self._send(message)

    async def _record(self) -> None:
        await _in_its_thread(self._meter, self._meter.record)


async def _in_its_thread(meter: Meter, act: Callable[[], None]) -> None:
    """Record what was sent: no other answer waits for the disk, and no hang-up ends it."""
    if meter.waits:
        await asyncio.shield(asyncio.to_thread(act))
    else:
        act()


async def _answer(response: Response, send: Send) -> None:
    status, headers, body = response
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})


def _with_seen_bodies(scope: Scope) -> Scope:
    """Withdraw the extensions by which a server sends bodies this gate could not measure."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    seen = {name: value for name, value in extensions.items() if name not in UNSEEN_BODIES}
    return {**scope, "extensions": seen}
