import json
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.settlement import check
from federation.settlement import run_document as rd
from federation.settlement.check import check_run_file
from federation.settlement.clearing import Clearing, Obligation, Position, clear, positions
from federation.settlement.computed import computed_with
from federation.settlement.fee_band import FeeBandError, effective_rate
from federation.settlement.rates import MissingRateError, Rates, StaleRateError
from federation.settlement.run import choose_weights, compute, received_by
from tests.settlement.runs import (
    RATES,
    a_collective,
    a_document,
    a_licence,
    build,
    licence_parts,
    parts,
)


def test_a_share_in_ones_own_licence_does_not_clear():
    document = a_document(
        {"GB-000001": a_licence("GB")},
        [("GB-000001", "GB", "1"), ("GB-000001", "JP", "2"), ("GB-000001", "~UNMATCHED", "1")],
    )
    result = compute(document)

    licence = result.licences["GB-000001"]
    assert (licence.revenue.clearing_fee, licence.revenue.collecting_fee) == (300, 1500)
    assert licence.shares == {"GB": 7050, "JP": 14_100, "~UNMATCHED": 7050}
    assert result.obligations == [
        Obligation("GB", "JP", "EUR", "share", "GB-000001", 14_100),
        Obligation("GB", "HUB", "EUR", "clearing_fee", "GB-000001", 300),
    ]
    assert {party: p.net for party, p in result.positions.items()} == {
        "HUB": 300,
        "DE": 0,
        "GB": -14_400,
        "JP": 14_100,
    }
    assert result.remittances == {"DE": 0, "GB": -12_007, "JP": 25_974}
    assert (result.income["GB"].received, result.income["GB"].domestic) == (0, 5878)
    assert received_by(result.licences, "JP") == ([("GB-000001", "EUR", 14_100)], [])


def test_each_sum_between_two_parties_is_converted_once():
    owed = [Obligation("GB", "DE", "JPY", "share", f"GB-{n:06d}", 1) for n in range(3)]

    cleared = clear(owed, Rates("EUR", {"JPY": ("2026-09-30", "184.21")}))

    assert cleared == [Clearing("GB", "DE", "JPY", 3, 2)]  # 3 yen are 1.63 cents
    assert positions(cleared, ["GB", "DE"])["DE"].net == 2


def test_a_licence_nobody_used_is_carried_forward_whole():
    brought = a_licence(brought_forward={"HUB-000001": "70"})
    licence = compute(a_document({"HUB-000001": brought})).licences["HUB-000001"]

    assert licence.shares == {}
    assert licence.carried_forward == licence.revenue.distributable == 30_000 - 900 + 70


def test_weights_of_earlier_periods_stand_in_for_none():
    assert choose_weights({"DE": 1}, {"GB": 2}) == ({"DE": 1}, "period")
    assert choose_weights({}, {"GB": 2}) == ({"GB": 2}, "earlier")
    assert choose_weights({}, {}) == ({}, "none")


def test_everybody_is_listed_even_with_nothing():
    result = compute(a_document({}, rates={}))

    assert set(result.positions) == {"HUB", "DE", "GB", "JP"}
    assert set(result.remittances) == set(result.income) == {"DE", "GB", "JP"}
    assert result.rates_used == {}


def test_the_effective_rate_takes_the_admin_fee_on_what_is_left():
    assert effective_rate(clearing_bps=300, collecting_bps=0, admin_bps=1000) == Fraction(127, 1000)


@pytest.mark.parametrize(("licensor", "upper"), [("HUB", 1270), ("DE", 600), ("GB", 1540)])
def test_fees_above_the_band_refuse_the_whole_run(licensor, upper):
    number = f"{licensor}-000001"
    licences = {number: a_licence(licensor)}
    shares_by = [(number, "DE", "1")]

    compute(a_document(licences, shares_by, band=(0, upper)))
    with pytest.raises(FeeBandError, match=number):
        compute(a_document(licences, shares_by, band=(0, upper - 1), rates={}))


def test_fees_below_the_band_are_a_warning():
    document = a_document(shares_by=[("HUB-000001", "DE", "1")], band=(1500, 3000))

    assert compute(document).warnings == ["HUB-000001 at DE: 1270.00 bps, below 1500"]


def test_fees_above_the_whole_revenue_are_refused():
    greedy = {"DE": a_collective(collecting_fee_bps=10_000)}
    document = a_document({"DE-000001": a_licence("DE")}, collectives=greedy)

    with pytest.raises(FeeBandError, match="exceed the revenue"):
        compute(document)


def test_a_missing_or_stale_rate_stops_the_run():
    document = a_document(shares_by=[("HUB-000001", "GB", "1")])
    old = {"GBP": rd.PublishedRate("2026-09-22", "0.8")}

    with pytest.raises(MissingRateError, match="GBP on 2026-09-30"):
        compute(msgspec.structs.replace(document, rates={}))
    with pytest.raises(StaleRateError, match="GBP"):
        compute(msgspec.structs.replace(document, rates=old))


def test_a_rate_only_a_distribution_needs_is_part_of_the_run():
    document = a_document({"GB-000001": a_licence("GB")}, [("GB-000001", "GB", "1")])
    table = {currency: (rate.date, rate.rate) for currency, rate in RATES.items()}

    sealed = computed_with(document, Rates("EUR", table)).document

    assert set(sealed.rates) == {"GBP"}
    assert compute(sealed).income["GB"].domestic == 23_513


def wire(document):
    return json.loads(rd.encode(document))


def test_a_document_is_one_text_whatever_the_order_of_its_parts():
    rows = [("HUB-000001", party, "1") for party in ("GB", "~UNMATCHED", "DE")]
    document = a_document(shares_by=rows)
    turned = msgspec.structs.replace(
        document,
        shares_by=rows[::-1],
        collectives=dict(reversed(document.collectives.items())),
    )

    assert rd.encode(document) == rd.encode(turned)
    assert [row[1] for row in wire(document)["shares_by"]] == ["DE", "GB", "~UNMATCHED"]
    assert rd.encode(rd.decode(rd.encode(document))) == rd.encode(document)
    assert len(rd.run_id(rd.encode(document))) == 64


BAD = [
    ("signature", "x", "Object contains unknown field `signature`"),
    ("format", 2, "Invalid enum value 2 - at `$.format`"),
    ("period", "2026-08", "the first period lies after the period"),
    ("reports", {"FR": "0" * 64}, "reports name an unknown collective"),
    ("rates", {"GBP": {"date": "2026-09-99", "rate": "1"}}, "day is out of range for month"),
    *(
        ("shares_by", rows, "shares_by names a licence or party twice or an unknown one")
        for rows in (
            [["HUB-000001", "DE", "1"], ["HUB-000001", "DE", "2"]],
            [["HUB-000002", "DE", "1"]],
            [["HUB-000001", "FR", "1"]],
            [["HUB-000001", "~LATE:DE", "1"]],  # its report is there
        )
    ),
    *(
        (field, value, " - at `$.")  # of a wrong shape: the reader names the place
        for field, value in (
            ("period", "2026-13"),
            ("shares_by", [["HUB-000001", "DE", 1]]),
            ("shares_by", [["HUB-000001", "DE", "01"]]),
            ("shares_by", [["HUB-000001", "DE", "-1"]]),
            ("shares_by", [["HUB-000001", "DE", "1\n"]]),
            ("reports", {"DE": "0" * 63}),
            ("classes", {"MATCHED": [-1, "5"]}),
        )
    ),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD)
def test_what_is_no_run_document_is_refused(field, value, reason):
    data = json.dumps({**wire(a_document()), field: value}).encode()

    with pytest.raises(rd.BadRunDocumentError) as refusal:
        rd.decode(data)
    assert refusal.value.code == "BAD_RUN_DOCUMENT"
    assert reason in refusal.value.detail
    if "`" not in reason:
        assert refusal.value.detail == reason


def test_a_node_whose_report_is_missing_may_weigh_what_it_did_and_no_other():
    late = ("HUB-000001", "~LATE:GB", "1")

    assert rd.decode(rd.encode(a_document(shares_by=[late]))).shares_by == [late]


TERM = "HUB-000001: its term or its components contradict themselves"
BESIDE = "HUB-000001: a component without id beside others"
PLAIN = "HUB-000001: a component id is empty, begins with ~ or holds a /"
BAD_LICENCE = [
    ("licensor", "FR", "HUB-000001: an unknown licensor"),
    ("ends_on", "2026-08-31", TERM),
    ("components", [], TERM),
    ("components", parts("a", "a"), TERM),
    ("components", parts(None, "a"), BESIDE),
    ("components", parts("a/b"), PLAIN),
    ("components", parts("~a"), PLAIN),
    ("components", parts(""), PLAIN),
    *(
        (field, {"HUB-000001/a": value}, "HUB-000001: an unknown component")
        for field, value in (
            ("recognised_before", "1"),
            ("brought_forward", "1"),
            ("weights_from", "period"),
        )
    ),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD_LICENCE)
def test_a_licence_that_contradicts_itself_is_refused(field, value, reason):
    document = wire(a_document())
    document["licences"]["HUB-000001"][field] = value

    with pytest.raises(rd.BadRunDocumentError) as refusal:
        rd.decode(json.dumps(document).encode())
    assert refusal.value.detail == reason


@pytest.mark.parametrize(("field", "value"), [("revoked", True), ("starts_on", "2026-02-30")])
def test_a_licence_of_a_wrong_shape_is_refused(field, value):
    document = wire(a_document())
    document["licences"]["HUB-000001"][field] = value

    with pytest.raises(rd.BadRunDocumentError):
        rd.decode(json.dumps(document).encode())


HALVES = {"low": {"minimum_works": 0, "share_bps": 5000}}
BAD_PLAN = [
    ({"plan": "lottery"}, "Invalid enum value 'lottery'"),
    ({"plan": "hybrid"}, "`base_bps` belongs to the plan `hybrid`, and only to it"),
    ({"base_bps": 4000}, "`base_bps` belongs to the plan `hybrid`, and only to it"),
    ({"plan": "tiered"}, "`tiers` belong to the plan `tiered`, and only to it"),
    ({"plan": "tiered", "tiers": HALVES}, "the shares of `tiers` do not sum to 10000"),
    (
        {"plan": "tiered", "tiers": {**HALVES, "high": HALVES["low"]}},
        "two `tiers` have the same minimum of works",
    ),
    (
        {"plan": "tiered", "tiers": {"~low": {"minimum_works": 0, "share_bps": 10_000}}},
        "`~low` may not be empty, start with ~ or hold a /",
    ),
]


@pytest.mark.parametrize(("particulars", "reason"), BAD_PLAN)
def test_a_plan_whose_particulars_do_not_fit_is_refused(particulars, reason):
    document = wire(a_document())
    document["collectives"]["DE"] |= particulars

    with pytest.raises(rd.BadRunDocumentError) as refusal:
        rd.decode(json.dumps(document).encode())
    assert reason in refusal.value.detail
    assert "$.collectives[" in refusal.value.detail


def test_a_licence_may_end_on_the_day_it_begins():
    licence = a_licence(starts_on="2026-09-30", ends_on="2026-09-30")

    assert rd.decode(rd.encode(a_document({"HUB-000001": licence}))).licences == {
        "HUB-000001": licence
    }


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"null"])
def test_bytes_that_are_no_document_fail_the_first_check(data):
    [(name, (examined, violations))] = check_run_file(data).items()

    assert (name, examined) == ("computable", 1)
    assert violations[0].startswith("BAD_RUN_DOCUMENT")


def failed(document, data=None):
    checks = check_run_file(data or rd.encode(document))
    return {name for name, (_, violations) in checks.items() if violations}


def test_the_auditors_checks_name_what_is_wrong():
    licences = {"HUB-000001": a_licence(weights_from={"HUB-000001": "period"})}
    shares_by = [("HUB-000001", "GB", "1")]
    good = a_document(licences, shares_by, rates={"GBP": RATES["GBP"]})

    assert failed(good) == set()
    assert failed(good, rd.encode(good) + b"\n") == {"canonical_bytes"}
    assert failed(msgspec.structs.replace(good, rates=RATES)) == {"rates_used"}
    assert failed(msgspec.structs.replace(good, rates={})) == {"computable"}
    unexplained = msgspec.structs.replace(good, shares_by=[], rates={})
    assert failed(unexplained) == {"weights_accounted"}


@given(st.lists(licence_parts, max_size=6))
def test_whatever_was_sold_and_used_no_cent_is_lost_and_the_nets_sum_to_nothing(parts):
    table = {currency: (rate.date, rate.rate) for currency, rate in RATES.items()}
    document = computed_with(build(parts), Rates("EUR", table)).document
    result = compute(document)

    assert sum(position.net for position in result.positions.values()) == 0
    gross = sum(position.receivable for position in result.positions.values())
    assert sum(abs(position.net) for position in result.positions.values()) <= 2 * gross
    assert failed(document) == set()


@pytest.mark.parametrize("number", ["HUB-000001", "HUB-000002", "GB-000001"])
@pytest.mark.parametrize("component", [None, "a", "b"])
def test_nodes_that_tie_take_turns_by_licence_and_component(number, component):
    key = number if component is None else f"{number}/{component}"
    terms = [rd.ComponentInRun(component, ["TRAIN"], "TOKEN", "1")]
    licence = a_licence(number.split("-")[0], fee=1, components=terms)
    shares_by = [(key, node, "7") for node in ("DE", "GB", "JP", "~UNMATCHED")]

    [share] = compute(a_document({number: licence}, shares_by)).licences[key].shares

    assert share == min(
        ("DE", "GB", "JP", "~UNMATCHED"),
        key=lambda party: sha256(f"2026-09/{key}/{party}".encode()).hexdigest(),
    )


def test_a_rate_at_the_lower_end_of_the_band_is_no_warning():
    document = a_document(shares_by=[("HUB-000001", "DE", "1")], band=(1270, 1270))

    assert compute(document).warnings == []


SHARED = a_document(
    {
        "HUB-000001": a_licence(weights_from={"HUB-000001": "period"}),
        "HUB-000002": a_licence(weights_from={"HUB-000002": "period"}),
    },
    [("HUB-000001", "DE", "1"), ("HUB-000001", "JP", "1"), ("HUB-000002", "JP", "1")],
    rates={"JPY": RATES["JPY"]},
)


def tampered(result, *, shares=None, cleared=None):
    """What a defect in the run's own arithmetic would leave."""
    licence = result.licences["HUB-000001"]
    changed = replace(licence, shares=shares or licence.shares)
    licences = {**result.licences, "HUB-000001": changed}
    return replace(result, licences=licences, cleared=cleared or result.cleared)


@pytest.mark.parametrize(
    ("shares", "names"),
    [
        (
            {"DE": 14_550, "JP": 14_549},
            {"shares_sum_to_distributable", "nothing_lost", "shares_near_exact"},
        ),
        ({"DE": 14_551, "JP": 14_549}, {"shares_near_exact"}),
    ],
)
def test_a_wrong_share_would_be_found(monkeypatch, shares, names):
    wrong = tampered(compute(SHARED), shares=shares)
    monkeypatch.setattr(check, "compute", lambda _: wrong)

    assert failed(SHARED) == names


def test_a_sum_that_is_cleared_twice_or_wrongly_would_be_found(monkeypatch):
    right = compute(SHARED)
    assert failed(SHARED) == set()

    for cleared in (
        [*right.cleared, right.cleared[0]],
        right.cleared[1:],
        [replace(right.cleared[0], cleared=1), *right.cleared[1:]],
    ):
        wrong = tampered(right, cleared=cleared)
        monkeypatch.setattr(check, "compute", lambda _, wrong=wrong: wrong)
        assert failed(SHARED) - {"nets_within_gross"} == {"converted_once"}


def test_nets_that_do_not_sum_to_nothing_would_be_found(monkeypatch):
    right = compute(SHARED)
    wrong = replace(right, positions={**right.positions, "DE": Position(1, 0)})
    monkeypatch.setattr(check, "compute", lambda _: wrong)

    assert failed(SHARED) == {"nets_sum_to_zero"}
