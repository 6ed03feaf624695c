"""What is pulled from another server: once for all who ask, and used while it holds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from federation.errors import LaterError
from federation.messaging.peers import PeerAnswerError
from federation.signing.jose import InvalidTokenError

PULL_SECONDS: Final = 15.0  # how old a document may be before it is pulled again
PAUSE_SECONDS_MAX: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 1.0
Held = TypeVar("Held")
Ask = Callable[[Held | None], Awaitable[Held | None]]
"""Given what is held, returns what is to be held from now on; None if that did not come."""


class Pull(Generic[Held]):
    """Holds the last good answer; `monotonic` seconds time the pulls, business time its end.

    Whoever asks while a pull is under way shares it. A server that fails is asked again after 1, 2,
    4 … 60 seconds, and meanwhile nobody waits for it who can be served from what is held.
    """

    def __init__(
        self,
        ask: Ask[Held],
        is_in_force: Callable[[Held], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._holds, self._monotonic = ask, is_in_force, monotonic
        self._held: Held | None = None
        self._due = float("-inf")
        self._pause = 0.0
        self._flight: asyncio.Task[None] | None = None

    @property
    def held(self) -> Held | None:
        """Return what is held, of whatever age; nothing is pulled."""
        return self._held

    async def current(self) -> Held | None:
        """Return what is held, of whatever age, pulled again first where that is due."""
        flight = self._pull_if_due()
        if flight is not None and not (self._pause and self._is_in_force()):
            await asyncio.shield(flight)
        return self._held

    def _is_in_force(self) -> bool:
        return self._held is not None and self._holds(self._held)

    def _pull_if_due(self) -> asyncio.Task[None] | None:
        """Return the pull that is under way, begun now if one is due; None if none is."""
        if self._flight is not None and not self._flight.done():
            return self._flight
        is_over = not self._pause and not self._is_in_force()
        if not is_over and self._monotonic() < self._due:
            return None
        self._flight = asyncio.create_task(self._pull())
        return self._flight

    async def _pull(self) -> None:
        try:
            found = await self._ask(self._held)
        except (PeerAnswerError, InvalidTokenError, LaterError):
            found = None
        if found is None:
            self._pause = min(self._pause * 2 or _FIRST_PAUSE_SECONDS, PAUSE_SECONDS_MAX)
            self._due = self._monotonic() + self._pause
            return
        self._held = found
        self._pause, self._due = 0.0, self._monotonic() + PULL_SECONDS
