"""What clients send as text: numbers of rows that are ids and cursors, and months."""

from federation.values.month import Month, parse_month

_DIGITS_MAX = 18  # what 64 bits hold whole


def row_number(text: str) -> int | None:
    """Return the number a text is, None if it is none that a row can have."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
    return int(text) if is_number else None


def month_if_any(text: str | None) -> Month | None:
    """Return the month a text names, None where all months are meant (BAD_PERIOD)."""
    return None if text is None else parse_month(text)
