"""A file on its way in: unpacked, compared with what was taken of it before, read into rows; pure.

Whatever parts a file comes in, it is read in blocks of 64 KiB: so the same file breaks into the
same batches each time it is sent, and the digest of what was taken is that of whole blocks.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final, NamedTuple

from federation.errors import RefusalError
from federation.registryfiles.rows import BadRegistryFileError, Reader, Row

BLOCK_BYTES: Final = 64 * 1024
BATCH_ROWS_MAX: Final = 2_000
BATCH_BYTES_MAX: Final = 2 * 1024 * 1024
FILE_BYTES_MAX: Final = 8 * 1024**3
TURN_ROWS: Final = 10
"""After so many rows others have their turn: the batch that is being written meanwhile goes on at
once when its database answers, and its short statements do not use up what there is to read."""
_GZIP: Final = b"\x1f\x8b"


class OtherFileError(RefusalError):
    """The import with this id was begun with another file, or asked for otherwise."""

    code: ClassVar[str] = "OTHER_FILE"


class Taken(NamedTuple):
    """How far a file was taken: rows, bytes, and the SHA-256 of those bytes."""

    rows: int
    size: int
    digest: str


NOTHING: Final = Taken(0, 0, hashlib.sha256().hexdigest())


class Unpacked:
    """Bytes as they are, or unpacked where the first two say gzip."""

    def __init__(self) -> None:
        self._head = b""
        self._is_known = False
        self._unpack: Any = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next part of a file comes to, at most 64 KiB at a time."""
        if not self._is_known:
            data = self._head = self._head + data
            if len(data) < len(_GZIP):
                return
            self._is_known = True
            self._unpack = _gunzip() if data.startswith(_GZIP) else None
        if self._unpack is None:
            for start in range(0, len(data), BLOCK_BYTES):
                yield data[start : start + BLOCK_BYTES]
            return
        while data:
            if self._unpack.eof:
                self._unpack = _gunzip()  # files put one behind the other are one file
            try:
                yield self._unpack.decompress(data, BLOCK_BYTES)
            except zlib.error as error:
                raise BadRegistryFileError("gzip", str(error)) from error
            data = self._unpack.unconsumed_tail or self._unpack.unused_data

    def end(self) -> Iterator[bytes]:
        """Yield what is left; a packed file that breaks off is refused."""
        if not self._is_known and self._head:
            yield self._head
        if self._unpack is not None and not self._unpack.eof:
            raise BadRegistryFileError("gzip", "what is packed breaks off")


class Intake:
    """Reads a file into `waiting` rows: those that were taken before are left out unless `anew`.

    `prepare` makes of each row what is kept of it until its batch is taken.
    """

    def __init__(
        self,
        reader: Reader[Any],
        before: Taken,
        prepare: Callable[[Row[Any]], Any],
        *,
        anew: bool = False,
    ) -> None:
        self.waiting: list[Any] = []
        self.rows = self.size = 0
        self._reader = reader
        self._prepare = prepare
        self._before = before
        self._skipped = 0 if anew else before.rows
        self._digest = hashlib.sha256()
        self._block = bytearray()
        self._since_batch = 0
        self._is_same = before.size == 0

    @property
    def read_as(self) -> str:
        """Say how the file is read, as far as that is known."""
        return self._reader.read_as

    @property
    def is_full(self) -> bool:
        """Tell whether the rows that wait are a batch."""
        many = len(self.waiting) >= BATCH_ROWS_MAX
        return bool(self.waiting) and (many or self._since_batch >= BATCH_BYTES_MAX)

    def feed(self, data: bytes) -> Iterator[None]:
        """Read the next part of the file (BAD_REGISTRY_FILE, OTHER_FILE); yield where others may.

        No batch is taken before all of the part is read.
        """
        self._block += data
        while len(self._block) >= BLOCK_BYTES:
            block = bytes(self._block[:BLOCK_BYTES])
            del self._block[:BLOCK_BYTES]
            yield from self._read(block)

    def end(self) -> Iterator[None]:
        """Read to the end of the file; one that is shorter than what was taken is another one."""
        yield from self._read(bytes(self._block))
        self.require_same()
        yield from self._keep(self._reader.end())

    def require_same(self) -> None:
        """Refuse a file that ends, or breaks off, before what was taken of it (OTHER_FILE)."""
        if not self._is_same:
            raise OtherFileError(f"{self.size} bytes, of which {self._before.size} were taken")

    @property
    def taken(self) -> Taken:
        """Say how far the file is taken, once the rows given out are."""
        return Taken(self.rows - len(self.waiting), self.size, self._digest.hexdigest())

    def batch(self) -> tuple[list[Any], Taken]:
        """Return the rows of the next batch, and how far the file is taken with them."""
        rows, self.waiting = self.waiting[:BATCH_ROWS_MAX], self.waiting[BATCH_ROWS_MAX:]
        self._since_batch = 0
        return rows, self.taken

    def _read(self, block: bytes) -> Iterator[None]:
        self._digest.update(block)
        self.size += len(block)
        self._since_batch += len(block)
        if self.size > FILE_BYTES_MAX:
            raise BadRegistryFileError(f"byte {FILE_BYTES_MAX}", "the file goes on behind it")
        if not self._is_same and self.size >= self._before.size:
            self._is_same = self._digest.hexdigest() == self._before.digest
            if not self._is_same:
                raise OtherFileError(f"the first {self._before.size} bytes are others")
        yield from self._keep(self._reader.feed(block))
        if self.rows > self._before.rows and not self._is_same:
            raise OtherFileError(f"row {self._before.rows} stands elsewhere")

    def _keep(self, rows: Iterator[Row[Any]]) -> Iterator[None]:
        for row in rows:
            self.rows += 1
            if self.rows > self._skipped:
                self.waiting.append(self._prepare(row))
            if self.rows % TURN_ROWS == 0:
                yield
        yield  # others have their turn also where few rows come of much: a part may unpack to a lot


def _gunzip() -> Any:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)
