"""Entries of a journal, and the judge of them."""

import sys
from datetime import date
from pathlib import Path

from hypothesis import strategies as st

from federation.ledger.beancount import (
    ExportEntry,
    ExportPosting,
)

# An outside judge: a program of its own, never a part of this one.
BEAN_CHECK = Path(sys.executable).with_name("bean-check")


def a_posting(debit, credit, amount, currency="EUR", **meta):
    return ExportPosting(debit, credit, amount, currency, meta)


def an_entry(*postings, posted_on=date(2026, 9, 30), document="run/1", narration="A run"):
    return ExportEntry(posted_on, document, narration, postings)


GB_BOOKS = [
    an_entry(
        a_posting("Assets:GB:Bank", "Liabilities:GB:Unearned", 123456, member="m1", use="TRAIN"),
        a_posting("Assets:GB:Bank", "Liabilities:GB:Unearned", 1012, "JPY"),
        a_posting("Assets:GB:Bank", "Liabilities:GB:Unearned", 10125, "KWD"),
        document="receipt/1",
        posted_on=date(2026, 9, 1),
    ),
    an_entry(
        a_posting("Liabilities:GB:Unearned", "Liabilities:GB:Due:HUB", 1000),
        a_posting("Liabilities:GB:Unearned", "Liabilities:GB:Due:-1", 300, "JPY"),
        a_posting("Liabilities:GB:Unearned", "Income:GB:CollectingFee", 5, "KWD"),
    ),
]


def one_more(text):
    """Add one minor unit to a decimal text."""
    digits = str(int(text.replace(".", "")) + 1)
    if "." not in text:
        return digits
    places = len(text.split(".")[1])
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


accounts = st.sampled_from(["Assets:GB:Bank", "Liabilities:GB:Due", "Liabilities:GB:Due:HUB"])


postings = st.builds(
    ExportPosting,
    accounts,
    accounts,
    st.integers(1, 10**20),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.just({}),
).filter(lambda p: p.debit != p.credit)
