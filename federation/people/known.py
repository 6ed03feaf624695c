"""What a server remembers of who may do what: not for long, and never past a change made here.

A change by this process is heard at its commit, one by another process is seen after at most
`SECONDS`; so what a person lost is refused with the next request, or seconds later elsewhere.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

SECONDS = 3.0
PEOPLE_MAX = 4_096


class Standing(NamedTuple):
    """What somebody may do now, and for whom: a stranger, and who left, holds no role.

    Tokens that were signed in the second `tokens_until` or before count no more.
    """

    roles: frozenset[str] = frozenset()
    party: str | None = None
    tokens_until: int = 0


class Asked(NamedTuple):
    """When the directory was asked: by the clock of waits, and after how many changes here."""

    at: float
    changes: int


class Known:
    """The standings looked up last, at most 4,096; those used longest ago give way."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changes = 0
        self._kept: OrderedDict[str, tuple[Standing, Asked]] = OrderedDict()

    def find(self, subject: str) -> Standing | None:
        """Return what somebody may do, None if that has to be asked of the directory."""
        found = self._kept.get(subject)
        if found is None or self._monotonic() - found[1].at >= SECONDS:
            return None
        self._kept.move_to_end(subject)
        return found[0]

    def asking(self) -> Asked:
        """Say that the directory is about to be asked, so that an old answer is not kept."""
        return Asked(self._monotonic(), self._changes)

    def keep(self, subject: str, standing: Standing, asked: Asked) -> None:
        """Remember an answer, unless the directory has changed since it was asked."""
        if asked.changes != self._changes:
            return
        self._kept[subject] = (standing, asked)
        self._kept.move_to_end(subject)
        if len(self._kept) > PEOPLE_MAX:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Forget everybody: somebody may do something else from now on."""
        self._changes += 1
        self._kept.clear()
