"""What targets have taken is written down: by one transaction for all that waits for its turn."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from federation.server import Server
from federation.store import outbox
from federation.store.sessions import WriteSession

Taken = Callable[[WriteSession, Collection[str], datetime], Awaitable[None]]
"""Does what follows, in the transaction that notes which streams were taken."""


async def nothing(session: WriteSession, streams: Collection[str], now: datetime) -> None:
    """Let nothing follow."""
    del session, streams, now


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """What a target took: of each stream the messages from a number up to another."""

    target: str
    taken: Mapping[str, tuple[int, int]]


class Receipts:
    """The receipts of one relay."""

    def __init__(self, server: Server, taken: Taken) -> None:
        self._server, self._taken = server, taken
        self._waiting: list[Receipt] = []
        self._turn = asyncio.Lock()

    async def keep(self, receipt: Receipt) -> None:
        """Write a receipt down, with all others that came by the time its turn has come.

        Where that fails, nothing is written, and each is tried by whoever brought it.
        """
        self._waiting.append(receipt)
        try:
            async with self._turn:
                if receipt in self._waiting:
                    await self._write(list(self._waiting))
        finally:
            if receipt in self._waiting:
                self._waiting.remove(receipt)

    async def _write(self, receipts: Collection[Receipt]) -> None:
        now = self._server.clock()
        async with self._server.db.write("relay.delivered") as session:
            spans = [
                outbox.Span(receipt.target, stream, up_to, since)
                for receipt in receipts
                for stream, (since, up_to) in receipt.taken.items()
            ]
            await outbox.mark_delivered(session, spans, now=now)
            streams = {stream for receipt in receipts for stream in receipt.taken}
            await self._taken(session, streams, now)
        self._waiting = [one for one in self._waiting if one not in receipts]
