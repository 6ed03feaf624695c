"""What a paper says, before it is laid out: who to whom, facts, tables. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from federation.papers.text import TEXT_MAX

PDF: Final = "application/pdf"
SENT: Final = frozenset({"INV", "CN", "FEE", "STM", "ADV"})
"""The series whose documents are laid out to be sent; runs and payment files are for programs."""

ROWS_MAX: Final = 10_000  # rows of one table that are printed
MINUS: Final = "\N{MINUS SIGN}"
_INTEGER: Final = re.compile(r"-?[0-9]{1,100}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)

Fact = tuple[str, str]
"""What it is called, and the text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, its part of the width, and whether figures stand in it."""

    title: str
    width: float
    is_figure: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; `sums` stand below a line in bold. Each row has a cell per column."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    sums: Sequence[Sequence[str]] = ()
    empty: str = ""

    def printed_rows(self) -> Sequence[Sequence[str]]:
        """Return the rows that are printed; the last of too many says how many are left out."""
        if len(self.rows) <= ROWS_MAX:
            return self.rows
        left = f"{len(self.rows) - ROWS_MAX} more rows are in the document; all are in its sums"
        return [*self.rows[:ROWS_MAX], [left, *[""] * (len(self.columns) - 1)]]


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts one below the other under a title."""

    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs under a title."""

    title: str
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper to be sent.

    `dated` is the document's own day, the only one that the file names. `fingerprint` says of
    which bytes it was laid out, in a sentence. Of a text so many characters are printed.
    """

    title: str
    number: str
    dated: date
    sender: Sequence[str]
    recipient: Sequence[str]
    facts: Sequence[Fact]
    blocks: Sequence[Table | Facts | Words]
    fingerprint: str
    notes: Sequence[str] = field(default_factory=tuple[str, ...])
    text_max: int = TEXT_MAX


def amount_text(minor: str, currency: str, decimals: Mapping[str, int]) -> str:
    """Write minor units with the decimals of the document's own: `-12,345.67 EUR`.

    What is no integer of a currency with decimals is a ValueError: the document is not one of ours.
    """
    is_money = _INTEGER.fullmatch(minor) and _CURRENCY.fullmatch(currency)
    if not is_money or not 0 <= decimals[currency] <= 9:  # noqa: PLR2004
        raise ValueError(f"no amount: {minor[:40]!r} {currency[:40]!r}")
    digits = decimals[currency]
    plain = minor.removeprefix("-").rjust(digits + 1, "0")
    whole, part = (plain[:-digits], f".{plain[-digits:]}") if digits else (plain, "")
    sign = MINUS if minor.startswith("-") else ""
    return f"{sign}{int(whole):,}{part} {currency}"


def percent_text(bps: str) -> str:
    """Write basis points as per cent, exactly: 1250 is `12.5 %`."""
    whole, part = divmod(int(bps), 100)
    return f"{whole}{f'.{part:02d}'.rstrip('0') if part else ''} %"
