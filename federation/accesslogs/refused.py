"""The file of lines that were refused, for the publisher to look at; without anybody's address."""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from federation.accesslogs.hits import RefusedHit
from federation.accesslogs.known import LogState
from federation.accesslogs.scrubbing import scrubbed

LISTED_MAX: Final = 100_000
"""So many lines of one log are written down; all are counted."""
_TEXT_MAX: Final = 1_000
_MODE: Final = 0o600


class RefusedLines:
    """Writes down one log's refused lines: number, fate, why, and the text.

    What was written after the state was last kept is cut off first: those lines come again.
    """

    def __init__(self, directory: Path | None, state: LogState) -> None:
        self._state = state
        self._handle: int | None = None
        self._path = None if directory is None else directory / f"{state.name}.jsonl"
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

    def add(self, number: int, refusal: RefusedHit, line: bytes) -> None:
        """Write a line down, unless there are too many."""
        if self._state.listed >= LISTED_MAX:
            return
        self._state.listed += 1
        text = scrubbed(line[: 2 * _TEXT_MAX])[:_TEXT_MAX].decode("utf-8", "replace")
        said = {
            "line": number,
            "reason": refusal.fate,
            "detail": refusal.detail,
            "text": text,
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
