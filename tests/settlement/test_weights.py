"""What a missing node is held to weigh, and what months' own lines come to together."""

import pytest

from federation.metering.messages import ReportHeld, ReportWeight, UsageReport
from federation.settlement.weights import (
    late_weights,
    own_weights,
    shares_by,
    sum_of_classes,
    sum_of_months,
    use_weights,
    with_late,
)

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


def a_report(weights=(), held=(), classes=None):
    return UsageReport(
        period="2026-09",
        format=1,
        party="DE",
        sequence=1,
        supersedes=None,
        classes=classes or {},
        weights=[ReportWeight(*row) for row in weights],
        held=[ReportHeld(*row) for row in held],
        members_sha256="0" * 64,
    )


def test_reports_are_added_up_per_licence_party_use_and_class():
    reports = [
        a_report(
            weights=[
                (KEY, "TRAIN", "DE", None, "10", "1"),
                (KEY, "GROUND", "DE", None, "7", "2"),
                (KEY, "TRAIN", "FR", "a" * 32, "4", "0"),
            ],
            held=[(KEY, "TRAIN", "~UNMATCHED", "nobody.example/", "3", "5")],
            classes={"MATCHED": (2, "3"), "UNMATCHED": (1, "5")},
        ),
        a_report(
            weights=[
                (KEY, "TRAIN", "DE", "b" * 32, "100", "3"),
                (OTHER, "TRAIN", "DE", None, "9", "9"),
            ],
            held=[
                (KEY, "TRAIN", "~UNMATCHED", "nobody.example/", "2", "1"),
                (KEY, "TRAIN", "~DISPUTED", "both.example/", "6", "1"),
            ],
            classes={"MATCHED": (3, "12")},
        ),
    ]

    assert own_weights(reports) == {
        KEY: {"DE": 117, "FR": 4, "~UNMATCHED": 5, "~DISPUTED": 6},
        OTHER: {"DE": 9},
    }
    assert use_weights(reports) == [
        (KEY, "DE", "GROUND", 7, 2),
        (KEY, "DE", "TRAIN", 110, 4),
        (KEY, "FR", "TRAIN", 4, 0),
        (OTHER, "DE", "TRAIN", 9, 9),
    ]
    assert sum_of_classes(reports) == {"MATCHED": (5, "15"), "UNMATCHED": (1, "5")}


def test_months_are_added_up_and_every_licence_has_its_row():
    history = {"2026-07": {KEY: {"DE": 1}}, "2026-08": {KEY: {"DE": 2}}}

    assert sum_of_months(history) == {KEY: {"DE": 3}}
    assert shares_by({KEY: {"GB": 6}, OTHER: {"GB": 1}}, {}) == [
        (KEY, "GB", "6"),
        (OTHER, "GB", "1"),
    ]
    assert with_late({}, {KEY: {"~LATE:GB": 3}}) == {KEY: {"~LATE:GB": 3}}
    assert with_late({KEY: {"DE": 1}}, {}) == {KEY: {"DE": 1}}
