"""The auditors' checks, one by one: what each looks at, and what it says of what is wrong."""

from dataclasses import replace

import msgspec
import pytest

from federation.settlement import check
from federation.settlement import run_document as rd
from federation.settlement.check import check_run_file
from federation.settlement.run import compute
from tests.settlement.runs import a_document, a_licence

KEY, OTHER, PARTS = "HUB-000001", "GB-000001", "HUB-000002"
ROWS = [(KEY, "DE", "3"), (KEY, "GB", "1"), (OTHER, "JP", "1")]


def a_run(rows=ROWS, **origins):
    two = [rd.ComponentInRun(name, [name], "TOKEN", "10") for name in ("a", "b")]
    licences = {
        KEY: a_licence(weights_from={KEY: origins.get("key", "period")}),
        OTHER: a_licence("GB", currency="GBP", weights_from={OTHER: "period"}),
        PARTS: a_licence(components=two, received="20", weights_from=origins.get("parts", {})),
    }
    return a_document(licences, rows)


def test_a_sound_file_is_examined_by_every_check():
    document = rd.in_order(a_run())

    assert check_run_file(rd.encode(document)) == {
        "computable": (1, []),
        "canonical_bytes": (1, []),
        "any_order_same_run": (3, []),
        "rates_used": (2, []),
        "weights_accounted": (3, []),
        "shares_sum_to_distributable": (4, []),
        "nothing_lost": (4, []),
        "shares_near_exact": (3, []),
        "shares_follow_weights": (3, []),
        "converted_once": (4, []),
        "nets_sum_to_zero": (4, []),
        "nets_within_gross": (4, []),
    }


def test_other_bytes_are_not_canonical():
    document = a_run()

    assert check._canonical(rd.encode(document) + b" ", document) == (1, ["not in canonical form"])


def test_the_opposite_order_is_that_of_every_part_of_the_document(monkeypatch):
    document = a_run()
    computed = []
    monkeypatch.setattr(check, "compute", lambda turned: computed.append(turned) or "result")
    monkeypatch.setattr(check, "encode", lambda _: b"same")

    assert check._any_order(document, "result") == (3, [])
    assert check._any_order(document, "another") == (3, ["other results"])
    [turned, _] = computed
    assert turned.shares_by == document.shares_by[::-1]
    for part in ("licences", "collectives", "rates"):
        there, back = getattr(document, part), getattr(turned, part)
        assert (back, list(back)) == (there, list(there)[::-1])


def test_a_document_whose_bytes_follow_its_order_is_named(monkeypatch):
    monkeypatch.setattr(check, "encode", lambda document: list(document.licences))

    assert check._any_order(a_run(), compute(a_run())) == (3, ["other bytes"])


def test_weights_that_are_not_where_a_licence_says_are_named():
    rows = [(KEY, "DE", "0"), (PARTS + "/a", "GB", "5")]
    document = a_run(rows, parts={f"{PARTS}/b": "earlier"})

    assert check._weights_accounted(document) == (
        2,
        [
            f"{KEY} DE: 0",
            f"{OTHER}: says period",
            f"{PARTS}/a: says none",
            f"{PARTS}/b: says earlier",
        ],
    )
    assert check._weights_accounted(a_run([], key="none"))[1] == [f"{OTHER}: says period"]


def with_shares(**shares):
    document = a_run()
    result = compute(document)
    licence = replace(result.licences[KEY], shares=shares)
    return document, replace(result, licences={**result.licences, KEY: licence})


def test_money_that_is_lost_is_named_by_its_licence():
    _, result = with_shares(DE=21_825, GB=7_274)

    assert check._nothing_lost(result) == (4, [KEY])
    assert check._shares_sum(result) == (4, [KEY])


@pytest.mark.parametrize(
    ("weights", "shares", "wrong"),
    [
        ({"DE": "3", "GB": "1"}, {"DE": 0, "GB": 0}, []),
        ({"DE": "3", "GB": "1"}, {"DE": 5, "GB": 5}, []),
        ({"DE": "3", "GB": "1"}, {"DE": 5, "GB": 6}, ["DE: 5, less than 6"]),
        ({"DE": "3", "GB": "3"}, {"DE": 5, "GB": 6}, []),  # equal weights take turns
        ({"DE": "3", "GB": "1", "JP": "2"}, {"DE": 5, "GB": 6, "JP": 7}, ["DE: 5, less than 7"]),
        ({"DE": "3", "GB": "0"}, {"GB": 1}, ["DE: 0, less than 1"]),
        ({"DE": "3", "GB": "1", "JP": "3"}, {"DE": 1, "GB": 2, "JP": 9}, ["DE: 1, less than 2"]),
        (
            {"DE": "3", "GB": "1", "JP": "2"},
            {"DE": 1, "GB": 7, "JP": 1},
            ["JP: 1, less than 7", "DE: 1, less than 7"],
        ),
    ],
)
def test_a_smaller_share_for_a_bigger_weight_is_named(weights, shares, wrong):
    _, result = with_shares(**shares)
    document = a_run([(KEY, party, weight) for party, weight in weights.items()])

    assert check._shares_follow_weights(document, result) == (
        len(weights),
        [f"{KEY} {text} for a smaller weight" for text in wrong],
    )


@pytest.mark.parametrize(
    ("shares", "wrong"),
    [
        ({"DE": 21_825, "GB": 7_275}, []),
        ({"DE": 21_826, "GB": 7_275}, ["DE"]),
        ({"DE": 21_825, "GB": 7_274}, ["GB"]),
        ({"DE": 21_825, "GB": 7_275, "JP": 1}, ["JP"]),
    ],
)
def test_a_share_that_is_a_unit_away_from_the_exact_one_is_named(shares, wrong):
    document, result = with_shares(**shares)
    document = msgspec.structs.replace(document, shares_by=[*document.shares_by, (KEY, "JP", "0")])

    assert check._shares_near_exact(document, result) == (4, [f"{KEY} {p}" for p in wrong])


def test_a_sum_that_is_converted_otherwise_is_named():
    document = a_run()
    result = compute(document)
    first, *others = result.cleared
    text = ["a sum is converted twice, wrongly or not at all"]

    assert check._converted_once(document, result) == (4, [])
    for cleared in (
        others,
        [first, *result.cleared],
        [replace(first, cleared=first.cleared + 1), *others],
    ):
        wrong = check._converted_once(document, replace(result, cleared=cleared))
        assert wrong == (len(cleared), text)


def test_nets_above_what_is_owed_on_both_sides_are_named():
    result = compute(a_run())
    gross = sum(row.cleared for row in result.cleared)
    (hub, position), *_ = result.positions.items()

    def positions(net):
        none = {code: replace(position, receivable=0, payable=0) for code in result.positions}
        return replace(
            result, positions={**none, hub: replace(position, receivable=net, payable=0)}
        )

    assert check._nets_within_gross(positions(2 * gross)) == (4, [])
    assert check._nets_within_gross(positions(2 * gross + 1)) == (
        4,
        [f"nets of {2 * gross + 1}, {gross} owed"],
    )
