"""A stream of bytes cut into its lines. A line that is too long is dropped, not kept."""

from collections.abc import Iterator

from federation.registryfiles.rows import ROW_BYTES_MAX


class Lines:
    """Cuts what it is given at each LF. Yields (number, line without its LF).

    The line is None where it has more than 1 MiB.
    """

    def __init__(self) -> None:
        self._number = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Yield the lines that end in the next part of the stream."""
        first, *others = data.split(b"\n")
        self._keep(first)
        for part in others:
            yield self._ended()
            self._keep(part)

    def end(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the last line, if no LF ends it."""
        if self._size:
            yield self._ended()

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > ROW_BYTES_MAX:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _ended(self) -> tuple[int, bytes | None]:
        self._number += 1
        line = None if self._size > ROW_BYTES_MAX else b"".join(self._parts)
        self._parts, self._size = [], 0
        return self._number, line
