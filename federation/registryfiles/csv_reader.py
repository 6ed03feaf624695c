r"""Registry files as CSV: RFC 4180, and what spreadsheets write where it has one meaning.

The first line names the columns, in any order (`columns.py`). Cells are parted by what parts the
names there: `,`, `;` or a tab. The text is UTF-8. A file that is ASCII up to a line that is no
UTF-8 is read as Windows-1252 from there on; where a line could be either, the row is refused.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from federation.errors import RefusalError
from federation.registryfiles.columns import TABLES, Read, as_written
from federation.registryfiles.lines import Lines
from federation.registryfiles.rows import ROW_BYTES_MAX, BadRegistryFileError, FileKind, Row
from federation.tabular import parse_instant

_BOM: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ASCII, _UTF_8, _WINDOWS = "ASCII", "UTF-8", "Windows-1252"
_HINT: Final = "a quote in a cell is written twice, and the cell is put in quotes"


class _BadRowError(ValueError):
    """A row that cannot be read; the text says why."""


class CsvReader:
    """Reads a table of one kind; see the module for what is read."""

    def __init__(self, kind: FileKind) -> None:
        self._table = TABLES[kind]
        self._lines = Lines()
        self._text = _Text()
        self._columns: list[tuple[int, str, Read]] | None = None
        self._width = self._id = 0
        self._starts_at: int | None = None
        self._separator = ","
        self._records = _Records(",")

    @property
    def read_as(self) -> str:
        """What parts the cells, and how the text is encoded as far as it was read."""
        return f"CSV, {_SEPARATORS[self._separator]}, {self._text.encoding}"

    def feed(self, data: bytes) -> Iterator[Row[Any]]:
        """Yield the rows that end in the next part of the file."""
        for number, line in self._lines.feed(data):
            yield from self._line(number, line)

    def end(self) -> Iterator[Row[Any]]:
        """Yield the last row; a file without a header, or that ends within quotes, is refused."""
        for number, line in self._lines.end():
            yield from self._line(number, line)
        if self._columns is None:
            raise BadRegistryFileError("line 1", "no header row")
        self._records.require_closed()

    def _line(self, number: int, line: bytes | None) -> Iterator[Row[Any]]:
        if line is None:
            if self._columns is None:
                raise BadRegistryFileError(f"line {number}", "no header row")
            self._records.require_closed()
            yield Row(f"line {number}", fault=f"longer than {ROW_BYTES_MAX} bytes")
            return
        try:
            text = self._text.read(number, line)
            if self._columns is None:
                self._read_header(text)
                return
            record = self._records.take(number, text)
            if record is None:
                return
            number, cells = record
            yield self._row(f"line {number}", cells)
        except _BadRowError as error:
            self._records.require_closed()
            yield Row(f"line {number}", fault=str(error))

    def _row(self, place: str, cells: Sequence[str]) -> Row[Any]:
        if len(cells) != self._width:
            raise _BadRowError(f"{len(cells)} cells instead of {self._width}")
        fields: dict[str, Any] = {}
        thing, column = as_written(cells[self._id]), ""
        try:
            for at, column, read in self._columns or ():
                cell = cells[at]
                if cell:
                    fields[column] = read(as_written(cell))
            column = self._table.starts_at
            written = "" if self._starts_at is None else cells[self._starts_at]
            starts_at = parse_instant(written) if written else None
        except (ValueError, RefusalError) as error:
            return Row(place, thing, fault=f"{column}: {error}")
        for column in self._table.required:
            fields.setdefault(column, "")
        try:
            return Row(place, thing, starts_at, self._table.draft(thing, fields))
        except ValueError as error:
            return Row(place, thing, fault=str(error))

    def _read_header(self, text: str) -> None:
        """Learn the columns: what parts them is what gives known names only."""
        table, known = self._table, set(self._table.header)
        names: list[str] = []
        for separator in _SEPARATORS:
            names = [name.strip().strip('"').strip() for name in text.split(separator)]
            if known.issuperset(names):
                self._separator = separator
                break
        else:
            comma = [name.strip().strip('"').strip() for name in re.split("[,;\t]", text)]
            unknown = [name[:40] or "(empty)" for name in comma if name not in known][:5]
            if "\r" in text:
                raise BadRegistryFileError("line 1", "lines end with CR alone: LF or CR LF is read")
            raise BadRegistryFileError("line 1", f"unknown columns: {', '.join(unknown)}")
        for name in (table.id, *table.required):
            if name not in names:
                raise BadRegistryFileError("line 1", f"missing column: {name}")
        for name in names:
            if names.count(name) > 1:
                raise BadRegistryFileError("line 1", f"column {name} is there twice")
        columns, since = table.columns, table.starts_at
        self._columns = [(at, n, columns[n]) for at, n in enumerate(names) if n in columns]
        self._width, self._id = len(names), names.index(table.id)
        self._starts_at = names.index(since) if since in names else None
        self._records = _Records(self._separator)


class _Text:
    """Turns lines of bytes into text, and finds out how they are encoded."""

    def __init__(self) -> None:
        self.encoding = _ASCII

    def read(self, number: int, line: bytes) -> str:
        if number == 1:
            if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in line:
                raise BadRegistryFileError("line 1", "UTF-16 is not read: save the file as UTF-8")
            if line.startswith(_BOM):
                line, self.encoding = line[len(_BOM) :], _UTF_8
        line = line.removesuffix(b"\r")
        if line.isascii():
            return line.decode("ascii")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            return self._windows(line, error)
        if self.encoding == _WINDOWS:
            raise _BadRowError("UTF-8, while lines before are Windows-1252")
        self.encoding = _UTF_8
        return text

    def _windows(self, line: bytes, error: UnicodeDecodeError) -> str:
        if self.encoding == _UTF_8:
            raise _BadRowError(f"byte {error.start + 1} is no UTF-8, while lines before are")
        try:
            text = line.decode("cp1252")
        except UnicodeDecodeError as wrong:
            reason = f"byte {wrong.start + 1} is neither UTF-8 nor Windows-1252"
            raise _BadRowError(reason) from wrong
        self.encoding = _WINDOWS
        return text


class _Records:
    """Puts lines together to records: a line break in quotes is part of a cell."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        mark = re.escape(separator)
        # Whole cells, then what is left of the line: it must open a cell in quotes, or be none.
        self._whole = re.compile(f'(?:(?:"(?:[^"]|"")*+"|[^"{mark}]*+){mark})*+')
        self._begun: list[str] = []
        self._first = self._size = 0

    def take(self, number: int, line: str) -> tuple[int, list[str]] | None:
        """Return the record that ends with a line, and the number of its first line."""
        if self._begun:
            return self._go_on(line)
        if '"' not in line:
            # Spreadsheets write rows without content as separators alone.
            is_blank = not line.strip(self._separator)
            return None if is_blank else (number, line.split(self._separator))
        if line.count('"') % 2:
            found = self._whole.match(line)
            rest = line[found.end() if found else 0 :]
            if not rest.startswith('"'):
                raise _BadRowError(f"a quote within a cell: {_HINT}")
            self._begun, self._first, self._size = [line], number, len(line)
            return None
        return number, self._cells(line)

    def require_closed(self) -> None:
        if self._begun:
            raise BadRegistryFileError(
                f"line {self._first}", "a quote is opened, and what follows breaks off"
            )

    def _go_on(self, line: str) -> tuple[int, list[str]] | None:
        self._begun.append(line)
        self._size += len(line) + 1
        if self._size > ROW_BYTES_MAX:
            reason = f"a quote is opened and not closed within {ROW_BYTES_MAX} characters"
            raise BadRegistryFileError(f"line {self._first}", reason)
        if line.count('"') % 2 == 0:
            return None
        text, self._begun = "\n".join(self._begun), []
        try:
            return self._first, self._cells(text)
        except _BadRowError as error:
            raise BadRegistryFileError(f"line {self._first}", str(error)) from error

    def _cells(self, text: str) -> list[str]:
        try:
            [cells] = csv.reader([text], delimiter=self._separator, strict=True)
        except (csv.Error, ValueError) as error:
            raise _BadRowError(f"no row of cells: {error}; {_HINT}") from error
        if any('"' in cell for cell in cells) and not self._is_written_right(text):
            raise _BadRowError(f"a quote within a cell: {_HINT}")
        return cells

    def _is_written_right(self, text: str) -> bool:
        return self._whole.fullmatch(text + self._separator) is not None
