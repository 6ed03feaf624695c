"""Where each text of a paper stands: pages of lines and rules, in points from the upper left. Pure.

Nothing runs out of its column: what is too long goes on in the next line, between words if it can.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from federation.papers.paper import Column, Facts, Paper, Table, Words
from federation.papers.text import CLOSED, OPENED

WIDTH, HEIGHT = 595, 842  # A4
LEFT, RIGHT, TOP, BOTTOM = 56, WIDTH - 56, 50, HEIGHT - 62
GAP: Final = 8  # between two columns
BODY, SMALL, HEAD, TITLE = 8.5, 7.5, 10.5, 16.0
_BREAKS: Final = frozenset(",/-._:;|&=?")
_FACT_PART: Final = 0.3  # of the width, for what a fact is called

Measure = Callable[[str, float, bool], float]
"""How wide a text is, of a size in points, in bold or not."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text whose baseline is at `y`; `x` is its left end, or its right one."""

    x: float
    y: float
    text: str
    size: float = BODY
    is_bold: bool = False
    is_grey: bool = False
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line from one x to another."""

    x: float
    y: float
    until: float
    is_grey: bool = False


Mark = Line | Rule


@dataclass(slots=True)
class Layout:
    """Pages that are being filled; `y` is where the next line begins."""

    paper: Paper
    show: Callable[[str], str]
    measure: Measure
    pages: list[list[Mark]] = field(default_factory=list[list[Mark]])
    y: float = TOP

    def put(self, *marks: Mark) -> None:
        """Put marks on the page that is open."""
        self.pages[-1].extend(marks)

    def turn(self) -> None:
        """Begin a page; from the second on its head says of which paper it is."""
        self.pages.append([])
        self.y = TOP
        if len(self.pages) > 1:
            said = f"{self.show(self.paper.title)} {self.show(self.paper.number)}"
            line = "".join(wrapped(said, RIGHT - LEFT, SMALL, self.measure)[:1])
            self.put(Line(LEFT, TOP, line, SMALL, is_grey=True), Rule(LEFT, TOP + 6, RIGHT, True))
            self.y = TOP + 24

    def need(self, height: float) -> bool:
        """Turn the page where so much is not left of it, and tell whether that was so."""
        if self.y + height <= BOTTOM:
            return False
        self.turn()
        return True

    def lines(
        self, text: str, width: float, size: float = BODY, *, bold: bool = False
    ) -> list[str]:
        """Return a text in lines of at most a width."""
        return wrapped(self.show(text), width, size, self.measure, bold=bold)


def laid_out(paper: Paper, show: Callable[[str], str], measure: Measure) -> list[list[Mark]]:
    """Return the marks of each page; `show` says how a text is printed."""
    layout = Layout(paper, show, measure)
    layout.turn()
    _letterhead(layout)
    _addressed(layout)
    for block in paper.blocks:
        if isinstance(block, Table):
            _table(layout, block)
        elif isinstance(block, Facts):
            _facts(layout, block.title, block.facts)
        else:
            _words(layout, block)
    _words(layout, Words("", [*paper.notes, *_respelled(layout), paper.fingerprint]), SMALL)
    _feet(layout)
    return layout.pages


def _respelled(layout: Layout) -> list[str]:
    """Say what the marks mean, where there are any."""
    texts = (mark.text for page in layout.pages for mark in page if isinstance(mark, Line))
    note = (
        f"What stands between {OPENED} {CLOSED} is respelled in Latin letters: "
        "the document has it in its own script."
    )
    return [note] if any(OPENED in text for text in texts) else []


def _letterhead(layout: Layout) -> None:
    first, *others = layout.paper.sender
    for line in layout.lines(first, RIGHT - LEFT, 13, bold=True)[:3]:
        layout.put(Line(LEFT, layout.y + 8, line, 13, is_bold=True))
        layout.y += 17
    for line in layout.lines(" \N{MIDDLE DOT} ".join(others), RIGHT - LEFT, SMALL)[:4]:
        layout.put(Line(LEFT, layout.y + 5, line, SMALL, is_grey=True))
        layout.y += 10
    layout.put(Rule(LEFT, layout.y + 4, RIGHT))
    layout.y += 34


def _addressed(layout: Layout) -> None:
    """Put the recipient on the left, what identifies the paper on the right, then its title."""
    start, middle = layout.y, LEFT + (RIGHT - LEFT) * 0.52
    y = start
    for index, said in enumerate(layout.paper.recipient):
        for line in layout.lines(said, middle - LEFT - GAP, BODY + 1)[:6]:
            layout.put(Line(LEFT, y, line, BODY + 1, is_bold=index == 0))
            y += 13
    left_end, y = y, start
    for name, text in layout.paper.facts:
        layout.put(Line(middle, y, layout.show(name), SMALL, is_grey=True))
        for line in layout.lines(text, RIGHT - middle - 86)[:8]:
            layout.put(Line(RIGHT, y, line, align="right"))
            y += 11.5
        y += 1.5
    layout.y = max(left_end, y) + 22
    for line in layout.lines(layout.paper.title, RIGHT - LEFT, TITLE, bold=True)[:3]:
        layout.put(Line(LEFT, layout.y, line, TITLE, is_bold=True))
        layout.y += 21
    layout.y += 4


def _heading(layout: Layout, title: str, room: float) -> None:
    layout.need(30 + room)
    layout.y += 14
    for line in layout.lines(title, RIGHT - LEFT, HEAD, bold=True)[:3] if title else ():
        layout.put(Line(LEFT, layout.y, line, HEAD, is_bold=True))
        layout.y += 14
    layout.y += 3


def _words(layout: Layout, words: Words, size: float = BODY) -> None:
    _heading(layout, words.title, 20)
    for paragraph in words.paragraphs:
        for line in layout.lines(paragraph, RIGHT - LEFT, size):
            layout.need(size)
            layout.put(Line(LEFT, layout.y, line, size, is_grey=size == SMALL))
            layout.y += size * 1.4
        layout.y += 3


def _facts(layout: Layout, title: str, facts: Sequence[tuple[str, str]]) -> None:
    _heading(layout, title, 24)
    value = LEFT + (RIGHT - LEFT) * _FACT_PART
    for name, text in facts:
        names, texts = (
            layout.lines(name, value - LEFT - GAP),
            layout.lines(text, RIGHT - value) or ["\N{EN DASH}"],
        )
        layout.need(12)
        for index in range(max(len(names), len(texts))):
            layout.need(12)
            if index < len(names):
                layout.put(Line(LEFT, layout.y, names[index], is_grey=True))
            if index < len(texts):
                layout.put(Line(value, layout.y, texts[index]))
            layout.y += 12
        layout.y += 2


def _table(layout: Layout, table: Table) -> None:
    _heading(layout, table.title, 50)
    if not table.rows and table.empty:
        layout.put(Line(LEFT, layout.y, layout.show(table.empty), is_grey=True))
        layout.y += 12
        return
    places = _places(table)
    _head(layout, table, places)
    for row in table.printed_rows():
        _row(layout, table, places, row)
    if table.sums:
        layout.need(14)
        layout.put(Rule(LEFT, layout.y - 8, RIGHT))
        layout.y += 3
        for row in table.sums:
            _row(layout, table, places, row, bold=True)


def _places(table: Table) -> list[tuple[float, float]]:
    """Return (left end, width) of each column."""
    free = RIGHT - LEFT - GAP * (len(table.columns) - 1)
    whole = sum(column.width for column in table.columns)
    places: list[tuple[float, float]] = []
    x = float(LEFT)
    for column in table.columns:
        width = free * column.width / whole
        places.append((x, width))
        x += width + GAP
    return places


def _head(layout: Layout, table: Table, places: Sequence[tuple[float, float]]) -> None:
    cells = [
        layout.lines(column.title, width, SMALL)
        for column, (_, width) in zip(table.columns, places, strict=True)
    ]
    height = max((len(lines) for lines in cells), default=1)
    for column, (x, width), lines in zip(table.columns, places, cells, strict=True):
        for index, line in enumerate(lines):
            end = x + width if column.is_figure else x
            y = layout.y + (height - len(lines) + index) * 10
            layout.put(Line(end, y, line, SMALL, is_grey=True, align=_align(column)))
    layout.y += height * 10
    layout.put(Rule(LEFT, layout.y - 5, RIGHT))
    layout.y += 8


def _align(column: Column) -> Literal["left", "right"]:
    return "right" if column.is_figure else "left"


def _row(
    layout: Layout,
    table: Table,
    places: Sequence[tuple[float, float]],
    row: Sequence[str],
    *,
    bold: bool = False,
) -> None:
    """Put a row; one that is higher than what is left of the page goes on in the next."""
    cells = [
        layout.lines(text, width, bold=bold) for text, (_, width) in zip(row, places, strict=True)
    ]
    height = max((len(lines) for lines in cells), default=0)
    if layout.need(min(height, 6) * 11):
        _head(layout, table, places)
    for index in range(height):
        if layout.need(11):
            _head(layout, table, places)
        for column, (x, width), lines in zip(table.columns, places, cells, strict=True):
            if index < len(lines):
                end = x + width if column.is_figure else x
                align = _align(column)
                layout.put(Line(end, layout.y, lines[index], is_bold=bold, align=align))
        layout.y += 11
    layout.y += 2.5


def _feet(layout: Layout) -> None:
    """Say on each page of which paper it is the how-manieth of how many."""
    number = "".join(layout.lines(layout.paper.number, (RIGHT - LEFT) * 0.7, SMALL)[:1])
    for index, page in enumerate(layout.pages, start=1):
        count = f"Page {index} of {len(layout.pages)}"
        foot: list[Mark] = [
            Rule(LEFT, BOTTOM + 16, RIGHT, True),
            Line(LEFT, BOTTOM + 28, number, SMALL, is_grey=True),
            Line(RIGHT, BOTTOM + 28, count, SMALL, is_grey=True, align="right"),
        ]
        page.extend(foot)


def wrapped(
    text: str, width: float, size: float, measure: Measure, *, bold: bool = False
) -> list[str]:
    """Return a text in lines of at most a width, broken at blanks, after signs, or anywhere."""
    if not text:
        return []
    if measure(text, size, bold) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", 0.0  # the width of a text is the sum of the widths of its parts
    for part in _pieces(text):
        piece = part
        if line and used + measure(piece.rstrip(), size, bold) > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        while (fits := _fitting(piece, width, size, measure, bold=bold)) < len(piece.rstrip()):
            lines.append(piece[:fits])
            piece = piece[fits:]
        line, used = line + piece, used + measure(piece, size, bold)
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """Part a text behind each place at which a line may end."""
    pieces: list[str] = []
    start = 0
    for index, sign in enumerate(text):
        is_point = sign == "." and text[index + 1 : index + 2].isdecimal()  # of a decimal
        if sign == " " or (sign in _BREAKS and not is_point):
            pieces.append(text[start : index + 1])
            start = index + 1
    return [*pieces, text[start:]] if start < len(text) else pieces


def _fitting(piece: str, width: float, size: float, measure: Measure, *, bold: bool) -> int:
    """Return how many characters fit, 1 at least."""
    used = 0.0
    for index, sign in enumerate(piece):
        used += measure(sign, size, bold)
        if used > width:
            return max(index, 1)
    return len(piece)
