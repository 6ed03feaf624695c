import json
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.ledger.beancount import (
    BadJournalError,
    BeancountText,
    ExportEntry,
    account_name,
)
from tests.ledger.books import BEAN_CHECK, GB_BOOKS, a_posting, an_entry, one_more, postings
from tests.ledger.journals import write_journal

LOAD = """
import json, sys
from beancount import loader
entries, errors, _ = loader.load_file(sys.argv[1])
print(json.dumps([len(errors), [
    [e.narration, e.meta["document"], [p.meta["note"] for p in e.postings]]
    for e in entries if type(e).__name__ == "Transaction"
]]))
"""


def judged(folder, data, name="journal"):
    path = folder / f"{name}.beancount"
    path.write_bytes(data)
    answer = subprocess.run([BEAN_CHECK, path], capture_output=True, check=False)
    return answer.returncode, (answer.stdout + answer.stderr).decode()


def test_a_journal_reads_like_this():
    assert (
        write_journal(BeancountText("Books of GB"), GB_BOOKS).decode()
        == """; Books of GB
option "title" "Books of GB"
option "tolerance_multiplier" "0"

2026-09-01 open Assets:GB:Bank EUR,JPY,KWD
2026-09-30 open Income:GB:CollectingFee KWD
2026-09-30 open Liabilities:GB:Due:X-1 JPY
2026-09-30 open Liabilities:GB:Due:HUB EUR
2026-09-01 open Liabilities:GB:Unearned EUR,JPY,KWD

2026-09-01 * "A run"
  document: "receipt/1"
  Assets:GB:Bank  10.125 KWD
  Liabilities:GB:Unearned  -10.125 KWD
  Assets:GB:Bank  1012 JPY
  Liabilities:GB:Unearned  -1012 JPY
  Assets:GB:Bank  1234.56 EUR
    member: "m1"
    use: "TRAIN"
  Liabilities:GB:Unearned  -1234.56 EUR
    member: "m1"
    use: "TRAIN"

2026-09-30 * "A run"
  document: "run/1"
  Liabilities:GB:Unearned  0.005 KWD
  Income:GB:CollectingFee  -0.005 KWD
  Liabilities:GB:Unearned  10.00 EUR
  Liabilities:GB:Due:HUB  -10.00 EUR
  Liabilities:GB:Unearned  300 JPY
  Liabilities:GB:Due:X-1  -300 JPY

2026-10-01 balance Assets:GB:Bank  1234.56 ~ 0 EUR
2026-10-01 balance Assets:GB:Bank  1012 ~ 0 JPY
2026-10-01 balance Assets:GB:Bank  10.125 ~ 0 KWD
2026-10-01 balance Income:GB:CollectingFee  -0.005 ~ 0 KWD
2026-10-01 balance Liabilities:GB:Due:X-1  -300 ~ 0 JPY
2026-10-01 balance Liabilities:GB:Due:HUB  -10.00 ~ 0 EUR
2026-10-01 balance Liabilities:GB:Unearned  -1224.56 ~ 0 EUR
2026-10-01 balance Liabilities:GB:Unearned  -712 ~ 0 JPY
2026-10-01 balance Liabilities:GB:Unearned  -10.120 ~ 0 KWD
"""
    )


def test_bean_check_accepts_the_journal_and_refuses_it_when_any_amount_moves_by_one_unit(tmp_path):
    data = write_journal(BeancountText("Books of GB"), GB_BOOKS).decode()
    amounts = list(re.finditer(r"(?<=  )-?\d[\d.]*(?= (?:~ 0 )?[A-Z]{3}$)", data, re.MULTILINE))
    changed = [data[: m.start()] + one_more(m.group()) + data[m.end() :] for m in amounts]

    with ThreadPoolExecutor(2) as threads:
        texts = [data, *changed]
        answers = threads.map(
            lambda n: judged(tmp_path, texts[n].encode(), str(n)), range(len(texts))
        )
        (accepted, _), *refused = answers

    assert accepted == 0
    assert len(refused) == 21
    assert all(code != 0 for code, _ in refused)
    for amount, (_, said) in zip(amounts, refused, strict=True):
        is_balance = "balance" in data[: amount.start()].splitlines()[-1]
        assert ("does not balance" in said) != is_balance
        assert "Balance failed" in said


def test_entries_and_postings_in_any_order_give_the_same_bytes():
    shuffled = [
        ExportEntry(e.posted_on, e.document, e.narration, e.postings[::-1]) for e in GB_BOOKS[::-1]
    ]

    assert write_journal(BeancountText("x"), iter(shuffled)) == write_journal(
        BeancountText("x"), GB_BOOKS
    )


def test_books_without_entries_are_a_valid_file(tmp_path):
    data = write_journal(BeancountText("Books of FR"), [])

    assert data.decode().splitlines() == [
        "; Books of FR",
        'option "title" "Books of FR"',
        'option "tolerance_multiplier" "0"',
    ]
    assert judged(tmp_path, data) == (0, "")


def test_an_account_above_others_is_balanced_together_with_them(tmp_path):
    entry = an_entry(
        a_posting("Assets:GB:Bank", "Liabilities:GB:Due", 100),
        a_posting("Assets:GB:Bank", "Liabilities:GB:Due:HUB", 25),
        a_posting("Assets:GB:Bank", "Liabilities:GB:Due:HUB", 3, "JPY"),
        a_posting("Assets:GB:Bank", "Liabilities:GB:DueLater", 1),
    )

    data = write_journal(BeancountText("x"), [entry])

    assert b"balance Liabilities:GB:Due  -1.25 ~ 0 EUR" in data
    assert b"balance Liabilities:GB:Due  -3" not in data
    assert judged(tmp_path, data) == (0, "")


def test_texts_come_back_as_they_were_without_line_ends(tmp_path):
    hard = 'a "b" \\n \\ ; é 漢 {x} #tag ^link\r\noption "y"\x00\u2028 \ud800!'
    soft = 'a "b" \\n \\ ; é 漢 {x} #tag ^link option "y"   !'
    entry = ExportEntry(
        date(2026, 9, 30),
        hard,
        hard,
        [a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 1, note=hard, document="x", open="y")],
    )
    path = tmp_path / "journal.beancount"
    path.write_bytes(write_journal(BeancountText(hard), [entry]))

    command = [sys.executable, "-c", LOAD, path]
    answer = subprocess.run(command, capture_output=True, check=True)

    assert json.loads(answer.stdout) == [0, [[soft, soft, [soft, soft]]]]


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("Liabilities:GB:Due:HUB", "Liabilities:GB:Due:HUB"),
        ("Assets:1-A:Bank", "Assets:1-A:Bank"),
        ("Assets:-A:Bank", "Assets:X-A:Bank"),
        ("Assets:X-A:Bank", "Assets:XX-A:Bank"),
        ("Assets:--:Bank", "Assets:X--:Bank"),
        ("Assets:XA:Bank", "Assets:XA:Bank"),
        ("Equity:XX-:FxRounding", "Equity:XXX-:FxRounding"),
    ],
)
def test_a_party_code_becomes_a_name_that_beancount_reads(account, name):
    assert account_name(account) == name


codes = st.text("AX-1", min_size=2, max_size=5)


@given(st.sets(codes, max_size=40))
def test_no_two_codes_become_the_same_name(some_codes):
    assert len({account_name(f"Assets:{code}:Bank") for code in some_codes}) == len(some_codes)


def test_bean_check_accepts_every_shape_of_code(tmp_path):
    shapes = ["-A", "--", "X-A", "1A", "12", "-1", "A-", "SE-2", "ABCDEFGHIJKL", "XX-", "X1"]
    postings = [a_posting(f"Assets:{c}:Bank", f"Liabilities:HUB:Due:{c}", 5) for c in shapes]

    assert judged(tmp_path, write_journal(BeancountText("x"), [an_entry(*postings)])) == (0, "")


@pytest.mark.parametrize(
    "posting",
    [
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 0),
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", -1),
        a_posting("Assets:GB:Bank", "Assets:GB:Bank", 1),
        a_posting("Assets", "Income:GB:AdminFee", 1),
        a_posting("Money:GB:Bank", "Income:GB:AdminFee", 1),
        a_posting("Assets:GB:", "Income:GB:AdminFee", 1),
        a_posting("Assets:GB:NO_USAGE", "Income:GB:AdminFee", 1),
        a_posting("Assets:GB:bank", "Income:GB:AdminFee", 1),
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 10**28),
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 1, lineno="1"),
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 1, Use="TRAIN"),
        a_posting("Assets:GB:Bank", "Income:GB:AdminFee", 1, u="TRAIN"),
    ],
)
def test_what_beancount_would_misread_is_refused(posting):
    with pytest.raises(BadJournalError) as refusal:
        write_journal(BeancountText("x"), [an_entry(posting)])

    assert refusal.value.code == "BAD_JOURNAL"


@given(st.lists(postings, max_size=8))
def test_the_legs_of_every_journal_sum_to_zero_per_currency(some_postings):
    data = write_journal(BeancountText("x"), [an_entry(*some_postings)]).decode()
    sums = defaultdict(int)
    for amount, currency in re.findall(r"^  \w\S+  (-?[\d.]+) (\w{3})$", data, re.MULTILINE):
        sums[currency] += int(amount.replace(".", ""))

    assert set(sums) == {p.currency for p in some_postings}
    assert not any(sums.values())
