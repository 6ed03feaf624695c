"""Whose large body is in memory next: as many at once as a budget of bytes holds.

A turn is asked for when all of a body has come, so nobody who stalls has one. It goes to the
sender that has least in memory, then to who waits longest. A body that does not fit yet may be
passed by others that do, a few times only: neither a slow handler nor many small bodies keep it
out for ever.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PASSED_MAX = 8  # bodies that may go before one that came earlier


@dataclass(eq=False, slots=True)
class _Waiting:
    """A body that waits: what it costs, and how many have passed it."""

    sender: str
    cost: int
    has_turn: asyncio.Event = field(default_factory=asyncio.Event)
    passed: int = 0


class Turns:
    """The turns of one server's large bodies within a budget of bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held: Counter[str] = Counter()  # bytes, by sender
        self._waiting: list[_Waiting] = []  # in the order in which they came

    @asynccontextmanager
    async def take(self, sender: str, cost: int) -> AsyncGenerator[None]:
        """Wait for a turn and have it for as long as the block lasts.

        What costs more than the budget has all of it, and is in memory alone.
        """
        one = _Waiting(sender, min(cost, self._budget))
        self._waiting.append(one)
        self._give()
        try:
            await one.has_turn.wait()
            yield
        finally:
            if one.has_turn.is_set():
                self._held[sender] -= one.cost
                if not self._held[sender]:
                    del self._held[sender]
            else:
                self._waiting.remove(one)
            self._give()

    def _give(self) -> None:
        """Give turns for as long as somebody who may go fits."""
        while (one := self._next()) is not None:
            self._waiting.remove(one)
            self._held[one.sender] += one.cost
            one.has_turn.set()

    def _next(self) -> _Waiting | None:
        """Return who goes next, None while nobody may; it passes those in front of it."""
        left = self._budget - self._held.total()
        in_order = sorted(self._waiting, key=lambda one: self._held[one.sender])
        for place, one in enumerate(in_order):
            if one.cost <= left:
                for other in in_order[:place]:
                    other.passed += 1
                return one
            if one.passed >= PASSED_MAX:
                return None
        return None
