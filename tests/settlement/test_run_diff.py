"""What changed between two runs of a month: shares, nets, and the inputs that are not the same."""

import msgspec

from federation.settlement import run_document as rd
from federation.settlement.run_diff import Cause, Difference, compare
from tests.settlement.runs import a_collective, a_document, a_licence

KEY, OTHER = "HUB-000001", "GB-000001"
EUROS = {"DE": a_collective(), "GB": a_collective()}


def a_month(*rows, licences=None, **changes):
    values = {"collectives": EUROS, "rates": {}, "reports": {"DE": "0" * 64, "GB": "1" * 64}}
    return a_document(licences, rows, **(values | changes))


BEFORE = a_month((KEY, "DE", "1"), (KEY, "GB", "1"))


def causes(new, old=BEFORE):
    return list(compare(old, new).causes)


def test_a_run_is_no_different_from_itself():
    found = compare(BEFORE, BEFORE)

    assert (found.shares, found.nets, found.causes) == ((), (), ())


def test_shares_and_nets_that_moved_are_listed_with_both_values():
    found = compare(BEFORE, a_month((KEY, "DE", "1"), (KEY, "GB", "2")))

    assert found.shares == (
        Difference(KEY, "DE", 14_550, 9_700, "EUR"),
        Difference(KEY, "GB", 14_550, 19_400, "EUR"),
    )
    assert [row.difference for row in found.shares] == [-4_850, 4_850]
    assert found.nets == (
        Difference(None, "DE", 14_550, 9_700, "EUR"),
        Difference(None, "GB", 14_550, 19_400, "EUR"),
    )
    assert found.causes == ()


def test_without_an_earlier_run_everything_is_new_and_has_no_cause():
    found = compare(None, BEFORE)

    assert found.shares == (
        Difference(KEY, "DE", 0, 14_550, "EUR"),
        Difference(KEY, "GB", 0, 14_550, "EUR"),
    )
    assert found.nets == (
        Difference(None, "HUB", 0, -29_100, "EUR"),
        Difference(None, "DE", 0, 14_550, "EUR"),
        Difference(None, "GB", 0, 14_550, "EUR"),
    )
    assert found.causes == ()


def test_a_licence_or_party_of_one_run_only_has_nothing_in_the_other():
    rates = {"GBP": rd.PublishedRate("2026-09-30", "0.8338")}
    sold = {KEY: a_licence(), OTHER: a_licence("GB", currency="GBP", fee=1_000)}
    more = a_month((KEY, "DE", "1"), (OTHER, "~UNMATCHED", "1"), licences=sold, rates=rates)
    added = compare(BEFORE, more).shares
    removed = compare(more, BEFORE).shares

    assert added == (
        Difference(OTHER, "~UNMATCHED", 0, 940, "GBP"),
        Difference(KEY, "DE", 14_550, 29_100, "EUR"),
        Difference(KEY, "GB", 14_550, 0, "EUR"),
    )
    assert removed == tuple(
        Difference(row.licence, row.party, row.new, row.old, row.currency) for row in added
    )


def test_every_kind_of_input_that_is_not_what_it_was_is_a_cause():
    terms = BEFORE.licences[KEY]

    def with_licence(**changes):
        return msgspec.structs.replace(
            BEFORE, licences={KEY: msgspec.structs.replace(terms, **changes)}
        )

    def changed(**changes):
        return msgspec.structs.replace(BEFORE, **changes)

    rate = {"GBP": rd.PublishedRate("2026-09-30", "0.8338")}
    assert causes(changed(classes={"MATCHED": (2, "6"), "RESERVED": (1, "1")})) == [
        Cause("usage", "MATCHED", "1 line, 5 units", "2 lines, 6 units"),
        Cause("usage", "RESERVED", "", "1 line, 1 unit"),
    ]
    assert causes(changed(reports={"DE": "2" * 64})) == [
        Cause("usage report", "DE", "0" * 64, "2" * 64),
        Cause("usage report", "GB", "1" * 64, ""),
    ]
    assert causes(changed(rates=rate)) == [Cause("rate", "GBP", "", "0.8338 of 2026-09-30")]
    assert causes(BEFORE, changed(rates=rate)) == [Cause("rate", "GBP", "0.8338 of 2026-09-30", "")]
    assert causes(with_licence(received="29999")) == [
        Cause("received", KEY, "30000", "29999", "EUR")
    ]
    for field, name, value, currency in (
        ("brought_forward", "brought forward", "5", "EUR"),
        ("recognised_before", "recognised before", "7", "EUR"),
        ("weights_from", "weights from", "earlier", None),
    ):
        assert causes(with_licence(**{field: {KEY: value}})) == [
            Cause(name, KEY, "", value, currency)
        ]
    assert causes(with_licence(ends_on="2026-10-31")) == [
        Cause(
            "licence",
            KEY,
            "HUB EUR 2026-09-01..2026-09-30 None 30000",
            "HUB EUR 2026-09-01..2026-10-31 None 30000",
        )
    ]
    parts = [
        rd.ComponentInRun("a", ["TRAIN"], "TOKEN", "1"),
        rd.ComponentInRun("b", ["GROUND"], "TOKEN", "2"),
    ]
    unused = a_month(licences={KEY: a_licence()})
    assert causes(
        a_month(licences={KEY: a_licence(components=parts, received="30000")}), unused
    ) == [
        Cause(
            "licence",
            KEY,
            "HUB EUR 2026-09-01..2026-09-30 None 30000",
            "HUB EUR 2026-09-01..2026-09-30 a 1; b 2",
        )
    ]
    collective = a_collective(plan="hybrid", base_bps=100)
    [cause] = causes(changed(collectives={**EUROS, "DE": collective}))
    assert cause == Cause("collective", "DE", str(EUROS["DE"]), str(collective))
    hub = rd.HubInRun("EUR", 301, 100, (0, 3000))
    assert causes(changed(hub=hub)) == [Cause("terms", "hub", str(BEFORE.hub), str(hub))]
    weights = rd.WeightsInRun({"standard": "1001"}, {"TRAIN": "1000"})
    assert causes(changed(weights=weights)) == [
        Cause("terms", "weights", str(BEFORE.weights), str(weights))
    ]


def test_each_licences_money_is_compared_with_its_own():
    sold = {KEY: a_licence(), "HUB-000002": a_licence()}
    more = {**sold, KEY: a_licence(received="1")}

    assert causes(a_month(licences=more), a_month(licences=sold)) == [
        Cause("received", KEY, "30000", "1", "EUR")
    ]
