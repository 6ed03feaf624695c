"""Read the body of a request: within its route's limits of bytes and time, few at once per sender.

What is larger than 512 KiB waits on disk until all of it has come, and then has its turn: large
bodies are in memory within one budget (`turns.py`), however many are on their way or never end.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

from litestar import Request

from federation.edge.encoding import decoder_for
from federation.edge.turns import Turns
from federation.errors import RefusalError
from federation.metering.service import BatchTooLargeError
from federation.quotas import QuotaExceededError
from federation.store.messages import READ_BYTES_MAX, read_bytes

IN_MEMORY_MAX = 512 * 1024
AT_ONCE_MAX = 64  # bodies of one sender that come or are handled
LARGE_AT_ONCE_MAX = 4  # of them, those that wait on disk
IDLE_SECONDS = 10.0
_LENGTH_DIGITS_MAX = 18

HttpRequest = Request[Any, Any, Any]


class BodyTooLargeError(BatchTooLargeError):
    """The body is too large."""


class SlowBodyError(RefusalError):
    """The body did not come in time."""

    code: ClassVar[str] = "SLOW_BODY"


class TooManyBodiesError(QuotaExceededError):
    """Too many bodies of the same sender are on their way or handled at once."""


class BodyLimit(NamedTuple):
    """What a route takes: so many bytes, as sent and unpacked, within so many seconds."""

    bytes_max: int
    seconds: float


class Bodies:
    """The bodies that are on their way to one server. `folder` holds the large ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coming: Counter[tuple[str, bool]] = Counter()
        self._turns = Turns(READ_BYTES_MAX)

    @asynccontextmanager
    async def read(
        self, request: HttpRequest, sender: str, limit: BodyLimit
    ) -> AsyncGenerator[bytes]:
        """Give the whole body, unpacked, for as long as the block lasts.

        Refused are a body beyond the limit before it is held (BATCH_TOO_LARGE), one that stalls or
        takes too long (SLOW_BODY), and more at once than one sender may have
        (TOO_MANY_REQUESTS). Each counts until the block ends, so that what one sender has in
        memory and in the writer's queue is bounded too.
        """
        with (
            ExitStack() as places,
            tempfile.SpooledTemporaryFile(IN_MEMORY_MAX, dir=str(self._folder)) as file,
        ):
            size, quotes = await self._receive(request, sender, limit, file, places)
            if size <= IN_MEMORY_MAX:
                file.seek(0)
                yield file.read()
                return
            async with self._turns.take(sender, read_bytes(size, quotes)):
                yield await asyncio.to_thread(_whole, file)

    @asynccontextmanager
    async def stream(
        self, request: HttpRequest, sender: str, limit: BodyLimit
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Give a body part by part, unpacked, for what is taken as it comes; none of it is kept.

        It is refused as in `read`, as far as it was read, and counts as a large one.
        """
        with self._place(sender, is_large=False), self._place(sender, is_large=True):
            yield self._parts(request, limit)

    async def _parts(self, request: HttpRequest, limit: BodyLimit) -> AsyncIterator[bytes]:
        decoder = decoder_for(request.headers.get("content-encoding", ""))
        _require_within(limit, _announced(request))
        size = sent = 0
        async for chunk in self._chunks(request, limit):
            sent += len(chunk)
            for piece in decoder.pieces(chunk):
                size += len(piece)
                _require_within(limit, max(size, sent))
                yield piece
        decoder.end()

    async def _receive(
        self,
        request: HttpRequest,
        sender: str,
        limit: BodyLimit,
        file: IO[bytes],
        places: ExitStack,
    ) -> tuple[int, int]:
        """Write the body to the file; return its size and how many quotes are in it.

        It keeps its place in `places`, a large one its second one too.
        """
        decoder = decoder_for(request.headers.get("content-encoding", ""))
        announced = _announced(request)
        _require_within(limit, announced)
        size = sent = quotes = 0
        places.enter_context(self._place(sender, is_large=False))
        is_large = False
        async for chunk in self._chunks(request, limit):
            sent += len(chunk)
            for piece in decoder.pieces(chunk):
                size += len(piece)
                _require_within(limit, max(size, sent))
                if not is_large and max(size, announced) > IN_MEMORY_MAX:
                    places.enter_context(self._place(sender, is_large=True))
                    is_large = True
                file.write(piece)
                quotes += piece.count(b'"')
                if size > sent:
                    await asyncio.sleep(0)  # a small chunk may unpack to much
        decoder.end()
        return size, quotes

    async def _chunks(self, request: HttpRequest, limit: BodyLimit) -> AsyncIterator[bytes]:
        """Yield what comes, or refuse to wait for it any longer."""
        chunks = request.stream()
        loop = asyncio.get_running_loop()
        last = loop.time() + limit.seconds
        while True:
            wait = min(IDLE_SECONDS, last - loop.time())
            try:
                async with asyncio.timeout(wait):
                    chunk = await anext(chunks, None)
            except TimeoutError as error:
                reason = f"nothing for {IDLE_SECONDS:g} s, or not all in {limit.seconds:g} s"
                raise SlowBodyError(reason) from error
            if chunk is None:
                return
            yield chunk

    @contextmanager
    def _place(self, sender: str, *, is_large: bool) -> Iterator[None]:
        """Count a body among those of its sender."""
        key, most = (sender, is_large), LARGE_AT_ONCE_MAX if is_large else AT_ONCE_MAX
        if self._coming[key] >= most:
            what = f"{most} larger than {IN_MEMORY_MAX} bytes" if is_large else f"{most}"
            raise TooManyBodiesError(f"at most {what}")
        self._coming[key] += 1
        try:
            yield
        finally:
            self._coming[key] -= 1
            if not self._coming[key]:
                del self._coming[key]


def _announced(request: HttpRequest) -> int:
    """Return how many bytes a request says it brings; 0 where it does not say."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LENGTH_DIGITS_MAX else 0


def _require_within(limit: BodyLimit, size: int) -> None:
    if size > limit.bytes_max:
        raise BodyTooLargeError(f"at most {limit.bytes_max} bytes")


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
