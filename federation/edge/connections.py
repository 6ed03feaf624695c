"""Connections on which no request comes: closed in time, the oldest first when they are many."""

import asyncio
from collections import OrderedDict
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES_MAX = 64 * 1024
WAITING_MAX = 512


class Connection(HttpToolsProtocol):
    """Waits so long for the head of a request, and for so many bytes of it.

    Also what follows an answer that was given before the body had come whole is waited for no
    longer. Subclasses have a `waiting` of their own, one per server.
    """

    head_seconds: ClassVar[float] = HEAD_SECONDS
    waiting: ClassVar[OrderedDict["Connection", None]] = OrderedDict()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes, self._is_head = 0, False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait; who has waited longest gives way when too many do."""
        super().connection_made(transport)
        self._wait()
        self._is_head = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head that does not end."""
        super().data_received(data)
        if self._is_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Wait for the head of the next request."""
        super().on_message_begin()
        self._wait()
        self._is_head = True

    def on_headers_complete(self) -> None:
        """Hear what is asked."""
        self._heard()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Hear the end of a body, also of one that nobody read."""
        super().on_message_complete()
        self._heard()
        if self.cycle.response_complete:
            self._queue_up()

    def on_response_complete(self) -> None:
        """Give what is still to come of a body that was not read its time.

        One that is kept open for a next request gives way as well when too many wait.
        """
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.cycle.more_body:
            self._wait()
        elif self.timeout_keep_alive_task is not None:
            self._queue_up()

    def _wait(self) -> None:
        self._heard()
        self._end = self.loop.call_later(self.head_seconds, self.transport.close)
        self._queue_up()

    def _queue_up(self) -> None:
        self.waiting[self] = None
        if len(self.waiting) > WAITING_MAX:
            oldest, _ = self.waiting.popitem(last=False)
            oldest.transport.close()

    def _heard(self) -> None:
        self._head_bytes, self._is_head = 0, False
        self.waiting.pop(self, None)
        if self._end is not None:
            self._end.cancel()
            self._end = None


def connections() -> type[Connection]:
    """Return the connections of one server."""
    return type("ConnectionOfOneServer", (Connection,), {"waiting": OrderedDict()})
