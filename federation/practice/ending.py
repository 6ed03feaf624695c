"""How a practice federation ends: by a signal, or with the program that started it."""

import asyncio
import os
import signal
import stat
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TextIO, TypeVar

Opened = TypeVar("Opened")


async def run_until_ended(
    practice: AbstractAsyncContextManager[Opened],
    say_ready: Callable[[Opened], None],
    entered: TextIO | None,
) -> None:
    """Run until SIGINT or SIGTERM, or until the program that holds our input open ends."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with practice as opened:
        say_ready(opened)
        if entered is not None and _is_held_open(entered):
            transport, _ = await loop.connect_read_pipe(lambda: _UntilTheEnd(stop), entered)
            await stop.wait()
            transport.close()
        await stop.wait()


def _is_held_open(entered: TextIO) -> bool:
    """Say whether another program holds our input: a file, a device or a terminal has no end."""
    mode = os.fstat(entered.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class _UntilTheEnd(asyncio.Protocol):
    """Ends the practice with the program that started it: that holds our input open."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stop.set()
