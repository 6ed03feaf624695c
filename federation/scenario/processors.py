"""On which processor a process runs that is a whole federation."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_STATISTICS = Path("/proc/stat")
_LOOK_SECONDS = 0.1  # ten ticks of the clock that the statistics count in
_IDLE, _WAITING = 3, 4  # fields after the processor's name


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    """Keep this thread and those it starts on the idlest processor it may use, on Linux.

    An interpreter runs one thread at a time. With a thread for each database, on two processors
    each statement wakes the other one up to wait for the interpreter: a third of a run's time.
    """
    if sys.platform != "linux":
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_idlest(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _idlest(processors: set[int]) -> int:
    before = _idle_ticks()
    time.sleep(_LOOK_SECONDS)
    after = _idle_ticks()
    return min(processors, key=lambda each: (before.get(each, 0) - after.get(each, 0), each))


def _idle_ticks() -> dict[int, int]:
    """Return {processor: ticks it had nothing to do}; nothing where that is not told."""
    try:
        lines = _STATISTICS.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    found: dict[int, int] = {}
    for line in lines:
        name, *ticks = line.split() or [""]
        if name.startswith("cpu") and name[3:].isdigit() and len(ticks) > _WAITING:
            found[int(name[3:])] = int(ticks[_IDLE]) + int(ticks[_WAITING])
    return found
