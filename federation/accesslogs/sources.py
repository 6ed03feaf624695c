"""Reads a log in blocks of whole lines: a file, a compressed file, or standard input."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, ClassVar, Final, cast

from federation.accesslogs.formats import LINE_CHARS_MAX
from federation.errors import RefusalError

BLOCK_BYTES: Final = 1 << 20
STDIN: Final = "-"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_READ_ERRORS: Final = (OSError, EOFError, zlib.error)


class LogUnreadableError(RefusalError):
    """The log cannot be read."""

    code: ClassVar[str] = "LOG_UNREADABLE"


class Log:
    """An open log. `is_stream` says that it can be read only once."""

    def __init__(self, name: str, file: BinaryIO, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        self._name = name
        self._file = file

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the log from a byte of the uncompressed text on, cut after line ends.

        A line too long to be held comes in pieces, of which only the last ends a line; so does
        what stands after the last line end.
        """
        try:
            if not self.is_stream:
                self._file.seek(start)
            yield from _cut_after_lines(self._file)
        except _READ_ERRORS as error:
            raise LogUnreadableError(f"{self._name}: {error}") from error

    def pieces(self, bytes_max: int) -> Iterator[bytes]:
        """Yield the first so many bytes of the log, as many as there are."""
        try:
            self._file.seek(0)
            while bytes_max and (piece := self._file.read(min(BLOCK_BYTES, bytes_max))):
                bytes_max -= len(piece)
                yield piece
        except _READ_ERRORS as error:
            raise LogUnreadableError(f"{self._name}: {error}") from error


@contextmanager
def opened(name: str) -> Iterator[Log]:
    """Open a log by the name of its file, packed or not, or `-` for standard input."""
    with ExitStack() as held:
        try:
            where = sys.stdin.fileno() if name == STDIN else name
            plain = held.enter_context(open(where, "rb", closefd=name != STDIN))
            is_packed = plain.peek(2)[:2] == _GZIP_MAGIC
        except OSError as error:
            raise LogUnreadableError(f"{name}: {error.strerror}") from error
        file: BinaryIO = plain
        if is_packed:
            file = cast("BinaryIO", held.enter_context(gzip.GzipFile(fileobj=plain, mode="rb")))
        yield Log(name, file, is_stream=name == STDIN or not plain.seekable())


def _cut_after_lines(file: BinaryIO) -> Iterator[bytes]:
    left = b""
    while chunk := file.read(BLOCK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield left + chunk[:end]
            left = chunk[end:]
        else:
            left += chunk
            if len(left) > LINE_CHARS_MAX:
                yield left
                left = b""
    if left:
        yield left
