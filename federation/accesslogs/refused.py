"""The file of lines that were refused, for the publisher to look at: which, why, and their shape.

Nothing that a line says is kept: it may name a person's address or account, wherever it is torn.
"""

import os
import re
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from federation.accesslogs.hits import RefusedHit
from federation.accesslogs.known import LogState

LISTED_MAX: Final = 100_000
"""So many lines of one log are written down; all are counted."""
_DETAIL_MAX: Final = 200
_SHAPE_MAX: Final = 200
_CHARS_LOOKED_AT: Final = 1_000
_DIGITS: Final = re.compile(r"[0-9]+")
_LETTERS: Final = re.compile(r"[^ -0:-@[-`{-~]+")
"""Runs of whatever is neither space nor mark nor the zero that stands for digits."""
_MODE: Final = 0o600


class RefusedLines:
    """Writes down one log's refused lines: number, fate, why, and the shape.

    What was written after the state was last kept is cut off first: those lines come again.
    """

    def __init__(self, path: Path | None, state: LogState) -> None:
        self._state = state
        self._handle: int | None = None
        self._path = path
        self._waiting = bytearray()

    def __enter__(self) -> Self:
        """Open the file, and cut it to what is known of it."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE)
            os.ftruncate(self._handle, self._state.listed_bytes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; what was not flushed is read again some other time."""
        if self._handle is not None:
            os.close(self._handle)

    def add(self, number: int, refusal: RefusedHit, line: str) -> None:
        """Write a line down, unless there are too many."""
        if self._state.listed >= LISTED_MAX:
            return
        self._state.listed += 1
        said = {
            "line": number,
            "reason": refusal.fate,
            "detail": refusal.detail[:_DETAIL_MAX],
            "shape": shape_of(line),
        }
        self._waiting += msgspec.json.encode(said) + b"\n"

    def flush(self) -> None:
        """Put what was added on the disk, behind what is known of the file."""
        if self._handle is not None and self._waiting:
            content, place = bytes(self._waiting), self._state.listed_bytes
            while content:
                written = os.pwrite(self._handle, content, place)
                content, place = content[written:], place + written
            os.fsync(self._handle)
        self._state.listed_bytes += len(self._waiting)
        self._waiting.clear()


def shape_of(line: str) -> str:
    """Return how a line is built: `a` for letters, `0` for digits, however many; marks as they are.

    It shows which format a server writes, and where a line is torn, and says nothing of anybody.
    """
    return _LETTERS.sub("a", _DIGITS.sub("0", line[:_CHARS_LOOKED_AT]))[:_SHAPE_MAX]
