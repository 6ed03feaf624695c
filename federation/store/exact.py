"""Sums and shapes of big counts in SQL, exactly: decimal text has no sum that is not a float.

Text is cut into limbs of nine digits; a 64-bit sum holds nine billion of them, and Python puts the
limbs together. The same expressions run on SQLite and PostgreSQL.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy import type_coerce as as_type
from sqlalchemy.orm import InstrumentedAttribute

from federation.store.sessions import ReadSession

Column = ColumnElement[Any] | InstrumentedAttribute[Any]

LIMB = 9
_DIGITS = "0123456789"
EXPRESSIONS_MAX = 256  # kept, of columns and of how long their texts are


def digits_of(column: Column) -> ColumnElement[str]:
    """Return a big count's column as the text it is."""
    return as_type(column, Text)


def is_no_count(column: Column) -> ColumnElement[bool]:
    """Say of each row whether its text is not digits alone (an amount of 0 or more)."""
    text = digits_of(column)
    return or_(func.trim(text, _DIGITS) != "", text == "")


def is_no_integer(column: Column) -> ColumnElement[bool]:
    """Say of each row whether its text is not an integer in its one spelling."""
    text = digits_of(column)
    rest = func.trim(text, _DIGITS)
    is_negative = and_(rest == "-", text.like("-%"), ~text.like("-0%"), text != "-")
    is_positive = and_(rest == "", text != "", or_(text == "0", ~text.like("0%")))
    return ~or_(is_negative, is_positive)


@lru_cache(EXPRESSIONS_MAX)  # to make them costs more than most sums
def limbs(column: Column, length_max: int) -> tuple[ColumnElement[int], ...]:
    """Return the sums of a column's limbs, the lowest first, for texts of at most that length.

    The texts are integers in their one spelling; whoever cannot be sure asks `is_no_integer` first.
    """
    text = digits_of(column)
    sign, digits = case((text.like("-%"), -1), else_=1), func.ltrim(text, "-")
    numbers = range(-(-length_max // LIMB) or 1)
    return tuple(func.sum(sign * _limb(digits, number)) for number in numbers)


def _limb(digits: ColumnElement[str], number: int) -> ColumnElement[int]:
    low = number * LIMB
    length = func.length(digits)
    part = case(
        (length >= low + LIMB, func.substr(digits, length - low - LIMB + 1, LIMB)),
        (length > low, func.substr(digits, 1, length - low)),
        else_=literal("0"),
    )
    return cast(part, BigInteger)


def limbs_of_64_bits(column: Column) -> list[ColumnElement[int]]:
    """Return the sums of a 64-bit column's limbs, the lowest first."""
    return [func.sum(column % 10**LIMB), func.sum(column // 10**LIMB)]


async def exact_sums(
    session: ReadSession,
    column: InstrumentedAttribute[int],
    by: Sequence[InstrumentedAttribute[Any]],
    *where: ColumnElement[bool],
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return {values of `by`: (rows, sum)} of a big count's column, added up by the database.

    Raises ValueError where a text is no integer.
    """
    [(longest, bad)] = await session.execute(select(*_shape(column)).where(*where))
    if bad is not None:
        raise ValueError(f"{column} holds {bad!r}, which is no integer")
    if longest is None:
        return {}
    found = await session.execute(
        select(*by, func.count(), *limbs(column, longest)).where(*where).group_by(*by)
    )
    width = len(by)
    return {tuple(row[:width]): (row[width], put_together(row[width + 1 :])) for row in found}


@lru_cache(EXPRESSIONS_MAX)
def _shape(column: Column) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the length of the longest text and one that is no integer; NULL where none is."""
    text = digits_of(column)
    return func.max(func.length(text)), func.min(case((is_no_integer(column), text)))


def put_together(sums: Sequence[Any]) -> int:
    """Return the sum that the sums of limbs come to."""
    return sum(int(part or 0) * 10 ** (LIMB * number) for number, part in enumerate(sums))
