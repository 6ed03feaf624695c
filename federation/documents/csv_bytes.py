"""How every CSV file is written: RFC 4180, and no cell that a spreadsheet would run. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

# Spreadsheets take a cell for a formula by its first character; wide forms are read like the
# narrow ones. A decimal number is none, whatever its sign.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as UTF-8, each cell made harmless."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def harmless(cell: str) -> str:
    """Return a cell as it is shown: before what looks like a formula stands an apostrophe."""
    if _FORMULA.match(cell) is None or _NUMBER.fullmatch(cell) is not None:
        return cell
    return f"'{cell}"
