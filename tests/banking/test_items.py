"""Items as arithmetic: what they post, and what one person may decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.banking.items import (
    DIFFERENCES,
    BadItemError,
    Item,
    check_items,
    named_postings,
    over_limit,
    received,
)
from federation.banking.limits import AT_FIRST

SUSPENSE = "Liabilities:HUB:Suspense:BankEntry"
differences = st.lists(
    st.builds(
        Item,
        st.sampled_from(sorted(DIFFERENCES)),
        st.just("HUB-000001"),
        st.integers(min_value=-20_000, max_value=20_000).filter(bool),
    ),
    max_size=6,
)


def of(*items, kinds):
    return sum(item.amount for item in items if item.kind in kinds)


@given(differences)
def test_what_is_posted_empties_suspense_to_the_last_unit(items):
    """Receipt and named postings move exactly the entry out of suspense, whatever is named."""
    short, tax = {"SHORT_PAYMENT"}, {"TAX_WITHHELD"}
    items = [
        Item(item.kind, item.ref, -abs(item.amount)) if item.kind in short | tax else item
        for item in items
    ]
    items.append(Item("INVOICE", "HUB-000001", 1_000_000))
    entry = sum(item.amount for item in items)

    came = received(items[-1], items)
    moved = came
    debts = {item.ref: "Liabilities:HUB:Due:GB" for item in items}
    for posting in named_postings("HUB", items, "EUR", {}, debts):
        assert posting.amount > 0
        moved += posting.amount * ((posting.debit == SUSPENSE) - (posting.credit == SUSPENSE))

    assert moved == entry
    assert came == 1_000_000 + of(*items, kinds=short | tax)


def test_that_too_much_was_paid_is_never_for_one_person_to_say():
    out, came_in = Item("OVERPAYMENT", "PAY-2026-09-GB-HUB", -1), Item("OVERPAYMENT", "a", 10**9)

    assert over_limit([out, came_in], {}) == [out]


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("BANK_CHARGE", 10_000), ("FX_DIFFERENCE", 50_000), ("TAX_WITHHELD", 500_000)],
)
def test_limits_are_per_kind_and_entry_however_it_is_divided(kind, limit):
    halves = [Item(kind, "a", limit // 2), Item(kind, "b", -(limit // 2))]
    others = [Item("SHORT_PAYMENT", "a", -(10**9)), Item("OVERPAYMENT", "a", 10**9)]

    assert over_limit([*halves, *others], AT_FIRST) == []
    one_more = Item(kind, "c", 1)
    assert over_limit([*halves, one_more, *others], AT_FIRST) == [*halves, one_more]


def test_every_kind_with_a_limit_is_a_difference():
    assert AT_FIRST.keys() <= DIFFERENCES


@pytest.mark.parametrize(
    ("others", "form"),
    [
        ([Item("INVOICE", "HUB-000001", 1_000)], "name HUB-000001, or leave the name out"),
        ([], "leave the name out"),
    ],
)
@pytest.mark.parametrize("kind", ["BANK_CHARGE", "FX_DIFFERENCE"])
def test_a_difference_names_an_item_beside_it_or_none(kind, others, form):
    total = sum(item.amount for item in others) - 10

    with pytest.raises(BadItemError) as refusal:
        check_items([*others, Item(kind, "quatsch", -10)], total, "EUR")
    number = len(others) + 1
    assert refusal.value.detail == (
        f"item {number}, {kind}: 'quatsch' is no item of this entry: {form} ({kind}::AMOUNT)"
    )
    for name in {"", *(item.ref for item in others)}:
        check_items([*others, Item(kind, name, -10)], total, "EUR")
