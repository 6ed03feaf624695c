from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.suspense.items import (
    SuspenseItem,
    age_bucket,
    aging,
    clocks_of,
    collected_on,
)
from federation.suspense.law import (
    Clocks,
    Law,
    clocks,
    law_for,
    laws,
    months_after,
    year_end,
)
from federation.values.held import NOT_COLLECTED

DAYS = st.dates(date(2017, 4, 1), date(2090, 12, 31))


def an_item(**changes):
    values = {
        "reason": "UNMATCHED",
        "owner": "",
        "currency": "EUR",
        "amount": 100,
        "since": date(2026, 10, 1),
        "period": "2026-09",
        "received_on": date(2026, 9, 1),
    }
    return SuspenseItem(**{**values, **changes})


def test_clocks_run_from_the_end_of_the_year_of_collection():
    assert clocks(law_for("GB", date(2026, 9, 1)), date(2026, 9, 1)) == Clocks(
        distribute_by=date(2027, 9, 30),
        list_by=date(2027, 12, 31),
        public_by=date(2028, 12, 31),
        non_distributable_on=date(2030, 1, 1),
    )


def test_a_country_without_an_entry_has_the_default_and_says_so():
    assert law_for("JP", date(2026, 9, 1)).source.startswith("default")
    assert law_for(None, date(2026, 9, 1)) == law_for("JP", date(2026, 9, 1))
    assert "SI 2016/221" in law_for("GB", date(2026, 9, 1)).source


def test_a_law_does_not_apply_before_it_was_in_force():
    assert law_for("FR", date(2017, 3, 31)).country == "default"
    assert law_for("FR", date(2017, 4, 1)).country == "FR"
    assert law_for("FR", date(1999, 1, 1)).country == "default"


def test_every_law_states_its_source_and_begins_once_per_country():
    assert all(law.source for law in laws())
    assert len({(law.country, law.valid_from) for law in laws()}) == len(laws())


def test_a_financial_year_may_end_in_march():
    law = Law("XX", date(2016, 1, 1), "03-31", 9, 3, 12, 36, 6, "test")
    assert year_end(law, date(2026, 3, 31)) == date(2026, 3, 31)
    assert year_end(law, date(2026, 4, 1)) == date(2027, 3, 31)
    assert clocks(law, date(2026, 4, 1)).distribute_by == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 12, 31), 9, date(2027, 9, 30)),
        (date(2026, 2, 28), 1, date(2026, 3, 31)),
        (date(2024, 2, 28), 1, date(2024, 3, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 10, 15), 3, date(2027, 1, 15)),
    ],
)
def test_months_are_added_and_a_last_day_stays_one(day, months, expected):
    assert months_after(day, months) == expected


@given(DAYS)
def test_the_clocks_come_in_order_and_after_the_money(received_on):
    found = clocks(law_for(None, received_on), received_on)
    dates = [found.distribute_by, found.list_by, found.public_by, found.non_distributable_on]
    assert dates == sorted(dates)
    assert received_on < found.distribute_by


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "0-30"),
        (30, "0-30"),
        (31, "31-90"),
        (90, "31-90"),
        (91, "91-270"),
        (270, "91-270"),
        (271, ">270"),
        (4_000, ">270"),
    ],
)
def test_ages_fall_into_four_buckets(days, bucket):
    since = date(2026, 1, 1)
    assert age_bucket(since, date.fromordinal(since.toordinal() + days)) == bucket


def test_the_aging_report_counts_every_item_once_and_names_the_next_date():
    items = [
        an_item(),
        an_item(amount=23, since=date(2026, 10, 5)),
        an_item(currency="GBP", amount=5),
        an_item(reason="BELOW_MINIMUM", owner="member:a", amount=7, received_on=date(2026, 2, 1)),
        an_item(reason=NOT_COLLECTED, owner="lab", amount=9, received_on=None),
        an_item(amount=1, since=date(2025, 1, 1), received_on=date(2024, 12, 31)),
    ]
    rows = aging(items, "GB", date(2026, 10, 31))
    assert [
        (row.reason, row.currency, row.bucket, row.items, row.amount, row.overdue) for row in rows
    ] == [
        ("BELOW_MINIMUM", "EUR", "0-30", 1, 7, 1),
        ("NOT_COLLECTED", "EUR", "0-30", 1, 9, 0),
        ("UNMATCHED", "EUR", "0-30", 2, 123, 0),
        ("UNMATCHED", "EUR", ">270", 1, 1, 1),
        ("UNMATCHED", "GBP", "0-30", 1, 5, 0),
    ]
    by_reason = {(row.reason, row.bucket): row.next_clock for row in rows}
    assert by_reason["BELOW_MINIMUM", "0-30"] is None  # its only date is over
    assert by_reason["NOT_COLLECTED", "0-30"] is None
    assert by_reason["UNMATCHED", "0-30"].on == date(2027, 9, 30)
    assert by_reason["UNMATCHED", ">270"].on == date(2026, 12, 31)


def test_money_whose_owner_is_known_is_paid_on_within_six_months():
    item = an_item(reason="ACCOUNT_MISSING", owner="member:a", received_on=date(2026, 10, 1))
    assert [(clock.name, clock.on) for clock in clocks_of(item, "FR")] == [
        ("pay_by", date(2027, 4, 1))
    ]


def test_money_of_a_month_was_collected_when_the_first_of_it_came_in():
    receipts = [(date(2026, 9, 1), 100), (date(2026, 9, 20), -40), (date(2026, 11, 2), 300)]
    assert collected_on(receipts, 0) == date(2026, 9, 1)
    assert collected_on(receipts, 100) == date(2026, 11, 2)
    assert collected_on(receipts, 360) is None
