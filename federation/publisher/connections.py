"""How many connections the endpoint holds at once: one that is idle makes room for one that asks.

nginx keeps connections open between its questions, each of its workers as many as its `keepalive`
says. They may be more than the endpoint answers, so they must not hold its room while idle.
"""

import socket
import threading
from contextlib import suppress
from typing import Final

CONNECTIONS_MAX: Final = 512
_END_SECONDS_MAX: Final = 1.0


class Connections:
    """The room of one endpoint; threads share it."""

    def __init__(self, most: int = CONNECTIONS_MAX) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._idle: dict[socket.socket, None] = {}  # idle the longest first

    def take(self) -> bool:
        """Take room for one more, that of an idle one if there is no other; tell whether it is."""
        if self._room.acquire(blocking=False):
            return True
        return self._end_idle() and self._room.acquire(timeout=_END_SECONDS_MAX)

    def give_back(self, connection: socket.socket) -> None:
        """Note that a connection is over."""
        self.is_asked(connection)
        self._room.release()

    def is_idle(self, connection: socket.socket) -> None:
        """Note that a connection waits for a question."""
        with self._lock:
            self._idle[connection] = None

    def is_asked(self, connection: socket.socket) -> None:
        """Note that a question came."""
        with self._lock:
            self._idle.pop(connection, None)

    def _end_idle(self) -> bool:
        """End the connection that was idle the longest. A question that came just now is answered.

        Whoever reads from it finds its end behind that, and nginx asks elsewhere what it asks next.
        """
        with self._lock:
            connection = next(iter(self._idle), None)
            if connection is None:
                return False
            del self._idle[connection]
        with suppress(OSError):  # it has ended by itself
            connection.shutdown(socket.SHUT_RD)
        return True
