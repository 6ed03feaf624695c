"""What a missing node is held to weigh, and what months' own lines come to together."""

import pytest

from federation.settlement.weights import late_weights, shares_by, sum_of_months, with_late

KEY, OTHER = "HUB-000001", "HUB-000002"


def months(*weights):
    """Return settled months from May 2026 on, in which GB weighs this much."""
    return {f"2026-{5 + n:02}": {KEY: {"GB": weight}} for n, weight in enumerate(weights)}


@pytest.mark.parametrize(
    ("weights", "mean"),
    [
        ((70_001,), 70_001),
        ((10_000, 70_001), 40_000),  # rounded down
        ((30_000, 10_000, 70_001), 36_667),
        ((90_000, 30_000, 10_000, 70_001), 36_667),  # the fourth month back counts nothing
        ((900_000, 0, 30_000, 10_000, 70_001), 36_667),
    ],
)
def test_a_missing_node_weighs_the_mean_of_its_last_three_months(weights, mean):
    assert late_weights(months(*weights), ["GB"]) == {KEY: {"~LATE:GB": mean}}


def test_the_months_are_the_last_ones_in_whatever_order_they_come():
    shuffled = dict(reversed(months(90_000, 30_000, 10_000, 70_001).items()))

    assert late_weights(shuffled, ["GB"]) == {KEY: {"~LATE:GB": 36_667}}


def test_a_month_without_use_counts_in_the_mean_and_the_third_back_still_does():
    assert late_weights(months(30_001, 0, 0), ["GB"]) == {KEY: {"~LATE:GB": 10_000}}
    assert late_weights(months(30_000, 0, 0, 0), ["GB"]) == {}


def test_each_missing_node_weighs_its_own_use_per_licence():
    history = {
        "2026-07": {KEY: {"GB": 20_000, "FR": 90_000}},
        "2026-08": {KEY: {"GB": 40_000, "~UNMATCHED": 50_000}, OTHER: {"FR": 10_001}},
    }

    assert late_weights(history, ["FR", "GB"]) == {
        KEY: {"~LATE:FR": 45_000, "~LATE:GB": 30_000},
        OTHER: {"~LATE:FR": 5_000},
    }
    assert late_weights(history, []) == {}
    assert late_weights({}, ["FR"]) == {}


def test_a_mean_below_one_unit_of_weight_is_not_listed():
    assert late_weights(months(1, 0, 1), ["GB"]) == {}
    assert late_weights(months(1, 1, 1), ["GB"]) == {KEY: {"~LATE:GB": 1}}
    assert late_weights(months(1, 1), ["GB"]) == {KEY: {"~LATE:GB": 1}}


def test_a_missing_nodes_weight_stands_beside_what_the_others_weigh():
    own = {KEY: {"DE": 5}}

    assert with_late(own, {KEY: {"~LATE:GB": 3}, OTHER: {"~LATE:GB": 2}}) == {
        KEY: {"DE": 5, "~LATE:GB": 3},
        OTHER: {"~LATE:GB": 2},
    }


def test_earlier_months_stand_in_where_a_licence_has_no_use_of_its_own():
    earlier = sum_of_months(
        {
            "2026-07": {KEY: {"DE": 1}, OTHER: {"DE": 4, "FR": 7}},
            "2026-08": {OTHER: {"FR": 2}},
        }
    )

    assert earlier == {KEY: {"DE": 1}, OTHER: {"DE": 4, "FR": 9}}
    assert shares_by({KEY: {"GB": 6, "FR": 0}, OTHER: {"GB": 0}}, earlier) == [
        (KEY, "GB", "6"),
        (OTHER, "DE", "4"),
        (OTHER, "FR", "9"),
    ]
