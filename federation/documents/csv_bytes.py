"""How every CSV file is written: RFC 4180, and no cell that a spreadsheet would run. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

from federation.tabular import harmless


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as UTF-8, each cell made harmless."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
