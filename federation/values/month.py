"""Calendar months in UTC, written `YYYY-MM`: the periods of settlement.

This module alone takes such texts apart and builds them. Wherever else a month stands, it is a
`Month`: the text itself, so that it may be a column, a key or a field of a message as it is.
"""

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from typing import Annotated, ClassVar, NewType

from msgspec import Meta

from federation.errors import RefusalError

_PATTERN = r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])"
_MONTH = re.compile(_PATTERN)

Month = NewType("Month", str)
WrittenMonth = Annotated[Month, Meta(pattern=rf"\A{_PATTERN}\Z")]  # msgspec checks it on reading


class BadMonthError(RefusalError):
    """A month is written YYYY-MM."""

    code: ClassVar[str] = "BAD_PERIOD"


def parse_month(text: str) -> Month:
    """Return the month that a text from outside names, or refuse the text."""
    if _MONTH.fullmatch(text) is None:
        raise BadMonthError(repr(text[:40]))
    return Month(text)


def month_of(day: date) -> Month:
    """Return the month a day lies in, or an instant that is given in UTC."""
    return _numbered(_number(day))


def first_day(month: Month) -> date:
    """Return the first day of a month."""
    return date(int(month[:4]), int(month[5:]), 1)


def start_of(month: Month) -> datetime:
    """Return the first instant of a month."""
    return datetime.combine(first_day(month), time(), UTC)


def last_day(month: Month) -> date:
    """Return the last day of a month."""
    return first_day(month).replace(day=month_days(month))


def month_days(month: Month) -> int:
    """Return how many days a month has."""
    first = first_day(month)
    return monthrange(first.year, first.month)[1]


def months_back(month: Month, count: int) -> Month:
    """Return the month that lies some months before another."""
    return _numbered(_number(first_day(month)) - count)


def next_month(month: Month) -> Month:
    """Return the month after another."""
    return months_back(month, -1)


def months_of_term(starts_on: date, ends_on: date) -> dict[Month, int]:
    """Return the days of a term, both ends included, in each month it touches."""
    if ends_on < starts_on:
        raise ValueError("a term ends on or after the day it starts")
    months = map(_numbered, range(_number(starts_on), _number(ends_on) + 1))
    return {
        month: (min(last_day(month), ends_on) - max(first_day(month), starts_on)).days + 1
        for month in months
    }


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _numbered(number: int) -> Month:
    if not MINYEAR <= number // 12 <= MAXYEAR:
        raise ValueError(f"no month lies in the year {number // 12}")
    return Month(f"{number // 12:04d}-{number % 12 + 1:02d}")
