"""Calendar months in UTC, written `YYYY-MM`: the periods of settlement."""

import re
from calendar import monthrange
from datetime import date
from typing import ClassVar

from federation.errors import RefusalError

_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


class MalformedPeriodError(RefusalError):
    """A period is a calendar month, written YYYY-MM."""

    code: ClassVar[str] = "MALFORMED_PERIOD"


def first_day(period: str) -> date:
    """Return the first day of a month."""
    match = _PERIOD.fullmatch(period)
    if match is None or match[1] == "0000":
        raise MalformedPeriodError(repr(period[:40]))
    return date(int(match[1]), int(match[2]), 1)


def period_days(period: str) -> int:
    """Return how many days a month has."""
    first = first_day(period)
    return monthrange(first.year, first.month)[1]


def last_day(period: str) -> date:
    """Return the last day of a month."""
    return first_day(period).replace(day=period_days(period))


def period_of(day: date) -> str:
    """Return the month a day lies in."""
    return f"{day.year:04d}-{day.month:02d}"


def months_of_term(starts_on: date, ends_on: date) -> dict[str, int]:
    """Return the days of a term, both ends included, in each month it touches."""
    if ends_on < starts_on:
        raise ValueError("a term ends on or after the day it starts")
    first, final = (day.year * 12 + day.month - 1 for day in (starts_on, ends_on))
    months = (f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, final + 1))
    return {
        month: (min(last_day(month), ends_on) - max(first_day(month), starts_on)).days + 1
        for month in months
    }


def months_back(period: str, count: int) -> str:
    """Return the month that lies some months before another."""
    first = first_day(period)
    number = first.year * 12 + first.month - 1 - count
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
