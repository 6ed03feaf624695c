"""Months computed again: exact differences, and the same as if everything had come in time."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.settlement.clearing import Clearing
from federation.settlement.computed import computed_with, read_run
from federation.settlement.rates import Rates, StaleRateError
from federation.settlement.recompute import Corrected, Usage, _rates, between, difference, recompute
from federation.settlement.revenue import Revenue
from federation.settlement.run_document import PublishedRate, decode
from federation.settlement.weights import shares_by, sum_of_months
from federation.values.month import last_day
from federation.values.party import HUB
from tests.settlement.recomputed import a_run, corrected
from tests.settlement.runs import a_collective, a_document, a_licence

MODEL = decode((Path(__file__).parents[1] / "scenario" / "run.json").read_bytes())
RATES = {currency: (rate.date, rate.rate) for currency, rate in MODEL.rates.items()}
KEYS = [key for number, terms in MODEL.licences.items() for key in terms.keys(number)]
PARTIES = [*MODEL.collectives, "~UNMATCHED", "~DISPUTED"]
MONTHS = ["2026-09", "2026-10", "2026-11"]

WEIGHTS = st.dictionaries(
    st.sampled_from(KEYS),
    st.dictionaries(st.sampled_from(PARTIES), st.integers(1, 10**12), max_size=5),
    max_size=len(KEYS),
)


def dated(period):
    """Return the model's rates as published on a month's last days."""
    return {currency: (f"{period}-30", rate) for currency, (_, rate) in RATES.items()}


def settled(own):
    """Settle months one after the other, as runs do, from usage known in time."""
    runs, left = [], {}
    for period in MONTHS:
        earlier = sum_of_months({month: own[month] for month in MONTHS if month < period})
        licences = {
            number: msgspec.structs.replace(
                terms,
                ends_on="2026-12-31",
                recognised_before={k: str(left.get(k, (0, 0))[0]) for k in terms.keys(number)},
                brought_forward={k: str(left.get(k, (0, 0))[1]) for k in terms.keys(number)},
                weights_from={
                    k: "period"
                    if any(own[period].get(k, {}).values())
                    else ("earlier" if any(earlier.get(k, {}).values()) else "none")
                    for k in terms.keys(number)
                },
            )
            for number, terms in MODEL.licences.items()
        }
        document = msgspec.structs.replace(
            MODEL,
            period=period,
            licences=licences,
            shares_by=shares_by(own[period], earlier),
            rates={},
            reports=dict.fromkeys(MODEL.collectives, "0" * 64),
        )
        from_rates = rates_of(document, period)
        run = computed_with(document, from_rates)
        runs.append(run)
        for key, licence in run.result.licences.items():
            before, _ = left.get(key, (0, 0))
            left[key] = (before + licence.revenue.recognised, licence.carried_forward)
    return runs


def rates_of(document, period):
    return Rates(document.hub.clearing_currency, dated(period), on=last_day(period))


def a_usage(own):
    return Usage(own, dict.fromkeys(MODEL.collectives, "0" * 64), MODEL.classes)


REVENUE = ("allocated", "recognised", "clearing_fee", "collecting_fee", "brought_forward")


def assert_adds_up(item, moved):
    """What was and what a correction moves are together what the month comes to now."""
    for key, new in item.new.result.licences.items():
        old, change = item.old.result.licences[key], moved.licences.get(key)
        was = [getattr(old.revenue, name) for name in REVENUE]
        more = [getattr(change.revenue, name) if change else 0 for name in REVENUE]
        assert [a + b for a, b in zip(was, more, strict=True)] == [
            getattr(new.revenue, name) for name in REVENUE
        ]
        carried = change.carried_forward if change else 0
        assert old.carried_forward + carried == new.carried_forward
        has_moved = (old.shares, old.carried_forward) != (new.shares, new.carried_forward)
        assert (change is not None) is (has_moved or any(more[1::3]))
    pairs = {}
    for sign, rows in (
        (-1, item.new.result.cleared),
        (1, item.old.result.cleared),
        (1, moved.cleared),
    ):
        for row in rows:
            key = (row.debtor, row.creditor, row.currency)
            amount, cleared = pairs.get(key, (0, 0))
            pairs[key] = (amount + sign * row.amount, cleared + sign * row.cleared)
    assert set(pairs.values()) <= {(0, 0)}
    assert all(row.amount or row.cleared for row in moved.cleared)
    for node, position in moved.positions.items():
        if node != HUB:
            sign = (position.net > 0) - (position.net < 0)
            assert moved.remittances[node] * sign >= 0
            assert bool(moved.remittances[node]) <= bool(sign)


@settings(max_examples=60, deadline=None)
@given(st.tuples(WEIGHTS, WEIGHTS, WEIGHTS), WEIGHTS)
def test_originals_and_corrections_are_the_months_computed_from_scratch(known, late):
    own = dict(zip(MONTHS, known, strict=True))
    originals = settled(own)
    new = sum_of_months({"known": own[MONTHS[0]], "late": late})

    chain = recompute(
        originals,
        {MONTHS[0]: a_usage(new)},
        own,
        {},
        {period: dated(period) for period in MONTHS},
    )

    assert [item.new for item in chain] == settled(own | {MONTHS[0]: new})
    for item in chain:
        moved = difference(item, dated(item.new.document.period))
        assert sum(position.net for position in moved.positions.values()) == 0
        assert_adds_up(item, moved)
        for key, licence in item.new.result.licences.items():
            change = moved.licences[key].shares if key in moved.licences else {}
            before = item.old.result.licences[key].shares
            assert licence.shares == {
                party: amount
                for party in sorted({*before, *change})
                if (amount := before.get(party, 0) + change.get(party, 0))
            }
        for node, (asked, cleared) in moved.called.items():
            assert 0 < cleared <= -moved.positions[node].net
            assert 0 <= asked <= -moved.remittances[node]


def test_the_same_usage_changes_nothing():
    own = {month: {KEYS[0]: {"GB": 3, "DE": 1}} for month in MONTHS}
    originals = settled(own)

    chain = recompute(originals, {}, own, {}, {})

    assert [item.new for item in chain] == originals
    assert all(difference(item, {}).moved == 0 for item in chain)


def test_what_lies_with_a_debtor_that_left_is_kept_out_of_the_net():
    national = next(key for key in KEYS if not key.startswith(HUB))
    licensor = national.partition("-")[0]
    others = [code for code in MODEL.collectives if code != licensor]
    own = {month: {national: {others[0]: 1, licensor: 1}} for month in MONTHS}
    new = {national: {others[0]: 1, others[1]: 2, licensor: 1}}
    [item, *_] = recompute(
        settled(own), {MONTHS[0]: a_usage(new)}, own, {}, {m: dated(m) for m in MONTHS}
    )

    netted = difference(item, dated(MONTHS[0]))
    apart = difference(item, dated(MONTHS[0]), [licensor])

    assert netted.bilateral == []
    assert apart.cleared == []
    assert apart.bilateral == netted.cleared
    assert {row.creditor for row in apart.bilateral} == set(others)
    assert all(position.net == 0 for position in apart.positions.values())


def test_a_correction_moves_what_the_month_comes_to_now_less_what_it_came_to():
    item = corrected(a_run(("DE", "1"), ("GB", "1")), {"HUB-000001": {"DE": 1, "GB": 2}})
    moved = difference(item, {})

    assert moved.licences["HUB-000001"].shares == {"DE": -4_850, "GB": 4_850}
    assert moved.licences["HUB-000001"].revenue == Revenue(0, 0, 0, 0, 0)
    assert moved.cleared == [
        Clearing("HUB", "DE", "EUR", -4_850, -4_850),
        Clearing("HUB", "GB", "EUR", 4_850, 4_850),
    ]
    assert moved.moved == 9_700
    assert moved.remittances == {"DE": -4_850, "GB": 4_850}
    assert moved.called == {}
    assert item.new.document.reports == {"DE": "0" * 64, "GB": "1" * 64}
    assert item.new.document.classes == {"MATCHED": (9, "90")}


def test_use_found_late_ends_what_was_carried_forward_and_stands_as_brought_before():
    standing = {"HUB-000001": (700, 50)}
    item = corrected(a_run(), {"HUB-000001": {"GB": 2}}, standing=standing)
    terms = item.new.document.licences["HUB-000001"]
    moved = difference(item, {}).licences["HUB-000001"]

    assert (terms.recognised_before, terms.brought_forward) == (
        {"HUB-000001": "700"},
        {"HUB-000001": "50"},
    )
    assert terms.weights_from == {"HUB-000001": "period"}
    # 293.00 are recognised instead of 300.00, 3 % of them are 8.79, and 0.50 were brought forward.
    assert moved.revenue == Revenue(0, -700, -21, 0, 50)
    assert (moved.shares, moved.carried_forward) == ({"GB": 28_471}, -29_100)


def test_a_month_corrected_to_no_use_is_paid_by_earlier_months_or_carried_forward():
    run = a_run(("GB", "2"), period="2026-09", first_period="2026-08")
    history = {"2026-08": {"HUB-000001": {"DE": 1}}, "2026-10": {"HUB-000001": {"GB": 9}}}
    none = corrected(run, {"HUB-000001": {}})
    earlier = corrected(run, {"HUB-000001": {}}, history=history)

    assert none.new.document.licences["HUB-000001"].weights_from == {"HUB-000001": "none"}
    assert difference(none, {}).licences["HUB-000001"].carried_forward == 29_100
    assert earlier.new.document.licences["HUB-000001"].weights_from == {"HUB-000001": "earlier"}
    assert earlier.new.document.shares_by == [("HUB-000001", "DE", "1")]


def test_a_report_that_is_still_missing_weighs_what_its_last_months_did():
    run = a_run(("DE", "1"), ("~LATE:GB", "1"), reports=["DE"], first_period="2026-08")
    usage = Usage({"HUB-000001": {"DE": 3}}, {"DE": "1" * 64}, {})
    history = {"2026-08": {"HUB-000001": {"GB": 5}}}
    [item] = recompute([run], {"2026-09": usage}, history, {}, {})

    assert item.new.document.shares_by == [
        ("HUB-000001", "DE", "3"),
        ("HUB-000001", "~LATE:GB", "5"),
    ]


def test_what_is_settled_directly_is_converted_at_the_original_rates():
    """33 cents at 0.5 are 16.5 pence: half to even; a rate of the correction's own is used last."""
    in_pounds = {"DE": a_collective(), "GB": a_collective("GBP")}
    rows = [("HUB-000001", "GB", "1")]
    licence = a_licence(
        received="31000",
        recognised_before={"HUB-000001": "0"},
        brought_forward={"HUB-000001": "0"},
        weights_from={"HUB-000001": "period"},
    )
    rates = {"GBP": PublishedRate("2026-09-30", "0.5")}
    document = a_document(
        {"HUB-000001": licence},
        rows,
        collectives=in_pounds,
        rates=rates,
        reports=dict.fromkeys(in_pounds, "0" * 64),
    )
    run = computed_with(
        document, Rates("EUR", {"GBP": ("2026-09-30", "0.5")}, on=date(2026, 9, 30))
    )
    item = Corrected(run, run)
    other = {"GBP": ("2026-09-29", "0.9")}

    def converted(cleared, node):
        return between(item, Clearing("DE", "GB", "EUR", cleared, cleared), node, other)

    assert [converted(cents, "GB") for cents in (33, 35, -33, -35, 0)] == [16, 18, -16, -18, 0]
    assert [converted(cents, "DE") for cents in (33, -33)] == [33, -33]
    assert read_run(run.data) == run


def test_a_difference_of_one_side_alone_is_a_difference_and_one_unit_is_asked_for():
    """A yen is less than half a cent: it moves, although both sides book nothing for it."""
    run = a_run(("DE", "1"))

    def cleared(*rows):
        return replace(run, result=replace(run.result, cleared=list(rows)))

    yen = [Clearing("HUB", "DE", "JPY", amount, 0) for amount in (1, 2)]
    moved = difference(Corrected(cleared(yen[0]), cleared(yen[1])), {})
    assert moved.cleared == [Clearing("HUB", "DE", "JPY", 1, 0)]

    owed = [Clearing("DE", "GB", "EUR", amount, amount) for amount in (5, 6)]
    moved = difference(Corrected(cleared(owed[0]), cleared(owed[1])), {})
    assert (moved.called, moved.remittances) == ({"DE": (1, 1)}, {"DE": -1, "GB": 1})


@pytest.mark.parametrize(("day", "is_stale"), [("2026-09-23", False), ("2026-09-22", True)])
def test_a_rate_that_only_a_correction_needs_is_held_to_its_month(day, is_stale):
    rates = _rates(a_run(("DE", "1")).document, {"GBP": (day, "0.5")})

    with pytest.raises(StaleRateError) if is_stale else nullcontext():
        assert rates.convert(33, "EUR", "GBP") == 16
