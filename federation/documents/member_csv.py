"""What a node's members get for a period, as the file `members.csv`. Pure.

What a member is attributed, can be paid and keeps outstanding is decided before it comes here.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

from federation.documents.csv_bytes import csv_bytes
from federation.money import decimal_text
from federation.tabular import harmless

AMOUNTS = ("attributed", "payable", "outstanding")


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One line of a member's account; `source` is received, domestic, base or tier.

    What comes from a base or tier has no licence, use or units. Amounts are in minor units.
    """

    member_id: str
    name: str
    licence: str | None
    use: str | None
    units: int | None
    source: str
    attributed: int
    payable: int
    outstanding: int
    reason: str | None


COLUMNS = tuple(field.name for field in fields(MemberRow))


def members_head() -> bytes:
    """Return the first line of the file.

    Each amount stands there as decimal text and, at the end of the row, as an integer.
    """
    return csv_bytes([[*COLUMNS, *(f"{name}_minor" for name in AMOUNTS)]])


def members_lines(rows: Iterable[MemberRow], currency: str) -> bytes:
    """Return lines as RFC 4180 bytes, sorted by column after column.

    The lines of a file come in parts, all those of a member in one, members in `place_of` order.
    """
    # Texts in Python sort as their UTF-8 bytes do; they are sorted as they will stand there.
    return csv_bytes(sorted([harmless(cell) for cell in _cells(row, currency)] for row in rows))


def place_of(member_id: str) -> str:
    """Return what the lines of a member are sorted by first: its id as it will stand there."""
    return harmless(member_id)


def _cells(row: MemberRow, currency: str) -> list[str]:
    cells = dict(zip(COLUMNS, ("" if v is None else str(v) for v in astuple(row)), strict=True))
    minor = [getattr(row, name) for name in AMOUNTS]
    written = (decimal_text(amount, currency) for amount in minor)
    return [*(cells | dict(zip(AMOUNTS, written, strict=True))).values(), *map(str, minor)]
