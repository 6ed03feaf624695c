"""What clients send as text: numbers of rows that are ids and cursors, months, and words."""

from collections.abc import Iterable

from federation.money import exponent
from federation.values.choice import one_of
from federation.values.ids import BadIdError
from federation.values.month import Month, parse_month

_DIGITS_MAX = 18  # what 64 bits hold whole


def row_number(text: str) -> int | None:
    """Return the number a text is, None if it is none that a row can have."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
    return int(text) if is_number else None


def number_of_row(text: str) -> int:
    """Return the number a text is, as an id or as a cursor, or refuse the text (BAD_ID)."""
    number = row_number(text)
    if number is None:
        raise BadIdError(repr(text[:40]))
    return number


def month_if_any(text: str | None) -> Month | None:
    """Return the month a text names, None where all months are meant (BAD_PERIOD)."""
    return None if text is None else parse_month(text)


def word_if_any(text: str | None, words: Iterable[str], what: str) -> str | None:
    """Return one of some words, None where all are meant (UNKNOWN_CHOICE, which names them)."""
    return None if text is None else one_of(text, words, what)


def currency_if_any(text: str | None) -> str | None:
    """Return a currency with minor units, None where all are meant (UNKNOWN_CURRENCY)."""
    if text is not None:
        exponent(text)
    return text
