"""A paper as PDF: the same bytes on every machine, whatever its clock, fonts and compressor.

Nothing is compressed, since two builds of zlib may write one text differently; the only day in
the file is the document's own; its two fonts lie beside this module.
"""

import io
from collections.abc import Container
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from federation.papers.layout import HEIGHT, WIDTH, Line, Mark, Rule, laid_out
from federation.papers.paper import Paper
from federation.papers.text import printed

_library: Any = pdfmetrics  # some of its types are not known
_FONTS: Final = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
_BLACK, _GREY = 0.0, 0.38


def pdf(paper: Paper) -> bytes:
    """Return a paper as PDF."""
    pages, buffer = pages_of(paper), io.BytesIO()
    canvas = Canvas(buffer, (WIDTH, HEIGHT), pageCompression=0, invariant=1, lang="en")
    canvas.setTitle(_show(f"{paper.title} {paper.number}"))
    canvas.setAuthor(_show(paper.sender[0]))
    canvas.setSubject("")
    canvas.setCreator("federation")
    canvas.setProducer("federation")
    _date(canvas, f"D:{paper.dated:%Y%m%d}000000+00'00'")
    for page in pages:
        for mark in page:
            _draw(canvas, mark)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def pages_of(paper: Paper) -> list[list[Mark]]:
    """Return what stands on each page, and where."""
    _glyphs()

    @lru_cache(maxsize=10_000)
    def measure(text: str, size: float, bold: bool) -> float:
        return float(pdfmetrics.stringWidth(text, _BOLD if bold else _PLAIN, size))

    def show(text: str) -> str:
        return printed(text, _glyphs(), paper.text_max)

    return laid_out(paper, show, measure)


def _show(text: str) -> str:
    return printed(text, _glyphs())


def _date(canvas: Any, text: str) -> None:
    """Name the document's own day where the library would name the clock's."""

    def written(*_: object) -> str:
        return text

    canvas.setDateFormatter(written)


def _draw(canvas: Canvas, mark: Line | Rule) -> None:
    grey = _GREY if mark.is_grey else _BLACK
    if isinstance(mark, Rule):
        canvas.setStrokeGray(grey)
        canvas.setLineWidth(0.4)
        canvas.line(mark.x, HEIGHT - mark.y, mark.until, HEIGHT - mark.y)
        return
    canvas.setFillGray(grey)
    canvas.setFont(_BOLD if mark.is_bold else _PLAIN, mark.size)
    draw = canvas.drawString if mark.align == "left" else canvas.drawRightString
    draw(mark.x, HEIGHT - mark.y, mark.text)


@cache
def _glyphs() -> Container[int]:
    """Make the fonts known, once, and return the code points that both of them have."""
    faces: list[Any] = []
    for name in (_PLAIN, _BOLD):
        font = TTFont(name, str(_FONTS / f"{name}.ttf"))
        _library.registerFont(font)
        faces.append(font.face)
    plain, bold = faces
    return frozenset(plain.charToGlyph) & frozenset(bold.charToGlyph)
