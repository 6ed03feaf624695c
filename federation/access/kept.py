"""Something that ends and is fetched anew before it does: one request at a time, in no hurry.

Threads may share one. An event loop asks through `Awaited`, which waits in a thread.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Generic, NamedTuple, TypeVar

from federation.access.forks import begins_anew_after_forks
from federation.access.pauses import DELAY_SECONDS_MAX, Pause
from federation.access.wire import UnreachableError
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
    """What time it is and how chance falls: by monotonic seconds, and from 0 to 1.

    After a server that did not answer it is asked again in so many seconds at most
    (`unanswered_max`); whoever asks in rounds has pauses of its own and needs none here.
    """

    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    unanswered_max: float = DELAY_SECONDS_MAX


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
        get: Callable[[], Fresh[T]],
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
        self._held: _Held[T] | None = None
        self._last: RefusalError | None = None
        self.begin_anew()
        begins_anew_after_forks(self)

    def begin_anew(self) -> None:
        """Begin, also after a fork: what is held is good there too, and nobody is fetching one."""
        self._turn = threading.Lock()

    def current(self) -> T:
        """Return one that has not ended; near its end fetch the next one, and wait for it.

        Whoever asks while it is fetched gets the one held while that lives, and waits for that one
        request where there is none. After one in vain there is a pause, in which the same refusal
        is raised without asking again.
        """
        held = self._held
        if self._turn.locked() and held is not None and self._pace.monotonic() < held.ends_at:
            return held.value
        with self._turn:
            now, held = self._pace.monotonic(), self._held
            if held is not None and now >= held.ends_at:
                self._held = held = None
            if held is None or now >= held.renew_at:
                held = self._renewed(held, now)
            if held is None:
                assert self._last is not None  # noqa: S101 - else something was fetched
                raise self._last.with_traceback(None)
            return held.value

    def found(self, *, is_asked_for: bool = False) -> T | None:
        """Return the one held until it is time to fetch one; while that is done, to its end."""
        held, now = self._held, self._pace.monotonic()
        if held is None or now >= (held.ends_at if is_asked_for else held.renew_at):
            return None
        return held.value

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

    def _renewed(self, held: _Held[T] | None, now: float) -> _Held[T] | None:
        """Put the next one in the place of the one held, if it is time and there is one."""
        if not self._pause.is_over(now):
            return held
        try:
            value, seconds = self._get()
        except RefusalError as refusal:
            asked = refusal.retry_after if isinstance(refusal, LaterError) else 0
            is_unanswered = isinstance(refusal, UnreachableError)
            most = self._pace.unanswered_max if is_unanswered else DELAY_SECONDS_MAX
            self._pause.lengthen(now, asked, most)
            self._last = refusal
            if isinstance(refusal, self._over):
                self._held = held = None
            _log.warning("no %s: %s: %s", self._what, refusal.code, refusal)
            return held
        self._pause.reset()
        used = _USED_PART_MAX - _JITTER_PART * self._pace.chance()
        self._held = _Held(value, now, now + seconds * used, now + seconds)
        return self._held


class Awaited(Generic[T]):
    """What is kept, for programs with an event loop: one thread asks, all who wait await it."""

    def __init__(self, kept: Kept[T]) -> None:
        self._kept = kept
        self._asking: asyncio.Future[T] | None = None

    async def current(self) -> T:
        """Return what `Kept.current` does; nothing else of the loop waits meanwhile."""
        loop, asking = asyncio.get_running_loop(), self._asking
        if asking is not None and (asking.done() or asking.get_loop() is not loop):
            asking = None
        found = self._kept.found(is_asked_for=asking is not None)
        if found is not None:
            return found
        if asking is None:
            self._asking = asking = loop.run_in_executor(None, self._kept.current)
            asking.add_done_callback(_is_heard)
        return await asyncio.shield(asking)


def _is_heard(asking: "asyncio.Future[T]") -> None:
    """Take note of a refusal for which nobody waits any more."""
    if not asking.cancelled():
        asking.exception()
