"""Enters the rows of files of consent records that another person confirmed, batch by batch."""

import asyncio
import contextlib

from federation.logs import get_logger
from federation.proposals import files
from federation.proposals.rules import Rules, rules_by
from federation.server import Server
from federation.store.sessions import ReadSession

IDLE_SECONDS = 30.0  # each process is woken by what it did itself
RETRY_SECONDS = 0.5
log = get_logger("consent files")


class ConsentFileWorker:
    """Moves every file on whose proposal was decided.

    What waits is in the database: after a crash it goes on with the batch that was not entered.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for a file to enter now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again."""
        while True:
            self._wake.clear()
            pause = RETRY_SECONDS
            try:
                if await self.enter_all():
                    pause = IDLE_SECONDS
            except Exception:
                log.exception("files not looked for")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def enter_all(self) -> bool:
        """Enter all that was decided, a batch of each file in turn.

        Returns False if a file could not go on: that stops no other.
        """
        failed = set[str]()
        while True:
            async with self._server.db.read() as session:
                rows = await files.decided(session, self._server.clock())
            due = [row.import_id for row in rows if row.import_id not in failed]
            if not due:
                return not failed
            for import_id in due:
                try:
                    await self._enter(import_id)
                except Exception:
                    log.exception("batch not entered", file=import_id)
                    failed.add(import_id)

    async def _enter(self, import_id: str) -> None:
        async with self._server.db.write("registry.import.enter") as session:
            await files.enter_batch(session, import_id, await self._rules(session))

    async def _rules(self, session: ReadSession) -> Rules:
        server = self._server
        return rules_by(server.code, await server.terms(session), server.clock())
