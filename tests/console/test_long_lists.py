"""What does not fit on a page is not taken for the whole."""

from datetime import date

import pytest

from federation.console.page import Asked
from federation.console.settlement.month import MONTH_AT_A_NODE, MONTH_AT_THE_HUB
from federation.console.steps import STEPS_MAX, shown_steps

ASKED = Asked("/month", "GB", "Node", None, "en", date(2026, 10, 19))


def page_of(count, *, has_more=False):
    return {"edges": [{"cursor": "c"}] * count, "pageInfo": {"hasNextPage": has_more}}


@pytest.mark.parametrize(
    ("payments", "is_done"),
    [
        ({"BOOKED": page_of(100, has_more=True), "PROPOSED": page_of(1)}, False),
        ({"BOOKED": page_of(100, has_more=True), "SET_OFF": page_of(2)}, True),
        ({"BOOKED": page_of(0)}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("page", [MONTH_AT_THE_HUB, MONTH_AT_A_NODE])
def test_a_month_is_paid_once_no_payment_waits_however_many_there_are(page, payments, is_done):
    data = {
        "period": {"state": "REPORTED"},
        "expectedReports": [],
        "runs": {"edges": []},
        "distribution": None,
        **payments,
    }
    seen = page.view(data, ASKED)

    assert (seen["steps"][-1].name, seen["steps"][-1].is_done) == ("payments", is_done)
    assert seen["payments"] == {
        state: (len(found["edges"]), found["pageInfo"]["hasNextPage"])
        for state, found in payments.items()
        if found["edges"]
    }


@pytest.mark.parametrize(
    ("leaves", "shown"),
    [(STEPS_MAX - 2, STEPS_MAX), (STEPS_MAX - 1, 2)],
)
def test_of_many_steps_whole_levels_are_left_out(leaves, shown):
    paths = ["0", "0.0", *(f"0.0.{number}" for number in range(leaves))]
    steps, left = shown_steps([{"path": path} for path in paths])

    assert [each["path"] for each in steps] == paths[:shown]
    assert [each["level"] for each in steps[:2]] == [0, 1]
    assert left == len(paths) - shown


def test_of_no_steps_none_are_left_out():
    assert shown_steps([]) == ([], 0)
