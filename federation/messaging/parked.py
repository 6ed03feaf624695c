"""Tries parked messages again: what was refused for a passing reason heals by itself.

So does a stream whose parked message was decided and that did not go on, since the server was busy
or stopped: its head is a message that was never tried. Each try waits twice as long as the one
before, up to ten minutes; staff may try sooner. A malformed message is tried once after a start:
only other code could take it, and it may be large.
"""

import asyncio
import contextlib
import time
from typing import Final

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.inbox import Handlers, try_again
from federation.server import Server
from federation.store import inbox
from federation.store.messages import BadMessageError, MessageTooLargeError

IDLE_SECONDS = 2.0  # between looks while something is parked
QUIET_SECONDS = 30.0  # while nothing is: another process of the server may park a message
BACK_OFF_MAX = 600.0
MALFORMED: Final = {BadMessageError.code, MessageTooLargeError.code}
log = get_logger("parked")


class ParkedWorker:
    """One per server process. What it knows of earlier tries is lost at a restart, nothing else."""

    def __init__(self, server: Server, handlers: Handlers) -> None:
        self._server, self._handlers = server, handlers
        self._tried: dict[int, tuple[float, int]] = {}  # {message: (not before, tries)}
        self._is_new_here = True  # until all that was parked before this start has been tried
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look soon: a message was parked."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            waits = True
            try:
                waits = await self.try_due()
            except Exception:
                log.exception("parked messages not tried")
            if not waits:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(QUIET_SECONDS):
                        await self._wake.wait()
            await asyncio.sleep(IDLE_SECONDS)

    async def try_due(self) -> bool:
        """Try the first message that waits of each stream whose time has come.

        Tells whether any waited.
        """
        async with self._server.db.read() as session:
            heads = await inbox.heads(session)
        for gone in self._tried.keys() - {row.id for row in heads}:
            del self._tried[gone]
        is_new_here, self._is_new_here = self._is_new_here, False
        due = (row.id for row in heads if is_new_here or row.code not in MALFORMED)
        for message_id in due:
            when, tries = self._tried.get(message_id, (0.0, 0))
            if when > time.monotonic():
                continue
            wait = min(BACK_OFF_MAX, IDLE_SECONDS * 2 ** min(tries, 12))
            self._tried[message_id] = (time.monotonic() + wait, tries + 1)
            try:
                await try_again(self._server, self._handlers, message_id)
            except RefusalError as refusal:
                log.info("parked message not tried", id=message_id, code=refusal.code)
        return bool(heads)
