"""Suggestions: found by id, reference, amount, account, name and day; ranked, with reasons."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.bankfiles.entries import Instructed
from federation.banking.items import Item
from federation.banking.matching import (
    Bounds,
    Candidate,
    Matcher,
    Movement,
    bearers_among,
    match_all,
)
from federation.banking.words import alike_percent, keys_in, reference_key
from federation.payments.expected import Expected

DAY = date(2026, 10, 16)


def waiting(ref="HUB-000001", amount=100_000, kind="INVOICE", direction="IN", **fields):
    values = {
        "party": "lab-one",
        "counterparty_name": "Lab One Ltd",
        "account": None,
        "currency": "EUR",
        "references": (),
        "due_on": DAY,
    } | fields
    return Expected(kind=kind, id=ref, direction=direction, amount=amount, **values)


def paying(ref="PAY-1-DE", amount=10_000, **fields):
    return waiting(ref, amount, "PAYMENT", "OUT", **fields)


def moved(amount=100_000, entry=1, **fields):
    values = {"currency": "EUR", "day": DAY + timedelta(days=3)} | fields
    return Movement(entry, amount, **values)


def matched(candidates, matcher):
    return match_all(candidates, matcher, bearers_among(candidates))


def suggest(movement, *expected, parts=()):
    return Matcher(list(expected)).suggest(Candidate(movement, tuple(parts)))


def best(movement, *expected, parts=()):
    return suggest(movement, *expected, parts=parts)[0]


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"end_to_end_id": "HUB-000001"}, ("EndToEndId HUB-000001", "same amount")),
        ({"end_to_end_id": "hub 000001"}, ("EndToEndId hub 000001", "same amount")),
        ({"references": ("INV-HUB-000007",)}, ("reference INV-HUB-000007", "same amount")),
        ({"text": "Ihre Rechnung inv hub 000007"}, ("reference INV-HUB-000007", "same amount")),
        ({"text": "RF18 5390 0754 7034"}, ("reference RF18539007547034", "same amount")),
        ({"account": "GB82"}, ("same amount", "account of the counterparty")),
        ({"names": ("LAB ONE LIMITED",)}, ("same amount", "name 100 % alike: Lab One Ltd")),
        ({"names": ("PayAgent Ltd", "Lab One")}, ("same amount", "name 100 % alike: Lab One Ltd")),
        ({"names": ("Lab Two",)}, ("same amount",)),
    ],
)
def test_each_reason_is_said(fields, reasons):
    item = waiting(account="GB82", references=("INV-HUB-000007", "RF18539007547034"))

    found = best(moved(**fields), item)

    assert found.items == (Item("INVOICE", "HUB-000001", 100_000),)
    assert found.difference == 0
    assert found.reasons == (*reasons, "due on 2026-10-16")


def test_more_evidence_ranks_higher():
    by_id = waiting("HUB-000001")
    by_text = waiting("HUB-000002")
    by_name = waiting("HUB-000003", counterparty_name="Lab Three")
    by_amount = waiting("HUB-000004", counterparty_name="Others")
    movement = moved(end_to_end_id="HUB-000001", text="HUB-000002", names=("Lab Three",))

    found = suggest(movement, by_amount, by_name, by_text, by_id)

    assert [row.items[0].ref[-1] for row in found] == ["1", "2", "3", "4"]
    assert [row.score for row in found] == [95, 75, 45, 35]


def test_nothing_is_suggested_without_evidence():
    other = waiting("HUB-000009", 55_500, counterparty_name="Somebody Else")

    assert suggest(moved(), other) == []
    assert suggest(moved(end_to_end_id="HUB-000001", amount=-100_000), waiting()) == []


@pytest.mark.parametrize(
    ("amount", "is_near"), [(98_000, True), (97_000, True), (96_999, False), (103_001, False)]
)
def test_amounts_are_near_within_stated_bounds(amount, is_near):
    assert Bounds().are_near(amount, 100_000) is is_near


@pytest.mark.parametrize(("days", "points"), [(-30, 5), (-31, 0), (60, 5), (61, 0)])
def test_the_day_counts_within_its_window(days, points):
    found = best(moved(day=DAY + timedelta(days=days)), waiting())

    assert found.score == 30 + points


def test_a_charge_the_bank_states_is_suggested_as_what_it_is():
    found = best(moved(99_000, end_to_end_id="HUB-000001", charges=1_000), waiting())

    assert [(i.kind, i.amount) for i in found.items] == [
        ("INVOICE", 100_000),
        ("BANK_CHARGE", -1_000),
    ]
    assert (found.difference, found.is_exact) == (0, False)


def test_what_the_bank_converted_is_suggested_as_exchange_difference():
    movement = moved(99_400, end_to_end_id="HUB-000001", instructed=Instructed(110_000, "USD"))

    found = best(movement, waiting())

    assert [(i.kind, i.amount, i.note) for i in found.items] == [
        ("INVOICE", 100_000, ""),
        ("FX_DIFFERENCE", -600, "converted from 1100.00 USD"),
    ]


def test_a_difference_without_explanation_is_left_to_a_person():
    found = best(moved(90_000, end_to_end_id="HUB-000001"), waiting())

    assert found.items == (Item("INVOICE", "HUB-000001", 100_000),)
    assert (found.difference, found.is_exact) == (-10_000, False)


def test_a_payment_in_another_currency_is_known_by_what_was_ordered():
    item = paying(currency="GBP", amount=8_500)
    movement = moved(-10_040, end_to_end_id="PAY-1-DE", instructed=Instructed(8_500, "GBP"))

    found = best(movement, item)

    assert found.items == (Item("PAYMENT", "PAY-1-DE", -10_040),)
    assert "ordered 85.00 GBP" in found.reasons
    assert not found.is_exact


def test_one_entry_pays_several_by_its_transactions():
    items = [paying(f"PAY-1-{n}", 1_000 * n) for n in (1, 2, 3)]
    parts = [moved(-1_000 * n, end_to_end_id=f"PAY-1-{n}") for n in (3, 1, 2)]

    found = best(moved(-6_000), *items, parts=parts)

    assert [item.ref for item in found.items] == ["PAY-1-3", "PAY-1-1", "PAY-1-2"]
    assert (found.difference, found.is_exact) == (0, True)


def test_a_batch_with_an_unknown_transaction_is_not_suggested_whole():
    parts = [moved(-1_000, end_to_end_id="PAY-1-1"), moved(-2_000, end_to_end_id="PAY-X-2")]

    assert suggest(moved(-3_000), paying("PAY-1-1", 1_000), parts=parts) == []


def test_alike_payments_of_a_batch_are_told_apart():
    items = [paying(f"PAY-1-{n}", 1_000) for n in (1, 2)]
    parts = [moved(-1_000, text=f"PAY-1-{n}") for n in (2, 1)]

    found = best(moved(-2_000), *items, parts=parts)

    assert [item.ref for item in found.items] == ["PAY-1-2", "PAY-1-1"]
    assert not found.is_exact  # found by text, not by EndToEndId


def test_one_entry_that_names_two_invoices_and_is_their_sum_pays_both():
    items = [waiting("HUB-000001", 60_000), waiting("HUB-000002", 40_000)]

    found = best(moved(text="HUB-000001 and HUB-000002"), *items)

    assert {item.ref for item in found.items} == {"HUB-000001", "HUB-000002"}
    assert found.reasons == ("names 2 that add up to it",)


def test_several_entries_that_name_one_invoice_and_are_its_sum_pay_it():
    movements = [
        moved(amount, entry, text="HUB-000001") for entry, amount in ((1, 60_000), (2, 40_000))
    ]

    found = matched([Candidate(m) for m in movements], Matcher([waiting()]))

    assert [rows[0].entries for rows in found.values()] == [(1, 2), (1, 2)]
    assert found[1][0].reasons == ("2 entries name it and add up to it",)


def test_exact_is_one_id_amount_and_currency_and_one_entry():
    matcher = Matcher([paying()])
    one = Candidate(moved(-10_000, 1, end_to_end_id="PAY-1-DE"))
    two = Candidate(moved(-10_000, 2, end_to_end_id="PAY-1-DE"))

    assert matched([one], matcher)[1][0].is_exact
    found = matched([one, two], matcher)
    assert [found[n][0].is_exact for n in (1, 2)] == [False, False]
    assert found[1][0].reasons[-1] == "another entry bears the same EndToEndId"


@pytest.mark.parametrize(
    "movement",
    [
        moved(-10_001, end_to_end_id="PAY-1-DE"),
        moved(-10_000, end_to_end_id="pay-1-de"),
        moved(-10_000, text="PAY-1-DE"),
        moved(-10_000, end_to_end_id="PAY-1-DE", currency="USD"),
    ],
)
def test_anything_else_is_not_exact(movement):
    assert not any(found.is_exact for found in suggest(movement, paying()))


def test_two_expected_under_one_id_are_not_exact():
    items = [paying("PAY-1-DE"), paying("PAY-9-DE", references=("PAY-1-DE",))]

    found = suggest(moved(-10_000, end_to_end_id="PAY-1-DE"), *items)

    assert [row.is_exact for row in found][:2] == [False, False]


def test_a_return_is_not_taken_for_the_payment():
    back = waiting("PAY-1-DE", 10_000, "RETURN")

    found = best(moved(10_000, end_to_end_id="PAY-1-DE"), paying(), back)

    assert (found.items[0].kind, found.is_exact) == ("RETURN", True)


@pytest.mark.parametrize(
    ("one", "other", "percent"),
    [
        ("Lab One Ltd", "LAB ONE LIMITED", 100),
        ("Société Générale SA", "societe generale", 100),
        ("One Lab", "Lab One Research", 66),
        ("GmbH", "GmbH", 100),
        ("Lab One", "Studio Two", 0),
    ],
)
def test_names_are_alike_by_their_words(one, other, percent):
    assert alike_percent(one, other) == percent
    assert alike_percent(other, one) == percent


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("INV-HUB-000001", "INVHUB000001"),
        ("inv hub 000001", "INVHUB000001"),
        ("pay INV/HUB/000001 now", "INVHUB000001"),
        ("RF18 5390 0754 7034", "RF18539007547034"),
    ],
)
def test_references_are_found_however_they_are_typed(text, key):
    assert key in keys_in(text)
    assert reference_key(key) == key


def test_words_without_digits_are_no_references():
    assert keys_in("invoice for training, thank you") == ()
    assert keys_in("no 7") == ()


ids = st.integers(min_value=0, max_value=30)
amounts = st.integers(min_value=1, max_value=5)


@given(
    st.lists(st.tuples(ids, amounts), max_size=20), st.lists(st.tuples(ids, amounts), max_size=20)
)
def test_suggestions_do_not_depend_on_order_and_are_bounded(expected, entries):
    """Whatever comes: ranked, at most five, and what they propose adds up or says what is left."""
    items = [waiting(f"HUB-{n:06d}", amount * 1_000) for n, amount in dict(expected).items()]
    rows = [
        Candidate(moved(amount * 1_000, number, end_to_end_id=f"HUB-{n:06d}"))
        for number, (n, amount) in enumerate(entries, start=1)
    ]

    found = matched(rows, Matcher(items))
    again = matched(rows[::-1], Matcher(items[::-1]))

    for row in rows:
        entry, suggestions = row.whole.entry, found[row.whole.entry]
        assert len(suggestions) <= 5
        assert [s.score for s in suggestions] == sorted(
            (s.score for s in suggestions), reverse=True
        )
        for each in suggestions:
            if len(each.entries) == 1:
                total = sum(item.amount for item in each.items)
                assert total + each.difference == row.whole.amount
        exact = [s.items[0].ref for s in suggestions if s.is_exact]
        assert exact == [s.items[0].ref for s in again[entry] if s.is_exact]
        assert len(exact) <= 1
