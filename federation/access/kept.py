"""Something that ends and is fetched anew before it does: one request at a time, in no hurry."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, Generic, NamedTuple, TypeVar

from federation.access.pauses import Pause
from federation.errors import LaterError, RefusalError

T = TypeVar("T")
_USED_PART_MAX: Final = 5 / 6  # of a life, after which the next one is fetched
_JITTER_PART: Final = 1 / 6  # or so much earlier, so that not all who began together ask together
DOUBT_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class Fresh(NamedTuple, Generic[T]):
    """What was fetched, and how many seconds it lives."""

    value: T
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """What time it is and how chance falls: by monotonic seconds, and from 0 to 1."""

    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T = field(repr=False)
    fetched_at: float
    renew_at: float
    ends_at: float


class Kept(Generic[T]):
    """Holds the present one of something that `get` fetches.

    A refusal of one of the classes `over` ends what is held as well: there will be no next one, or
    nobody takes the last. After any other the last one serves as long as it lives.
    """

    def __init__(
        self,
        get: Callable[[], Awaitable[Fresh[T]]],
        *,
        what: str,
        over: tuple[type[RefusalError], ...] = (),
        pace: Pace | None = None,
    ) -> None:
        self._get = get
        self._what = what
        self._over = over
        self._pace = pace or Pace()
        self._pause = Pause()
        self._turn = asyncio.Lock()
        self._held: _Held[T] | None = None
        self._last: RefusalError | None = None

    async def current(self) -> T:
        """Return one that has not ended; near its end fetch the next one.

        Whoever asks while it is fetched gets the one held while that lives, and waits for that one
        request where there is none. After one in vain there is a pause, in which the same refusal
        is raised without asking again.
        """
        held = self._held
        if self._turn.locked() and held is not None and self._pace.monotonic() < held.ends_at:
            return held.value
        async with self._turn:
            now = self._pace.monotonic()
            if self._held is not None and now >= self._held.ends_at:
                self._held = None
            if self._held is None or now >= self._held.renew_at:
                await self._renew(now)
            if self._held is None:
                assert self._last is not None  # noqa: S101 - else something was fetched
                raise self._last.with_traceback(None)
            return self._held.value

    def refused(self) -> None:
        """Fetch another one when it is asked for next: this one is not taken any more."""
        self._held = None

    def doubt(self) -> None:
        """Fetch the next one early: somebody who might be wrong did not take this one.

        One of the last minute stays, so that whoever takes none causes one request a minute.
        """
        held, now = self._held, self._pace.monotonic()
        if held is not None and now >= held.fetched_at + DOUBT_SECONDS:
            self._held = replace(held, renew_at=now)

    async def _renew(self, now: float) -> None:
        """Put the next one in the place of the one held, if it is time and there is one."""
        if not self._pause.is_over(now):
            return
        try:
            value, seconds = await self._get()
        except RefusalError as refusal:
            asked = refusal.retry_after if isinstance(refusal, LaterError) else 0
            self._pause.lengthen(now, asked)
            self._last = refusal
            if isinstance(refusal, self._over):
                self._held = None
            _log.warning("no %s: %s: %s", self._what, refusal.code, refusal)
            return
        self._pause.reset()
        used = _USED_PART_MAX - _JITTER_PART * self._pace.chance()
        self._held = _Held(value, now, now + seconds * used, now + seconds)
