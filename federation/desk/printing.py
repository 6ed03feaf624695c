"""Tables of a terminal: words are never broken, and what does not fit is shown line by line."""

import os
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from typing import IO

from rich.console import Console
from rich.table import Table

WIDTH = 120  # where no terminal says how wide it is
WIDEST = 10_000
# to be copied whole
NAMES = frozenset(
    {
        "account",
        "claim",
        "client",
        "credential",
        "secret",
        "number",
        "overpayment",
        "payment",
        "run",
    }
)

RIGHT = frozenset(
    {"amount", "score", "entries", "unexplained", "old", "new", "left", "difference", "lines"}
)


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; what is counted or paid stands to the right."""
    table = Table(title=title)
    for column in columns:
        is_number = column in RIGHT or column.isupper()  # a currency
        table.add_column(
            column,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=column in NAMES,
        )
    for row in rows:
        table.add_row(*row)
    return table


def print_table(table: Table) -> None:
    """Print a table, or its rows one under the other where a word would have to be broken."""
    console = _console()
    title, table.title = table.title, None  # a title would be folded at the table's width
    console.print(title, style="italic", soft_wrap=True)
    if not table.rows or _keeps_words(console, table):
        console.print(table)
        return
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        row = Table(show_header=False)
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        for column, cell in zip(table.columns, cells, strict=True):
            row.add_row(str(column.header), str(cell))
        console.print(row)


def _keeps_words(console: Console, table: Table) -> bool:
    """Tell whether a table fits with every word of its heads and cells whole."""
    needed = console.measure(table, options=console.options.update(max_width=WIDEST)).minimum
    if needed > console.width:
        return False
    plain = _as_it_is(width=console.width, file=StringIO())
    with plain.capture() as printed:
        plain.print(table)
    texts = [str(text) for column in table.columns for text in (column.header, *column.cells)]
    return Counter(" ".join(texts).split()) <= Counter(printed.get().split())


def _console() -> Console:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return _as_it_is(width=int(columns))
    return _as_it_is(width=None if Console().is_terminal else WIDTH)


def _as_it_is(width: int | None, file: IO[str] | None = None) -> Console:
    """Return a console that reads no markup: a bank's text may hold [brackets] and :colons:."""
    return Console(width=width, file=file, markup=False, emoji=False)
