"""What a parent and its workers say to each other, over a pair of sockets: three words, and an end.

A worker says that it is ready, a parent that the worker is to retire. Either learns by the end of
the pair that the other is gone.
"""

import asyncio
import socket
from typing import Final

READY: Final = b"ready\n"
RETIRE: Final = b"retire\n"


class ToParent:
    """A worker's end, the file descriptor `number` that its parent gave it."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(fileno=number)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def say_ready(self) -> None:
        """Say that requests are answered here."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        self._writer.write(READY)
        await self._writer.drain()

    async def is_to_retire(self) -> bool:
        """Wait for the parent's word: True to retire, False where the parent is gone."""
        if self._reader is None:
            raise RuntimeError("nothing was said yet")
        return await self._reader.readline() == RETIRE

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._socket.close()
