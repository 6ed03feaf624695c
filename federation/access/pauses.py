"""How long a program waits before it asks again what it asked in vain."""

from typing import Final

DELAY_SECONDS_MAX: Final = 300.0
_FIRST_DELAY_SECONDS: Final = 1.0


class Pause:
    """A capped, doubling back-off by monotonic time."""

    def __init__(self) -> None:
        self._delay_seconds = 0.0
        self._until = float("-inf")

    def is_over(self, now: float) -> bool:
        """Tell whether another attempt is due."""
        return now >= self._until

    def lengthen(
        self, now: float, at_least: float = 0.0, at_most: float = DELAY_SECONDS_MAX
    ) -> float:
        """Wait twice as long as the last time, within what is asked; return for how long."""
        doubled = self._delay_seconds * 2 or _FIRST_DELAY_SECONDS
        self._delay_seconds = min(max(doubled, at_least), at_most)
        self._until = now + self._delay_seconds
        return self._delay_seconds

    def reset(self) -> None:
        """Start over: the last attempt succeeded."""
        self._delay_seconds = 0.0
        self._until = float("-inf")
