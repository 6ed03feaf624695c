"""The loops beside the gate: fetch the policy, hand in the usage, tell of wrong tokens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from federation.errors import RefusalError
from federation.site.guesses import Guesses
from federation.site.policy_source import POLL_SECONDS, PolicySource
from federation.site.reporter import Reporter

REPORT_SECONDS: Final = 30.0
NOTICE_SECONDS: Final = 300.0
_log = logging.getLogger(__name__)


class Background:
    """Runs as long as the application does; starting it twice starts it once."""

    def __init__(
        self,
        source: PolicySource,
        reporter: Reporter,
        guesses: Guesses,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._reporter = reporter
        self._guesses = guesses
        self._sleep = sleep
        self._task: asyncio.Future[Any] | None = None

    def start(self) -> None:
        """Start the loops on the running event loop, unless they run."""
        if self._task is None or self._task.done():
            self._task = asyncio.gather(
                self._every(POLL_SECONDS, self._source.refresh),
                self._every(REPORT_SECONDS, self._reporter.tick),
                self._every(NOTICE_SECONDS, self._tell),
            )

    async def stop(self) -> None:
        """End the loops. What is not yet reported stays in the spool."""
        self._guesses.tell()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _tell(self) -> None:
        self._guesses.tell()

    async def _every(self, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await act()
            except RefusalError as refusal:
                _log.warning("%s: %s", refusal.code, refusal)
            except Exception:  # noqa: BLE001 - a defect in one round must not end the counting
                _log.exception("a background round failed")
            await self._sleep(seconds)
