"""Any of our CSV files as a workbook (XLSX): the same rows, and amounts that add up in it.

A cell is a number only where that is exactly what stands in the file: an amount (a column that has
its `_minor` beside it) or a count, of at most 15 digits, which is what a spreadsheet's number
holds. Everything else is text, as it is in the file: no cell is a formula or a link.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]

from federation.errors import RefusalError
from federation.tabular import FIELD_LENGTH_MAX

ROWS_MAX: Final = 100_000
DIGITS_MAX: Final = 15  # IEEE 754: each decimal of so many digits has a double of its own
COUNTS: Final = frozenset({"units", "lines", "weight"})
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_MADE: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zone; no clock is asked
_OPTIONS: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


class TooManyRowsError(RefusalError):
    """This table has more rows than a workbook is written with: fetch it as CSV."""

    code: ClassVar[str] = "TOO_MANY_ROWS"


def write_workbook(rows: IO[bytes], out: IO[bytes], folder: Path) -> None:
    """Write a CSV file of ours as a workbook; parts of it lie in a folder meanwhile.

    Refuses more than `ROWS_MAX` rows (TOO_MANY_ROWS); what was written by then is of no use.
    """
    book: Any = xlsxwriter.Workbook(out, {**_OPTIONS, "tmpdir": str(folder)})
    book.set_properties({"created": _MADE})
    sheet, formats = book.add_worksheet("Rows"), _Formats(book)
    columns: Sequence[str] = ()
    text = io.TextIOWrapper(rows, "utf-8", newline="")
    try:
        for number, cells in enumerate(csv.reader(text, strict=True)):
            if number > ROWS_MAX:
                raise TooManyRowsError(f"more than {ROWS_MAX}")
            if number == 0:
                columns = cells
            for place, cell in enumerate(cells):
                is_figure = number > 0 and _is_figure(place, columns)
                _put(sheet, number, place, cell, formats if is_figure else None)
        sheet.freeze_panes(1, 0)
    finally:
        text.detach()
        book.close()


def _is_figure(place: int, columns: Sequence[str]) -> bool:
    name = columns[place] if place < len(columns) else ""
    return name in COUNTS or name.endswith("_minor") or f"{name}_minor" in columns


def _put(sheet: Any, row: int, place: int, cell: str, formats: "_Formats | None") -> None:
    found = _NUMBER.fullmatch(cell) if formats is not None else None
    if formats is None or found is None or sum(map(str.isdigit, cell)) > DIGITS_MAX:
        if cell:
            sheet.write_string(row, place, cell[:FIELD_LENGTH_MAX])
        return
    sheet.write_number(row, place, float(cell), formats.of(len(found[2] or "")))


class _Formats:
    """The formats of numbers of a workbook, one for each number of decimals."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._known: dict[int, Any] = {}

    def of(self, decimals: int) -> Any:
        """Return how a number with so many decimals is shown."""
        if decimals not in self._known:
            shown = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
            self._known[decimals] = self._book.add_format({"num_format": shown})
        return self._known[decimals]
