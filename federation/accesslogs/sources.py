"""Reads a log in blocks of whole lines: a file, a compressed file, or standard input."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, cast

from federation.accesslogs.formats import LINE_BYTES_MAX
from federation.errors import RefusalError

BLOCK_BYTES: Final = 1 << 20
STDIN: Final = "-"
_GZIP_MAGIC: Final = b"\x1f\x8b"


class LogUnreadableError(RefusalError):
    """The log cannot be read."""

    code: ClassVar[str] = "LOG_UNREADABLE"


class Source:
    """One log, by the name of its file, or `-` for standard input, which is read only once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_stream = name == STDIN

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the log from a byte of the uncompressed text on, cut after line ends.

        A line too long to be held comes in pieces, of which only the last ends a line; so does
        what stands after the last line end.
        """
        try:
            with self._open() as file:
                if start:
                    file.seek(start)
                yield from _cut_after_lines(file)
        except (OSError, EOFError, zlib.error) as error:
            raise LogUnreadableError(f"{self.name}: {error}") from error

    def pieces(self, bytes_max: int) -> Iterator[bytes]:
        """Yield the first so many bytes of the log, as many as there are."""
        try:
            with self._open() as file:
                while bytes_max and (piece := file.read(min(BLOCK_BYTES, bytes_max))):
                    bytes_max -= len(piece)
                    yield piece
        except (OSError, EOFError, zlib.error) as error:
            raise LogUnreadableError(f"{self.name}: {error}") from error

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with ExitStack() as opened:
            if self.is_stream:
                file = cast("io.BufferedReader", sys.stdin.buffer)
            else:
                file = opened.enter_context(Path(self.name).open("rb"))
            if file.peek(2)[:2] != _GZIP_MAGIC:
                yield file
            else:
                packed = opened.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))
                yield cast("BinaryIO", packed)


def _cut_after_lines(file: BinaryIO) -> Iterator[bytes]:
    left = b""
    while chunk := file.read(BLOCK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield left + chunk[:end]
            left = chunk[end:]
        else:
            left += chunk
            if len(left) > LINE_BYTES_MAX:
                yield left
                left = b""
    if left:
        yield left
