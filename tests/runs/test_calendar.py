"""When reports are due and reminders go out."""

from datetime import date

from federation.config import Calendar
from federation.runs.calendar import due


def test_a_report_is_due_on_a_day_of_the_next_month_and_reminders_lie_before_it():
    found = due(Calendar(), "2026-12", "FR")

    assert found.due_on == date(2027, 1, 5)
    assert found.reminders == (date(2027, 1, 2), date(2027, 1, 4))


def test_a_sender_may_have_a_day_of_its_own():
    calendar = Calendar(cut_off_day=5, senders={"GB": 8}, reminder_days=(0, 20, 2, 2))

    found = {sender: due(calendar, "2026-02", sender) for sender in ("FR", "GB")}

    assert {sender: item.due_on for sender, item in found.items()} == {
        "FR": date(2026, 3, 5),
        "GB": date(2026, 3, 8),
    }
    # A reminder before the month is over reminds of nothing.
    assert found["GB"].reminders == (date(2026, 3, 6), date(2026, 3, 8))
