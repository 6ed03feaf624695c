"""Figures that do not add up are refused, whoever they come from."""

import pytest

from federation.demo.report import (
    CollectivePart,
    FeePart,
    LicencePaid,
    MemberEarned,
    UnbalancedError,
    balances,
    plan_text,
)


def a_licence(**changes):
    fields = {
        "number": "HUB-000001",
        "licensee": "Lab",
        "licensor": "HUB",
        "currency": "EUR",
        "received_on": "2026-09-01",
        "received": 1000,
        "later_months": 100,
        "clearing_fee": 30,
        "collecting_fee": 0,
        "carried_forward": 0,
        "portions": [FeePart("JP", 800, "170", 1360, "JPY"), FeePart("~DISPUTED", 70)],
    }
    return LicencePaid(**(fields | changes))


def a_part(**changes):
    fields = {
        "code": "JP",
        "name": "Society",
        "currency": "JPY",
        "plan": "by usage",
        "received": 1360,
        "domestic": 0,
        "admin_fee": 136,
        "held": {"DISPUTED": 24},
        "members": [MemberEarned("m", "M", 1200, 1200, 0, None, [])],
        "remittance": 1360,
        "fx_rounding": 0,
    }
    return CollectivePart(**(fields | changes))


def test_a_balance_follows_money_into_another_currency():
    eur, jpy = balances([a_licence()], [a_part()])

    assert eur.equation() == (
        "10.00 received = 0.30 clearing fees + 0.00 members + 0.70 suspense"
        " + 1.00 later months + 8.00 converted out"
    )
    assert jpy.equation() == (
        "0 received + 1360 converted in = 136 admin fees + 1200 members + 24 outstanding"
    )


@pytest.mark.parametrize(
    ("licence", "part", "left"),
    [
        ({"received": 1001}, {}, "EUR: .*: 1 left"),
        ({"clearing_fee": 31}, {}, "EUR: .*: -1 left"),
        ({}, {"admin_fee": 135}, "JPY: .*: 1 left"),
        ({}, {"held": {"DISPUTED": 25}}, "JPY: .*: -1 left"),
    ],
)
def test_one_minor_unit_too_many_or_too_few_is_refused(licence, part, left):
    with pytest.raises(UnbalancedError, match=left):
        balances([a_licence(**licence)], [a_part(**part)])


@pytest.mark.parametrize(
    ("particulars", "text"),
    [
        ({"plan": "per_usage"}, "by usage"),
        ({"plan": "hybrid", "base_bps": 1250}, "hybrid: 12.5 % per head, the rest by usage"),
        (
            {"plan": "tiered", "tiers": {"gold": {"share_bps": 6000}, "base": {"share_bps": 4000}}},
            "tiered: gold 60 %, base 40 %",
        ),
    ],
)
def test_a_plan_is_said_in_a_few_words(particulars, text):
    assert plan_text(particulars) == text
