"""What was asked and answered over HTTP: counted by route, and where wanted a line of the log each.

A line has neither who asked nor from where, and of an address the path alone: what stands behind
its `?` may be personal. A proxy in front knows both and can be told to keep them.
"""

import time
from collections.abc import Callable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from federation.counters import OTHER, Counters
from federation.logs import get_logger

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PATH_LENGTH_MAX: Final = 200  # characters of a path in a line
NO_ANSWER: Final = 499
"""Stands for an answer that never began: whoever asked had gone, or the server was stopped."""

log = get_logger("access")


class AccessLog:
    """An ASGI application around the server's own."""

    def __init__(
        self,
        app: ASGIApp,
        counters: Counters,
        *,
        is_written: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._counters, self._is_written = app, counters, is_written
        self._now = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, then count it, and write it down."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began, status, length = self._now(), NO_ANSWER, 0

        async def passed_on(message: Message) -> None:
            nonlocal status, length
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                length += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, passed_on)
        finally:
            # Litestar writes down which of its routes it was; a path that is none has none.
            route = scope.get("path_template") or OTHER
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._counters.request(method, route, status)
            if self._is_written:
                log.info(
                    "request",
                    method=method,
                    path=scope["path"][:PATH_LENGTH_MAX],
                    status=status,
                    bytes=length,
                    ms=round((self._now() - began) * 1000),
                )
