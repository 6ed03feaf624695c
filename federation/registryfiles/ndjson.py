"""Works and rightholders as NDJSON: each line an object with an id and the fields of a draft."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from federation.registryfiles.lines import Lines
from federation.registryfiles.rows import ROW_BYTES_MAX, BadRegistryFileError, FileKind, Row
from federation.rightholders.rightholder import DraftRightholder
from federation.values.plain import why_unread
from federation.values.wire import require_instant
from federation.works.work import DraftWork

_BOM: Final = b"\xef\xbb\xbf"
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class WorkLine(DraftWork, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of a file of works: a draft, its id, and from when on it is so."""

    work_id: str
    starts_at: _Aware | None = None

    def __post_init__(self) -> None:
        require_instant("starts_at", self.starts_at)


class RightholderLine(DraftRightholder, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of a file of rightholders."""

    rightholder_id: str
    starts_at: _Aware | None = None

    def __post_init__(self) -> None:
        require_instant("starts_at", self.starts_at)


class NdjsonReader:
    """Reads one object a line; a line that is none is a refused row. Empty lines are no rows."""

    read_as = "NDJSON, UTF-8"

    def __init__(self, kind: FileKind) -> None:
        line: Any = WorkLine if kind is FileKind.WORKS else RightholderLine
        self._decode = msgspec.json.Decoder(line).decode
        self._id = "work_id" if kind is FileKind.WORKS else "rightholder_id"
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterator[Row[Any]]:
        """Yield the rows that end in the next part of the file."""
        for number, line in self._lines.feed(data):
            yield from self._row(number, line)

    def end(self) -> Iterator[Row[Any]]:
        """Yield the last row where no line feed ends it."""
        for number, line in self._lines.end():
            yield from self._row(number, line)

    def _row(self, number: int, line: bytes | None) -> Iterator[Row[Any]]:
        place = f"line {number}"
        if line is None:
            yield Row(place, fault=f"longer than {ROW_BYTES_MAX} bytes")
            return
        if number == 1:
            line = line.removeprefix(_BOM)
            if line.startswith((b"\xff\xfe", b"\xfe\xff")) or line[:1] == b"[":
                raise BadRegistryFileError(place, "not NDJSON in UTF-8: one object a line")
        if not line.strip():
            return
        try:
            draft = self._decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield Row(place, fault=why_unread(line, error))
            return
        yield Row(place, getattr(draft, self._id), draft.starts_at, draft)
