"""Whether anybody still listens to an answer that leaves in parts: ASGI tells it who receives."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Listening:
    """An ASGI `receive` that can look ahead whether the client is gone.

    A server need not say so to who sends: uvicorn takes what is sent after a hang-up, and is
    silent. What is read ahead still reaches the application, in its order; nothing is read behind a
    message that says that more of the request's body follows.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ahead: deque[Message] = deque()
        self._has_come = asyncio.Event()
        self._look_ahead: asyncio.Task[None] | None = None
        self._is_awaited = False
        self.is_over = False

    async def __call__(self) -> Message:
        """Return the next message to the application."""
        while not self._ahead:
            if not self._is_looking():
                return await self._heard()
            self._has_come.clear()
            await self._has_come.wait()
        return self._ahead.popleft()

    async def look(self) -> None:
        """Look ahead from now on, unless the application waits for a message itself.

        This leaves the server a turn: an application that has its whole answer at hand never waits
        where the server lets go of what nobody takes (uvloop does).
        """
        is_more = bool(self._ahead) and bool(self._ahead[-1].get("more_body"))
        if not (self.is_over or self._is_awaited or is_more or self._is_looking()):
            self._look_ahead = asyncio.create_task(self._look())
        await asyncio.sleep(0)

    def end(self) -> None:
        """Look no further."""
        if self._look_ahead is not None:
            self._look_ahead.cancel()

    def _is_looking(self) -> bool:
        return self._look_ahead is not None and not self._look_ahead.done()

    async def _look(self) -> None:
        try:
            with suppress(OSError):  # the application hears of it when it asks
                while not self.is_over:
                    message = await self._heard()
                    self._ahead.append(message)
                    self._has_come.set()
                    if message.get("more_body"):
                        return
        finally:
            self._look_ahead = None
            self._has_come.set()

    async def _heard(self) -> Message:
        self._is_awaited = True
        try:
            message = await self._receive()
        finally:
            self._is_awaited = False
        self.is_over = message["type"] == "http.disconnect"
        return message
