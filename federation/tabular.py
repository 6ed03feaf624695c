"""Read a CSV file strictly: RFC 4180, UTF-8, a header row, and every error with its place."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar, TypeVar

from federation.errors import RefusalError

ROWS_MAX = 2_000_000
ERRORS_SHOWN = 100
FIELD_LENGTH_MAX = 16_384

_SEPARATORS = {";": "semicolons", "\t": "tabs"}

Value = TypeVar("Value")

# Spreadsheets take a cell for a formula by its first character; wide forms are read like the
# narrow ones. A decimal number is none, whatever its sign.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong: the line of the file (the header is line 1), the column, the reason."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}"


class BadTableError(RefusalError):
    """The table has rows that cannot be read; nothing was taken."""

    code: ClassVar[str] = "BAD_TABLE"

    def __init__(self, errors: Sequence[RowError]) -> None:
        self.errors = tuple(errors[:ERRORS_SHOWN])
        super().__init__("; ".join(str(error) for error in self.errors[:3]))


class BadValueError(ValueError):
    """A field cannot be read; the text says why."""


class Row:
    """One row: values by column name, and where it stands in the file."""

    __slots__ = ("line", "values")

    def __init__(self, line: int, values: dict[str, str]) -> None:
        self.line = line
        self.values = values

    def get(self, column: str) -> str:
        """Return the text of a column; an absent optional column is empty."""
        return self.values.get(column, "")


class Reader:
    """Collects the errors of a whole table, so that one try names them all."""

    def __init__(self) -> None:
        self.errors: list[RowError] = []

    def refuse(self, row: Row, column: str, reason: str) -> None:
        """Note an error at a row."""
        self.errors.append(RowError(row.line, column, reason))

    def read(self, row: Row, column: str, parse: Callable[[str], Value]) -> Value | None:
        """Return the parsed column, or note the error and return None."""
        try:
            return parse(row.get(column))
        except (ValueError, RefusalError) as error:
            self.refuse(row, column, str(error))
            return None

    def finish(self) -> None:
        """Refuse the table when anything was wrong."""
        if self.errors:
            raise BadTableError(sorted(self.errors, key=lambda error: error.line))


def read_table(
    data: bytes, *, required: Sequence[str], optional: Collection[str] = ()
) -> Iterator[Row]:
    """Return the rows of a CSV file, columns in any order, unknown columns refused.

    BAD_TABLE is raised once all have been read, or 100 errors: keep nothing before the last row.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reason = "not UTF-8: Windows-1252, perhaps; save the file as CSV in UTF-8"
        raise BadTableError([RowError(line, "-", reason)]) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    errors: list[RowError] = []
    found = 0
    header: list[str] | None = None
    line = 1
    try:
        for fields in itertools.takewhile(lambda _: len(errors) < ERRORS_SHOWN, reader):
            started, line = line, reader.line_num + 1
            if header is None:
                header = _header(fields, required, optional)
            elif fields:
                row = _row(started, header, fields)
                if isinstance(row, RowError):
                    errors.append(row)
                else:
                    found += 1
                    yield row
                if found > ROWS_MAX:
                    raise BadTableError([RowError(started, "-", f"more than {ROWS_MAX} rows")])
    except csv.Error as error:
        errors.append(RowError(line, "-", f"bad CSV: {error}"))
    if errors:
        raise BadTableError(errors)
    if header is None:
        raise BadTableError([RowError(1, "-", "no header row")])


def _header(fields: list[str], required: Sequence[str], optional: Collection[str]) -> list[str]:
    known = {*required, *optional}
    for separator, name in _SEPARATORS.items():
        if len(fields) == 1 and separator in fields[0]:
            reason = f"columns are parted by {name}: save the file as CSV with commas"
            raise BadTableError([RowError(1, "-", reason)])
    errors = [RowError(1, name, "unknown column") for name in fields if name not in known]
    errors += [RowError(1, name, "missing column") for name in required if name not in fields]
    errors += [RowError(1, name, "twice") for name in known if fields.count(name) > 1]
    if errors:
        raise BadTableError(errors)
    return fields


def _row(line: int, header: list[str], fields: list[str]) -> Row | RowError:
    if len(fields) != len(header):
        reason = f"{len(fields)} columns instead of {len(header)}"
        return RowError(line, "-", reason)
    for name, field in zip(header, fields, strict=True):
        if len(field) > FIELD_LENGTH_MAX:
            return RowError(line, name, f"longer than {FIELD_LENGTH_MAX}")
    return Row(line, dict(zip(header, fields, strict=True)))


def parse_date(text: str) -> date:
    """Read an ISO date: 2026-09-01."""
    if _ISO_DATE.fullmatch(text) is None:
        raise BadValueError(f"no ISO date: {text!r}")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadValueError(f"no ISO date: {text!r}") from error


def parse_optional_date(text: str) -> date | None:
    """Read an ISO date, or nothing."""
    return parse_date(text) if text else None


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time with an offset, to the microsecond; further digits are cut off."""
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise BadValueError(f"no RFC 3339 time with an offset: {text!r}")
    seconds, fraction, offset = found.groups(default="")
    try:
        return datetime.fromisoformat(f"{seconds}{fraction[:7]}{offset}".upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadValueError(f"no RFC 3339 time: {text!r}") from error


def parse_integer(text: str) -> int:
    """Read a decimal integer, with a minus sign at most."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 30:  # noqa: PLR2004
        raise BadValueError(f"no integer: {text!r}")
    return int(text)


def harmless(cell: str) -> str:
    """Return a cell as it is shown: before what looks like a formula stands an apostrophe."""
    if _FORMULA.match(cell) is None or _NUMBER.fullmatch(cell) is not None:
        return cell
    return f"'{cell}"
