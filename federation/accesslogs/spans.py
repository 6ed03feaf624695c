"""When counted lines of each format are from: a request that two formats tell counts in one only.

The formats show different fields, so that nothing in two lines says that they are one request. What
they share is the second in which it was served.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from federation.accesslogs.durable import write_whole
from federation.accesslogs.formats import Format
from federation.errors import RefusalError

FILE_NAME: Final = "formats.json"
_DAY_SECONDS: Final = 86_400
_Days = dict[int, dict[Format, tuple[int, int]]]


class FormatsMixedError(RefusalError):
    """Lines of two formats are of the same time: a request would count once in each."""

    code: ClassVar[str] = "FORMATS_MIXED"


class SpansUnreadableError(RefusalError):
    """What is known of the formats that were read cannot be read."""

    code: ClassVar[str] = "FORMATS_UNREADABLE"


class Spans:
    """The first and last second of the counted lines of each format, by UTC day.

    On one day those of two formats lie one behind the other. They are kept below a home, without
    one in memory only.
    """

    def __init__(self, home: Path | None) -> None:
        self._path = None if home is None else home / FILE_NAME
        self._days: _Days = {}
        self._is_kept = True
        if self._path is not None and self._path.exists():
            try:
                self._days = msgspec.json.decode(self._path.read_bytes(), type=_Days)
            except msgspec.MsgspecError as error:
                raise SpansUnreadableError(f"{self._path}: {error}") from error

    def take(self, written: Format, at: datetime) -> None:
        """Take a line that counts, or refuse it (FORMATS_MIXED)."""
        second = int(at.timestamp())
        day = self._days.setdefault(second // _DAY_SECONDS, {})
        first, last = day.get(written, (second, second))
        span = min(first, second), max(last, second)
        if day.get(written) == span:
            return
        for other, (begin, end) in day.items():
            if other != written and span[0] <= end and begin <= span[1]:
                raise FormatsMixedError(_mixed(written, second, other, (begin, end)))
        day[written] = span
        self._is_kept = False

    def keep(self) -> None:
        """Write down what was taken: before any of its lines is, so that no crash forgets it."""
        if self._path is not None and not self._is_kept:
            write_whole(self._path, msgspec.json.encode(self._days))
        self._is_kept = True


def _mixed(written: Format, second: int, other: Format, span: tuple[int, int]) -> str:
    return (
        f"a line of {_spelled(second)} is {written.value}, lines from {_spelled(span[0])} to"
        f" {_spelled(span[1])} that were read are {other.value}. Hand in one format; where the"
        " server has changed its own, say from when on these logs count: --since"
    )


def _spelled(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
