"""Months computed again: exact differences, and the same as if everything had come in time."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.settlement.computed import computed_with
from federation.settlement.recompute import Usage, difference, recompute
from federation.settlement.run_document import decode
from federation.settlement.weights import shares_by, sum_of_months
from federation.values.month import last_day
from federation.values.party import HUB

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
    from federation.settlement.rates import Rates  # noqa: PLC0415

    return Rates(document.hub.clearing_currency, dated(period), on=last_day(period))


def a_usage(own):
    return Usage(own, dict.fromkeys(MODEL.collectives, "0" * 64), MODEL.classes)


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
