"""Which of a server's processes does its scheduled work: whoever holds the lock of its line."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from federation.logs import get_logger
from federation.store.line import Line, LineLostError

BEAT_SECONDS: Final = 1.0  # how soon another takes the lead where it is free
log = get_logger("workers")

Work = Callable[[], Awaitable[None]]


class Leading:
    """Keeps one process's line, and does the scheduled `work` while this process leads.

    `missed` is called where others may have said what nobody heard here.
    """

    def __init__(self, line: Line, work: Sequence[Work], missed: Callable[[], None]) -> None:
        self._line, self._work, self._missed = line, work, missed
        self._tasks: list[asyncio.Future[Any]] = []
        self._may_lead = True

    @property
    def leads(self) -> bool:
        """Tell whether the scheduled work is done here."""
        return bool(self._tasks)

    def resign(self) -> None:
        """Let another process lead, within `BEAT_SECONDS`: this one is about to end."""
        self._may_lead = False

    async def run(self) -> None:
        """Hold the line until cancelled; lead whenever nobody else does."""
        has_said_so = False
        while True:
            try:
                await self._line.open()
                has_said_so = False
                self._missed()
                while True:
                    await self._turn()
                    await self._line.wait(BEAT_SECONDS)
            except LineLostError as error:
                if not has_said_so:
                    log.warning("the line to the other workers is cut", reason=str(error))
                has_said_so = True
            except Exception:  # else nobody here would lead or hear any more
                log.exception("the line to the other workers failed")
            finally:
                await self._rest()  # before the lock is given up
                await self._line.close()
            await asyncio.sleep(BEAT_SECONDS)

    async def _turn(self) -> None:
        if not self._may_lead:
            if self._tasks:
                await self._rest()
                await self._line.give_lead_up()
            await self._line.beat()
        elif self._tasks:
            await self._line.beat()
        elif await self._line.take_lead():
            log.info("this worker leads: it does the scheduled work", pid=os.getpid())
            self._tasks = [asyncio.ensure_future(work()) for work in self._work]

    async def _rest(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
