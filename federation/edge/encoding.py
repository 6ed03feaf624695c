"""Undo the Content-Encoding of a body (RFC 9110 §8.4), a piece at a time."""

import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Protocol

from federation.errors import RefusalError

PIECE_BYTES = 256 * 1024

# How zlib is told the format of a coding; HTTP's `deflate` is the zlib format (RFC 1950).
_WINDOW_BITS: Mapping[str, int] = MappingProxyType(
    {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
)


class BadBodyError(RefusalError):
    """The body cannot be read."""

    code: ClassVar[str] = "BAD_BODY"


class UnknownEncodingError(RefusalError):
    """A body may be sent as it is or with one Content-Encoding: gzip or deflate."""

    code: ClassVar[str] = "UNKNOWN_ENCODING"


class BodyDecoder(Protocol):
    """Takes a body in pieces as it is sent, and gives it in pieces as it was before."""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the next chunk comes to, at most 256 KiB at a time."""
        ...

    def end(self) -> None:
        """Refuse a body that is not all there."""


def decoder_for(encoding: str) -> BodyDecoder:
    """Return what undoes a Content-Encoding."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return _Plain()
    if coding not in _WINDOW_BITS:
        raise UnknownEncodingError(encoding[:40])
    return _Packed(_WINDOW_BITS[coding])


class _Plain:
    """A body as it is."""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def end(self) -> None:
        """Nothing says how long it was to be but Content-Length, which the server counts."""


class _Packed:
    """A packed body: who takes its pieces may stop at any of them."""

    def __init__(self, window_bits: int) -> None:
        self._unpack = zlib.decompressobj(window_bits)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            try:
                piece = self._unpack.decompress(chunk, PIECE_BYTES)
            except zlib.error as error:
                raise BadBodyError(str(error)) from error
            if self._unpack.unused_data:
                raise BadBodyError("something follows the end of what is packed")
            chunk = self._unpack.unconsumed_tail
            yield piece

    def end(self) -> None:
        if not self._unpack.eof:
            raise BadBodyError("what is packed breaks off")
