"""The published prices: half a minor unit goes to the even one; nobody pays below the minimum."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.licensing.rules import years_started
from federation.licensing.tariff import (
    Expected,
    NotCovered,
    PricedLine,
    QuoteLines,
    TariffBody,
    line_amount,
    price,
)

PER_1000 = {"TRAIN": {"premium": 3000, "standard": 1001}, "SEARCH": {"standard": 5}}
NODES = ["DE", "FR"]


def a_tariff(minimum_fee=0):
    return TariffBody(currency="EUR", per_1000=PER_1000, minimum_fee=minimum_fee)


def a_line(node, use, tier, units, per_1000, amount):
    return PricedLine(node, use, tier, str(units), str(per_1000), str(amount))


@pytest.mark.parametrize(
    ("units", "per_1000", "amount"),
    [
        (1000, 7, 7),
        (499, 1, 0),
        (500, 1, 0),
        (501, 1, 1),
        (1499, 1, 1),
        (1500, 1, 2),
        (2500, 1, 2),
        (2501, 1, 3),
        (3500, 1, 4),
        (1, 500, 0),
        (3, 500, 2),
        (0, 500, 0),
        (10**30, 1, 10**27),
        (5 * 10**32 + 500, 1, 5 * 10**29),
    ],
)
def test_half_a_minor_unit_goes_to_the_even_one(units, per_1000, amount):
    assert line_amount(units, per_1000) == amount


@given(st.integers(0, 10**24), st.integers(0, 10**12))
def test_a_line_costs_the_exact_price_rounded_half_to_even(units, per_1000):
    assert line_amount(units, per_1000) == round(Fraction(units * per_1000, 1000))


def test_what_is_asked_for_is_priced_line_by_line():
    asked = [
        Expected("DE", "TRAIN", "premium", 2500),
        Expected("FR", "TRAIN", "standard", 500),
        Expected("FR", "SEARCH", "standard", 100),
        Expected("DE", "TRAIN", "premium", 2500),
    ]

    assert price(a_tariff(minimum_fee=15500), asked, nodes=NODES) == QuoteLines(
        lines=[
            a_line("DE", "TRAIN", "premium", 2500, 3000, 7500),
            a_line("FR", "TRAIN", "standard", 500, 1001, 500),
            a_line("FR", "SEARCH", "standard", 100, 5, 0),
            a_line("DE", "TRAIN", "premium", 2500, 3000, 7500),
        ],
        not_covered=[],
        total="15500",
    )


def test_what_has_no_collective_or_no_price_is_not_covered_and_says_why():
    asked = [
        Expected("GB", "TRAIN", "premium", 1000),
        Expected("DE", "SEARCH", "premium", 1000),
        Expected("DE", "TRAIN", "standard", 1000),
        Expected("DE", "GROUND", "standard", 1000),
    ]
    no_price = "the tariff has no price for this use and content tier"

    assert price(a_tariff(), asked, nodes=NODES) == QuoteLines(
        lines=[a_line("DE", "TRAIN", "standard", 1000, 1001, 1001)],
        not_covered=[
            NotCovered("GB", "TRAIN", "premium", "no collective of this code is admitted"),
            NotCovered("DE", "SEARCH", "premium", no_price),
            NotCovered("DE", "GROUND", "standard", no_price),
        ],
        total="1001",
    )


def test_a_total_below_the_minimum_is_topped_up_by_a_line_of_its_own():
    asked = [Expected("DE", "SEARCH", "standard", 1000), Expected("DE", "TRAIN", "standard", 1000)]

    assert price(a_tariff(minimum_fee=1007), asked, nodes=NODES) == QuoteLines(
        lines=[
            a_line("DE", "SEARCH", "standard", 1000, 5, 5),
            a_line("DE", "TRAIN", "standard", 1000, 1001, 1001),
            PricedLine(None, "SEARCH", None, "0", "0", "1"),
        ],
        not_covered=[],
        total="1007",
    )


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "years"),
    [
        ("2026-09-01", "2026-09-01", 1),
        ("2026-09-01", "2027-08-31", 1),
        ("2026-09-01", "2027-09-01", 2),
        ("2026-09-01", "2036-08-31", 10),
        ("2024-02-29", "2025-02-28", 1),
        ("2024-02-29", "2025-03-01", 2),
        ("2026-09-01", "2026-08-31", 1),  # refused elsewhere
        ("2026-09-01", "9999-12-31", 10),  # refused elsewhere
    ],
)
def test_the_minimum_is_due_for_each_twelve_months_that_a_term_has_begun(starts_on, ends_on, years):
    begun = years_started(date.fromisoformat(starts_on), date.fromisoformat(ends_on))
    asked = [Expected("DE", "TRAIN", "standard", 1000)]
    quoted = price(a_tariff(minimum_fee=2000), asked, nodes=NODES, years=begun)

    assert begun == years
    assert [line.amount for line in quoted.lines] == ["1001", str(2000 * years - 1001)]
    assert quoted.total == str(2000 * years)


def test_a_total_at_the_minimum_is_left_as_it_is():
    asked = [Expected("DE", "TRAIN", "standard", 1000)]

    assert len(price(a_tariff(minimum_fee=1001), asked, nodes=NODES).lines) == 1


@pytest.mark.parametrize("asked", [[], [Expected("GB", "TRAIN", "standard", 1000)]])
def test_where_nothing_is_covered_no_minimum_is_due(asked):
    quoted = price(a_tariff(minimum_fee=100), asked, nodes=NODES)

    assert (quoted.lines, quoted.total, len(quoted.not_covered)) == ([], "0", len(asked))


expectations = st.lists(
    st.builds(
        Expected,
        st.sampled_from(["DE", "FR", "GB"]),
        st.sampled_from(["TRAIN", "SEARCH", "GROUND"]),
        st.sampled_from(["premium", "standard"]),
        st.integers(1, 10**9),
    ),
    max_size=6,
)


@given(expectations, st.integers(0, 10**6))
def test_a_quote_is_the_sum_of_its_lines_and_answers_each_question(asked, minimum):
    quoted = price(a_tariff(minimum), asked, nodes=NODES)
    priced = [line for line in quoted.lines if line.node is not None]

    assert int(quoted.total) == sum(int(line.amount) for line in quoted.lines)
    assert len(priced) + len(quoted.not_covered) == len(asked)
    assert int(quoted.total) >= minimum or not priced
    assert price(a_tariff(minimum), asked, nodes=list(reversed(NODES))) == quoted
