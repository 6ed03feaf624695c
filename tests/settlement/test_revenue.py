from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.licensing.facts import Component, LicenceFacts
from federation.settlement.revenue import (
    allocated,
    allocated_to,
    credited,
    fee_owed,
    recognise,
    still_owed,
)
from federation.values.month import (
    BadMonthError,
    Month,
    last_day,
    month_days,
    month_of,
    months_back,
    months_of_term,
    next_month,
    parse_month,
    start_of,
)

MONTHS = ["2026-09", "2026-10", "2026-11", "2026-12"]


def a_licence(*fees, number="HUB-000001"):
    ids = "abcdef"[: len(fees)] if len(fees) > 1 else [None]
    components = (Component(i, frozenset(), "TOKEN", f) for i, f in zip(ids, fees, strict=True))
    return LicenceFacts(
        number=number,
        licensor="HUB",
        licensee="lab",
        currency="EUR",
        starts_on=date(2026, 8, 1),
        ends_on=date(2026, 12, 31),
        revoked_at=None,
        usage_basis="site",
        unclaimed="exclude",
        components=tuple(components),
    )


def recognised(licence, period, received, before=None, **fees):
    bps = {"clearing_fee_bps": 300, "collecting_fee_bps": 1000, **fees}
    return recognise(
        licence,
        period=period,
        first_period="2026-09",
        received=received,
        recognised_before=before or {},
        brought_forward={},
        **bps,
    )


def test_a_term_includes_both_its_days():
    assert months_of_term(date(2024, 2, 29), date(2024, 4, 1)) == {
        "2024-02": 1,
        "2024-03": 31,
        "2024-04": 1,
    }
    with pytest.raises(ValueError, match="ends on or after"):
        months_of_term(date(2026, 9, 2), date(2026, 9, 1))


def test_months_know_their_days():
    assert month_days("2024-02") == 29
    assert last_day("2026-12") == date(2026, 12, 31)
    assert month_of(date(987, 1, 5)) == "0987-01"
    assert next_month(Month("2026-12")) == "2027-01"
    assert months_back(Month("2026-02"), 14) == "2024-12"
    assert start_of(Month("2026-02")) == datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="year 10000"):
        next_month(Month("9999-12"))


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-9", "0000-01", "2026-09 ", "26-09", "\uff12026-09"]
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(BadMonthError):
        parse_month(text)


@given(st.dates(), st.dates(), st.integers(0, 10**18))
def test_a_fee_is_allocated_whole(one, other, fee):
    starts_on, ends_on = sorted([one, other.replace(year=min(one.year + 3, 9999), day=1)])

    assert sum(allocated(fee, starts_on, ends_on).values()) == fee


def test_fees_are_taken_on_what_is_recognised_and_rounded_down():
    revenue = recognise(
        a_licence(153),
        period="2026-09",
        first_period="2026-08",
        received=153,
        recognised_before={},
        brought_forward={"HUB-000001": 7},
        clearing_fee_bps=300,
        collecting_fee_bps=1000,
    )["HUB-000001"]

    assert (revenue.allocated, revenue.recognised) == (30, 61)
    assert (revenue.clearing_fee, revenue.collecting_fee) == (1, 6)
    assert revenue.distributable == 61 - 1 - 6 + 7


def test_money_pays_months_in_order_and_the_rest_waits():
    licence = a_licence(153)  # one a day; 31 of them before the first period settled here

    assert recognised(licence, "2026-09", 30)["HUB-000001"].recognised == 0
    assert recognised(licence, "2026-09", 31 + 12)["HUB-000001"].recognised == 12
    late = recognised(licence, "2026-10", 31 + 50, {"HUB-000001": 12})
    assert late["HUB-000001"].recognised == 38
    assert late["HUB-000001"].allocated == 31


def test_a_refund_takes_nothing_back():
    paid_back = recognised(a_licence(153), "2026-10", 31, {"HUB-000001": 12})

    assert paid_back["HUB-000001"].recognised == 0


def test_components_share_what_came_by_what_each_is_still_to_be_paid():
    revenue = recognised(a_licence(153, 306), "2026-09", 93 + 45)

    assert {key: r.recognised for key, r in revenue.items()} == {
        "HUB-000001/a": 15,
        "HUB-000001/b": 30,
    }


@pytest.mark.parametrize("number", [f"HUB-{n:06d}" for n in range(1, 7)])
def test_components_that_tie_take_turns_by_licence(number):
    """One unit came beyond what August takes."""
    revenue = recognised(a_licence(153, 153, 153, number=number), "2026-09", 93 + 1)

    [key] = [key for key, r in revenue.items() if r.recognised]
    assert key.removeprefix(f"{number}/") == min(
        "abc", key=lambda name: sha256(f"2026-09/{number}/{name}".encode()).hexdigest()
    )


def test_a_licence_without_money_is_listed_with_zeros():
    revenue = recognised(a_licence(153, 0), "2026-09", 0)

    assert {key: r.recognised for key, r in revenue.items()} == {
        "HUB-000001/a": 0,
        "HUB-000001/b": 0,
    }


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**6), min_size=4, max_size=4),
)
def test_no_month_takes_more_than_came_and_in_the_end_all_that_came_is_taken(fees, receipts):
    licence = a_licence(*fees)
    before, total = {}, 0
    months = [allocated(fee, licence.starts_on, licence.ends_on) for fee in fees]
    elsewhere = sum(by_month.get("2026-08", 0) for by_month in months)
    for month, receipt in zip(MONTHS, receipts, strict=True):
        total += receipt
        for key, revenue in recognised(licence, month, total, before).items():
            before[key] = before.get(key, 0) + revenue.recognised
            assert revenue.distributable >= 0
        assert sum(before.values()) <= max(0, total - elsewhere)

    assert sum(before.values()) == max(0, min(sum(fees), total) - elsewhere)
    for component, by_month in zip(licence.components, months, strict=True):
        assert before[licence.key(component)] <= component.fee - by_month.get("2026-08", 0)


def ended_early(*fees, on):
    """Return a licence of 153 days from August on that ended before its term."""
    return replace(a_licence(*fees), ends_on=on, fee_ends_on=date(2026, 12, 31))


def test_a_licence_that_runs_its_term_owes_its_fee_and_is_credited_nothing():
    licence = a_licence(15_300, 306)

    assert fee_owed(licence) == 15_606
    assert [still_owed(licence, paid) for paid in (0, 15_605, 15_606, 15_607)] == [15_606, 1, 0, -1]
    assert credited(licence, 15_300) == {}


def test_what_lies_after_an_early_end_is_credited_month_by_month():
    """One day is 100: August and nine days of September are kept."""
    licence = ended_early(15_300, on=date(2026, 9, 9))

    assert allocated_to(licence, 15_300) == {"2026-08": 3_100, "2026-09": 900}
    assert credited(licence, 15_300) == {
        "2026-09": 2_100,
        "2026-10": 3_100,
        "2026-11": 3_000,
        "2026-12": 3_100,
    }
    assert (fee_owed(licence), still_owed(licence, 5_000)) == (4_000, -1_000)


def test_an_end_on_the_last_day_of_a_month_keeps_it_whole_and_a_day_later_one_day_more():
    last, first = (ended_early(15_300, on=day) for day in (date(2026, 9, 30), date(2026, 10, 1)))

    assert allocated_to(last, 15_300) == {"2026-08": 3_100, "2026-09": 3_000}
    assert allocated_to(first, 15_300) == {"2026-08": 3_100, "2026-09": 3_000, "2026-10": 100}
    assert [fee_owed(item) for item in (last, first)] == [6_100, 6_200]


def test_a_fee_too_small_for_the_days_used_is_credited_whole():
    licence = ended_early(1, on=date(2026, 8, 1))

    assert (allocated_to(licence, 1), credited(licence, 1)) == ({}, {"2026-08": 1})


def test_the_month_of_an_early_end_keeps_nothing_of_a_fee_that_gave_it_nothing():
    licence = ended_early(1, on=date(2026, 9, 29))

    assert (allocated_to(licence, 1), credited(licence, 1)) == ({"2026-08": 1}, {})
