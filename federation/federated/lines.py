"""What is known of a node that is asked: whether it answers, how soon, and what it was sent."""

import asyncio
import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

FAILURES_MAX: Final = 5
FAILURES_WITHIN: Final = 10.0
LEFT_ALONE: Final = 5.0  # seconds
AT_ONCE_MAX: Final = 6
"""Requests to one node at once, each over a connection kept for questions."""
TIMED_MAX: Final = 200  # answers of a node whose times are remembered
TIMED_MIN: Final = 20  # with fewer nobody knows what is slow
HEDGED_PERCENT: Final = 5
HEDGE_SECONDS_MIN: Final = 0.01
KNOWN_MAX: Final = 250  # documents that a node is taken to have


@dataclass(slots=True)
class Line:
    """What is known of one node: its failures, its times, and what is asked of it now."""

    failures: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES_MAX))
    closed_until: float = 0.0
    is_probed: bool = False
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=TIMED_MAX))
    asked: int = 0
    hedged: int = 0
    known: OrderedDict[str, None] = field(default_factory=OrderedDict)  # ids of documents
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))

    def keep(self, name: str) -> None:
        """Remember that the node was sent a document, among those asked last."""
        self.known[name] = None
        if len(self.known) > KNOWN_MAX:
            self.known.popitem(last=False)

    def opens(self, now: float) -> bool:
        """Tell whether the node may be asked: also once, to see how it is, when it was left alone.

        Whoever is told so of a node that was left alone is the one who tries it.
        """
        if len(self.failures) < FAILURES_MAX:
            return True
        if now < self.closed_until or self.is_probed:
            return False
        self.is_probed = True
        return True

    def failed(self, now: float) -> None:
        """Count a failure; the fifth within ten seconds, or one of a probe, closes the line."""
        self.failures.append(now)
        is_many = len(self.failures) == FAILURES_MAX
        if self.is_probed or (is_many and now - self.failures[0] <= FAILURES_WITHIN):
            self.closed_until = now + LEFT_ALONE
        elif is_many:
            self.failures.popleft()
        self.is_probed = False

    def answered(self, seconds: float) -> None:
        """Forget the failures, remember how long it took."""
        self.failures.clear()
        self.is_probed = False
        self.seconds.append(seconds)

    def forgo(self) -> None:
        """Learn nothing: whoever asked went away, or the node was not given the time."""
        self.is_probed = False

    def patience(self) -> float | None:
        """Return after how many seconds a second request may be sent, None for never."""
        if len(self.seconds) < TIMED_MIN or self.hedged * 100 >= self.asked * HEDGED_PERCENT:
            return None
        times = sorted(self.seconds)
        return max(HEDGE_SECONDS_MIN, times[math.ceil(len(times) * 0.95) - 1])
