"""When a month's reports are due and whom to remind when. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from federation.config import Calendar
from federation.values.month import Month, last_day


@dataclass(frozen=True, slots=True)
class Due:
    """A sender's report of a month: its last day, and the days on which to remind."""

    sender: str
    due_on: date
    reminders: tuple[date, ...]


def due(calendar: Calendar, period: Month, sender: str, begun_on: date | None = None) -> Due:
    """Return when a sender's report is due, and the days of its reminders in order.

    Days are counted from the end of the month; in the round of a correction, which begins long
    after it, from the day on which that round was begun.
    """
    end = begun_on or last_day(period)
    due_on = end + timedelta(days=calendar.senders.get(sender, calendar.cut_off_day))
    ahead = sorted(set(calendar.reminder_days), reverse=True)
    days = (due_on - timedelta(days=days) for days in ahead)
    return Due(sender, due_on, tuple(day for day in days if day > end))
