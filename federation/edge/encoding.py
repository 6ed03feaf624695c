"""Undo the Content-Encoding of a body (RFC 9110 §8.4) within a limit."""

import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Protocol

from federation.errors import RefusalError
from federation.metering.service import BatchTooLargeError

# How zlib is told the format of a coding; HTTP's `deflate` is the zlib format (RFC 1950).
_WINDOW_BITS: Mapping[str, int] = MappingProxyType(
    {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
)


class BodyTooLargeError(BatchTooLargeError):
    """The body is too large."""


class BadBodyError(RefusalError):
    """The body cannot be read."""

    code: ClassVar[str] = "BAD_BODY"


class UnknownEncodingError(RefusalError):
    """A body may be sent as it is or with one Content-Encoding: gzip or deflate."""

    code: ClassVar[str] = "UNKNOWN_ENCODING"


class BodyDecoder(Protocol):
    """Takes a body in pieces and gives it whole."""

    def take(self, chunk: bytes) -> None:
        """Take the next piece; refused where the body passes the limit."""

    def whole(self) -> bytes:
        """Return the body; refused if it is not all there."""


def decoder_for(encoding: str, limit: int) -> BodyDecoder:
    """Return what undoes a Content-Encoding, to at most `limit` bytes."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return _Plain()
    if coding not in _WINDOW_BITS:
        raise UnknownEncodingError(encoding[:40])
    return _Packed(_WINDOW_BITS[coding], limit)


class _Plain:
    """A body as it is; whoever counts what is sent holds it to its limit."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        return b"".join(self._chunks)


class _Packed:
    """A packed body, of which never more than the limit is unpacked."""

    def __init__(self, window_bits: int, limit: int) -> None:
        self._unpack = zlib.decompressobj(window_bits)
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> None:
        try:
            unpacked = self._unpack.decompress(chunk, self._limit - self._size + 1)
        except zlib.error as error:
            raise BadBodyError(str(error)) from error
        self._size += len(unpacked)
        if self._size > self._limit:
            raise BodyTooLargeError(f"at most {self._limit} bytes once unpacked")
        if self._unpack.unused_data:
            raise BadBodyError("something follows the end of what is packed")
        self._chunks.append(unpacked)

    def whole(self) -> bytes:
        if not self._unpack.eof:
            raise BadBodyError("what is packed breaks off")
        return b"".join(self._chunks)
