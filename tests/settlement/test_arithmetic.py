from datetime import date
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.money import UnknownCurrencyError
from federation.settlement.arithmetic import (
    NothingToSplitBy,
    largest_remainder,
    part,
    split_over_months,
)
from federation.settlement.rates import (
    DuplicateRateError,
    MalformedRateError,
    MissingRateError,
    Rates,
    StaleRateError,
    parse_rate,
    reference_rates,
)

keys = st.text(max_size=4)
integers = st.integers(0, 10**25)
fractions = st.fractions(0, 10**6, max_denominator=10**6)

weights = st.dictionaries(keys, integers | fractions, min_size=1, max_size=12).filter(
    lambda by_key: any(by_key.values())
)

totals = st.integers(0, 10**20)


def split(total, by_key, scope="2026-09/HUB-000001"):
    return largest_remainder(total, by_key, scope=scope)


def test_a_fee_is_rounded_down():
    assert part(999, 333) == 33
    assert part(0, 300) == 0
    assert part(10**30 + 9999, 1) == 10**26


@pytest.mark.parametrize(("total", "bps"), [(-1, 300), (1, -300)])
def test_a_fee_is_never_taken_of_a_debt(total, bps):
    with pytest.raises(ValueError, match="0 or more"):
        part(total, bps)


@given(totals, st.integers(0, 10_000))
def test_a_fee_is_the_floor_of_the_exact_one(total, bps):
    assert 0 <= Fraction(total * bps, 10_000) - part(total, bps) < 1


def test_the_largest_remainders_get_what_is_left_over():
    assert split(6, {"a": 7, "b": 7, "c": 7, "d": 9})["d"] == 2
    assert split(10, {"a": 1, "b": 2, "c": 3}) == {"a": 2, "b": 3, "c": 5}


def test_a_tie_goes_to_the_smaller_digest_and_so_takes_turns():
    winners = set()
    for month in range(1, 13):
        scope = f"2026-{month:02d}/HUB-000001"
        [winner] = split(1, {"GB": 5, "DE": 5, "FR": 5}, scope)
        winners.add(winner)
        assert winner == min(
            ("GB", "DE", "FR"), key=lambda key: sha256(f"{scope}/{key}".encode()).hexdigest()
        )

    assert winners == {"GB", "DE", "FR"}


def test_weights_may_be_exact_fractions():
    assert split(10, {"a": Fraction(1, 3), "b": Fraction(2, 3), "c": 4}) == {"a": 1, "b": 1, "c": 8}


@pytest.mark.parametrize("by_key", [{}, {"a": 0}, {"a": Fraction(0), "b": 0}])
def test_without_weight_there_is_nothing_to_split_by(by_key):
    with pytest.raises(NothingToSplitBy):
        split(7, by_key)


@pytest.mark.parametrize(("total", "by_key"), [(-1, {"a": 1}), (1, {"a": 2, "b": -1})])
def test_nothing_negative_is_split(total, by_key):
    with pytest.raises(ValueError, match="0 or more"):
        split(total, by_key)


@given(totals, weights)
def test_no_unit_is_lost_or_made(total, by_key):
    assert sum(split(total, by_key).values()) == total


@given(totals, weights, st.randoms())
def test_a_split_does_not_depend_on_the_order_of_its_weights(total, by_key, random):
    items = list(by_key.items())
    random.shuffle(items)

    assert split(total, dict(items)) == split(total, by_key)


@given(totals, weights)
def test_a_share_is_less_than_one_unit_from_the_exact_one(total, by_key):
    shares, whole = split(total, by_key), sum(by_key.values())

    for key, weight in by_key.items():
        assert abs(shares.get(key, 0) - Fraction(total) * weight / whole) < 1


@given(totals, weights)
def test_weight_nothing_and_amount_nothing_are_not_listed(total, by_key):
    shares = split(total, by_key)

    assert all(shares.values())
    assert all(by_key[key] for key in shares)


@given(totals, weights)
def test_a_bigger_weight_never_gets_less(total, by_key):
    shares = split(total, by_key)
    ranked = sorted(by_key, key=lambda key: by_key[key])

    for lighter, heavier in pairwise(ranked):
        if by_key[lighter] < by_key[heavier]:
            assert shares.get(lighter, 0) <= shares.get(heavier, 0)


@given(totals, weights, st.integers(1, 10**9))
def test_the_unit_weights_are_measured_in_does_not_matter(total, by_key, factor):
    assert split(total, {k: w * Fraction(1, factor) for k, w in by_key.items()}) == split(
        total, by_key
    )


@given(totals, weights)
def test_a_split_is_the_one_the_rule_words(total, by_key):
    """The definition itself, each key ranked by remainder and digest."""
    whole, exact = sum(by_key.values()), {}
    for key, weight in by_key.items():
        exact[key] = divmod(Fraction(total) * weight / whole, 1)
    shares = {key: int(floor) for key, (floor, _) in exact.items()}
    turn = {key: sha256(f"2026-09/x/{key}".encode()).hexdigest() for key in exact}
    ranked = sorted(exact, key=lambda key: (-exact[key][1], turn[key]))
    for key in ranked[: total - sum(shares.values())]:
        shares[key] += 1

    assert split(total, by_key, "2026-09/x") == {key: a for key, a in shares.items() if a}


def test_months_that_tie_are_served_in_order():
    assert split_over_months(1, {"2026-10": 1, "2026-09": 1}) == {"2026-09": 1}
    assert split_over_months(7, {"2026-09": 30, "2026-10": 30}) == {"2026-09": 4, "2026-10": 3}


ECB = {"USD": ("2026-09-30", "1.1355"), "JPY": ("2026-09-30", "184.21")}
ECB["KWD"] = ("2026-09-30", "0.34871")
RATES = Rates("EUR", ECB)


def test_conversion_knows_the_decimals_of_both_currencies():
    assert RATES.convert(10_000, "EUR", "USD") == 11_355
    assert RATES.convert(10_000, "EUR", "JPY") == 18_421
    assert RATES.convert(10_000, "EUR", "KWD") == 34_871
    assert RATES.convert(34_871, "KWD", "JPY") == 18_421


def test_conversion_rounds_half_to_even():
    half = Rates("EUR", {"USD": ("2026-09-30", "0.5")})

    assert [half.convert(n, "EUR", "USD") for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


def test_only_money_that_changes_currency_needs_a_rate():
    none = Rates("EUR", {})

    assert none.convert(0, "GBP", "XXL") == 0
    assert none.convert(5, "GBP", "GBP") == 5
    assert none.used == {}
    with pytest.raises(MissingRateError, match="GBP"):
        none.convert(5, "GBP", "EUR")


def test_what_is_no_currency_is_refused():
    with pytest.raises(UnknownCurrencyError):
        RATES.convert(1, "EUR", "ZZZ")


def test_rates_note_which_of_them_were_used():
    rates = Rates("EUR", ECB)
    rates.convert(5, "USD", "KWD")
    rates.convert(0, "JPY", "EUR")

    assert rates.used == {"KWD": ("2026-09-30", "0.34871"), "USD": ("2026-09-30", "1.1355")}


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", *ECB]), st.sampled_from([*ECB]))
def test_conversion_is_symmetric_and_within_half_a_unit(amount, source, target):
    converted = RATES.convert(amount, source, target)

    assert RATES.convert(-amount, source, target) == -converted
    assert abs(converted - amount * RATES.factor(source, target)) <= Fraction(1, 2)
    assert RATES.factor(source, target) * RATES.factor(target, source) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0.000", "-1", "+1", "1e3", "1,5", ".5", "5.", " 1", "1\n", "NaN", "1/2", "1_0"),
        "9" * 19,
        "\u0661",
    ],
)
def test_a_rate_is_a_plain_number_above_nothing(text):
    with pytest.raises(MalformedRateError) as refusal:
        parse_rate(text)

    assert refusal.value.code == "MALFORMED_RATE"


def test_a_rate_is_read_exactly():
    assert parse_rate("0.34871") == Fraction(34871, 100_000)


def table(*days, currency="USD"):
    return [(date.fromisoformat(day), currency, f"1.{index + 1}") for index, day in enumerate(days)]


def test_the_reference_rate_is_the_last_one_in_the_period():
    rates = reference_rates(table("2026-09-29", "2026-10-01", "2026-09-28"), "EUR", "2026-09")

    assert rates.convert(10, "EUR", "USD") == 11
    assert rates.used == {"USD": ("2026-09-29", "1.1")}


def test_a_rate_seven_days_old_will_do_and_an_older_one_only_where_no_money_needs_it():
    assert reference_rates(table("2026-09-23"), "EUR", "2026-09").convert(10, "EUR", "USD") == 11
    stale = reference_rates(table("2026-09-22"), "EUR", "2026-09")

    assert stale.convert(0, "EUR", "USD") == 0
    with pytest.raises(StaleRateError, match=r"USD on 2026-09-30, last on 2026-09-22"):
        stale.convert(10, "EUR", "USD")


def test_a_rate_published_after_the_period_does_not_exist():
    with pytest.raises(MissingRateError, match=r"USD on 2026-09-30"):
        reference_rates(table("2026-10-01"), "EUR", "2026-09").convert(10, "EUR", "USD")
    named = Rates("EUR", {"USD": ("2026-10-01", "1.1")}, on=date(2026, 9, 30))
    with pytest.raises(MissingRateError, match=r"only on 2026-10-01"):
        named.convert(10, "EUR", "USD")


def test_two_rates_for_one_currency_and_day_are_refused():
    with pytest.raises(DuplicateRateError, match=r"USD on 2026-09-29"):
        reference_rates(table("2026-09-29", "2026-09-29"), "EUR", "2026-09")
