"""Files as NDJSON: each line an object with an id and the fields of a draft."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from federation.mandates.records import DraftRecord
from federation.registryfiles.columns import TABLES
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


class ConsentLine(DraftRecord, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of a file of consent records."""

    effective_at: _Aware | None = None
    ends_at: _Aware | None = None

    def __post_init__(self) -> None:
        require_instant("effective_at", self.effective_at)
        require_instant("ends_at", self.ends_at)


_LINES: Final[dict[FileKind, Any]] = {
    FileKind.WORKS: WorkLine,
    FileKind.RIGHTHOLDERS: RightholderLine,
    FileKind.CONSENTS: ConsentLine,
}


class NdjsonReader:
    """Reads one object a line; a line that is none is a refused row. Empty lines are no rows."""

    read_as = "NDJSON, UTF-8"

    def __init__(self, kind: FileKind) -> None:
        self._decode = msgspec.json.Decoder(_LINES[kind]).decode
        self._table = TABLES[kind]
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
        thing, since = getattr(draft, self._table.id), getattr(draft, self._table.starts_at)
        yield Row(place, thing, since, draft)
