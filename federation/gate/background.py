"""The rounds beside the gate: fetch policy and terms, hand in the usage, tell of wrong tokens.

Each round has a thread of its own, so that none waits for another, and the same ones serve an
application with an event loop and one without. Servers that fork their workers fork them before
the first request; the threads begin with it, in the process that answers it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from federation.access.forks import begins_anew_after_forks
from federation.access.pauses import Pause
from federation.errors import RefusalError

STOP_SECONDS_MAX: Final = 5.0
AGAIN_SECONDS_MAX: Final = 30.0  # after a round that failed: one, two, four seconds and so on
AWAITED_SECONDS_MAX: Final = 2.0  # where crawlers wait for it: for the first policy
_log = logging.getLogger(__name__)


def _nobody() -> bool:
    return False


class Round(NamedTuple):
    """What is done again and again, so many seconds after it was done; sooner where it failed.

    `is_awaited` tells that crawlers wait for it, so that it is tried again within two seconds.
    """

    seconds: float
    act: Callable[[], object]
    is_awaited: Callable[[], bool] = _nobody


class Background:
    """Runs as long as the process does; starting it twice starts it once."""

    def __init__(self, rounds: Mapping[str, Round]) -> None:
        self.rounds = rounds
        self.begin_anew()
        begins_anew_after_forks(self)

    def begin_anew(self) -> None:
        """Begin, also after a fork: no thread of the parent runs there."""
        self._turn = threading.Lock()
        self._is_begun = False
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the rounds in this process, unless they run; also after a fork of another one."""
        if self._is_begun:
            return
        with self._turn:
            if not self._is_begun:
                self._begin()
                self._is_begun = True

    def stop(self) -> None:
        """End the rounds; one that is on its way ends when it is done. Others may start them anew.

        What is not yet reported stays in the spool.
        """
        with self._turn:
            self._is_over.set()
            for thread in self._threads:
                thread.join(STOP_SECONDS_MAX)
            self._is_begun, self._threads = False, []

    def _begin(self) -> None:
        self._is_over = is_over = threading.Event()
        self._threads = [
            threading.Thread(
                target=_run, args=(each, is_over), name=f"federation-site {name}", daemon=True
            )
            for name, each in self.rounds.items()
        ]
        for thread in self._threads:
            thread.start()


def _run(each: Round, is_over: threading.Event) -> None:
    """Do one round after the other; what hinders them is said once, until it is something else."""
    said, pause = "", Pause()
    while not is_over.is_set():
        is_done = False
        try:
            each.act()
            is_done, said = True, ""
        except RefusalError as refusal:
            said = _said_once(f"{refusal.code}: {refusal}", said)
        except OSError as error:
            said = _said_once(f"{error.filename or 'the disk'}: {error.strerror or error}", said)
        except Exception:  # noqa: BLE001 - a defect in one round must not end the counting
            _log.exception("a background round failed")
        is_over.wait(_seconds_until(each, pause, is_done=is_done))


def _seconds_until(each: Round, pause: Pause, *, is_done: bool) -> float:
    """Return in how many seconds a round is done again."""
    if is_done:
        pause.reset()
        return each.seconds
    again_max = AWAITED_SECONDS_MAX if each.is_awaited() else AGAIN_SECONDS_MAX
    return pause.lengthen(0.0, at_most=min(each.seconds, again_max))


def _said_once(what: str, before: str) -> str:
    if what != before:
        _log.warning("%s", what)
    return what
