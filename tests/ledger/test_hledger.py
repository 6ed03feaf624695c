import re
from collections import defaultdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.ledger.beancount import BadJournalError, ExportEntry, ExportPosting
from federation.ledger.hledger import HledgerText
from tests.ledger.books import GB_BOOKS, a_posting, an_entry, one_more
from tests.ledger.hledger_reader import read
from tests.ledger.journals import write_journal

names = st.sampled_from(["Assets:GB:Bank", "Liabilities:GB:Due:-1", "Equity:GB:Clearing"])
texts = st.text(max_size=20)

postings = st.builds(
    ExportPosting,
    debit=names,
    credit=names,
    amount=st.integers(1, 10**40),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    meta=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]+", fullmatch=True), texts, max_size=2),
).filter(lambda posting: posting.debit != posting.credit)

entries = st.builds(
    ExportEntry,
    posted_on=st.dates(max_value=date(9999, 12, 30)),
    document=texts,
    narration=texts,
    postings=st.lists(postings, min_size=1, max_size=4),
)


def test_a_journal_reads_like_this():
    assert (
        write_journal(HledgerText("Books of GB"), GB_BOOKS).decode()
        == """; Books of GB

commodity 1.00 EUR
commodity 1. JPY
commodity 1.000 KWD
account Assets:GB:Bank
account Income:GB:CollectingFee
account Liabilities:GB:Due:-1
account Liabilities:GB:Due:HUB
account Liabilities:GB:Unearned

2026-09-01 * A run
    ; document: receipt/1
    Assets:GB:Bank  10.125 KWD
    Liabilities:GB:Unearned  -10.125 KWD
    Assets:GB:Bank  1012 JPY
    Liabilities:GB:Unearned  -1012 JPY
    Assets:GB:Bank  1234.56 EUR
    ; member: m1
    ; use: TRAIN
    Liabilities:GB:Unearned  -1234.56 EUR
    ; member: m1
    ; use: TRAIN

2026-09-30 * A run
    ; document: run/1
    Liabilities:GB:Unearned  0.005 KWD
    Income:GB:CollectingFee  -0.005 KWD
    Liabilities:GB:Unearned  10.00 EUR
    Liabilities:GB:Due:HUB  -10.00 EUR
    Liabilities:GB:Unearned  300 JPY
    Liabilities:GB:Due:-1  -300 JPY

2026-10-01 * Balances
    Assets:GB:Bank  0.00 EUR = 1234.56 EUR
    Assets:GB:Bank  0 JPY = 1012 JPY
    Assets:GB:Bank  0.000 KWD = 10.125 KWD
    Income:GB:CollectingFee  0.000 KWD = -0.005 KWD
    Liabilities:GB:Due:-1  0 JPY = -300 JPY
    Liabilities:GB:Due:HUB  0.00 EUR = -10.00 EUR
    Liabilities:GB:Unearned  0.00 EUR = -1224.56 EUR
    Liabilities:GB:Unearned  0 JPY = -712 JPY
    Liabilities:GB:Unearned  0.000 KWD = -10.120 KWD
"""
    )


@given(st.lists(entries, max_size=5))
def test_every_amount_is_there_again_when_it_is_added_up(books):
    expected = defaultdict(int)
    for entry in books:
        for posting in entry.postings:
            expected[posting.debit, posting.currency] += posting.amount
            expected[posting.credit, posting.currency] -= posting.amount

    assert read(write_journal(HledgerText("Books"), books).decode()) == dict(expected)


def test_any_amount_changed_by_one_unit_does_not_add_up():
    text = write_journal(HledgerText("Books of GB"), GB_BOOKS).decode()
    amounts = list(re.finditer(r"(?<=[ ] )-?\d[\d.]*(?= [A-Z]{3})|(?<== )-?\d[\d.]*", text))
    read(text)

    assert len(amounts) == 12 + 9 + 9
    for amount in amounts:
        changed = text[: amount.start()] + one_more(amount.group()) + text[amount.end() :]
        with pytest.raises(ValueError, match=r"not balance|stated"):
            read(changed)


def test_entries_and_postings_in_any_order_give_the_same_bytes():
    shuffled = [
        ExportEntry(e.posted_on, e.document, e.narration, e.postings[::-1]) for e in GB_BOOKS[::-1]
    ]

    assert write_journal(HledgerText("B"), shuffled) == write_journal(HledgerText("B"), GB_BOOKS)


def test_a_semicolon_in_a_narration_does_not_hide_the_rest():
    text = write_journal(
        HledgerText("B"), [an_entry(a_posting("Assets:A:B", "Assets:A:C", 1), narration="a;b")]
    )

    assert b"2026-09-30 * a,b\n" in text


def test_an_empty_journal_has_a_title_only():
    assert write_journal(HledgerText("Books of GB"), []) == b"; Books of GB\n"


@pytest.mark.parametrize(
    "posting",
    [
        a_posting("Nowhere:GB:Bank", "Assets:GB:B", 1),
        a_posting("Assets:GB:Two  words", "Assets:GB:B", 1),
        a_posting("Assets:GB:;", "Assets:GB:B", 1),
        a_posting("Assets", "Assets:GB:B", 1),
        a_posting("Assets:GB:", "Assets:GB:B", 1),
        a_posting("Assets:GB:B", "Assets:GB:B", 1),
        a_posting("Assets:GB:A", "Assets:GB:B", 0),
    ],
)
def test_what_hledger_would_read_as_something_else_is_refused(posting):
    with pytest.raises(BadJournalError):
        write_journal(HledgerText("B"), [an_entry(posting)])
