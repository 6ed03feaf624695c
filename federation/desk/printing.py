"""Tables of a terminal: words are never broken, and what does not fit is shown line by line."""

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

WIDTH = 120  # where no terminal says how wide it is
WIDEST = 10_000
NAMES = frozenset({"payment", "account", "claim", "number", "run"})  # to be copied whole

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
    needed = console.measure(table, options=console.options.update(max_width=WIDEST)).minimum
    if needed <= console.width or not table.rows:
        console.print(table)
        return
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        row = Table(show_header=False)
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        for column, cell in zip(table.columns, cells, strict=True):
            row.add_row(str(column.header), str(cell))
        console.print(row)


def _console() -> Console:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return Console(width=int(columns))
    return Console(width=None if Console().is_terminal else WIDTH)
