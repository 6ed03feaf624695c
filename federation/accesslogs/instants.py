"""When a logged request was: `26/Nov/2026:21:35:05 +0100`, RFC 3339, or seconds since 1970."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

from federation.accesslogs.hits import Fate, RefusedHit

_DATE: Final = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII
)
_MONTHS: Final = {
    "Jan": 1,
    "Feb": 2,
    "Mar": 3,
    "Apr": 4,
    "May": 5,
    "Jun": 6,
    "Jul": 7,
    "Aug": 8,
    "Sep": 9,
    "Oct": 10,
    "Nov": 11,
    "Dec": 12,
}
_KEPT: Final = 10_000
_known: dict[str, datetime] = {}


def instant_of_date(date: str) -> datetime:
    """Return the instant of a date as servers write it in combined logs; many lines share one."""
    found = _known.get(date)
    if found is None:
        found = _read_date(date)
        if len(_known) >= _KEPT:
            _known.clear()
        _known[date] = found
    return found


def _read_date(date: str) -> datetime:
    parts = _DATE.fullmatch(date)
    if parts is None:
        raise RefusedHit(Fate.MALFORMED, "no such time")
    day, month, year, hour, minute, second, sign, hours, minutes = parts.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-ahead if sign == "-" else ahead)
        clock = int(hour), int(minute), int(second)
        return datetime(int(year), _MONTHS[month], int(day), *clock, tzinfo=zone).astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        raise RefusedHit(Fate.MALFORMED, "no such time") from None


def instant_of(value: str | float) -> datetime:
    """Return the instant of RFC 3339 text or of seconds since 1970, as number or text."""
    try:
        seconds = float(value)
    except OverflowError:  # an integer of hundreds of digits
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
    except ValueError:
        try:
            found = msgspec.convert(value, datetime)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            pass
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
