"""Business time: every instant that is recorded, signed or compared with a date.

Waits, leases and deadlines use monotonic time instead (`time.monotonic`), so that moving the
business clock never makes a relay hurry. Only composition roots choose a clock.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that may


class SettableClock:
    """A clock that stands where it was put; scenarios and tests move it."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        """Return the instant the clock stands at."""
        return self.instant


class FileClock:
    """A clock that stands at the RFC 3339 instant a file holds.

    It lets a scenario run move servers that are processes of their own. The file is named on the
    command line of the process; no header, endpoint or variable reaches it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int], datetime] | None = None

    def __call__(self) -> datetime:
        """Return the instant in the file, which is read again where another one is there."""
        found = self._path.stat()
        version = (found.st_ino, found.st_mtime_ns)
        if self._read is None or self._read[0] != version:
            text = self._path.read_bytes().decode()
            self._read = version, datetime.fromisoformat(text.strip()).astimezone(UTC)
        return self._read[1]


def today(clock: Clock) -> date:
    """Return the UTC day the clock stands at."""
    return clock().astimezone(UTC).date()
