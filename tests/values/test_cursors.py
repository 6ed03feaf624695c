"""Cursors and pages of long lists, and what is none."""

from datetime import UTC, datetime

import pytest

from federation.history.kinds import Place
from federation.values.cursors import (
    BadCursorError,
    BadPageError,
    KeptInstant,
    cursor_of,
    key_of,
    page_size,
)


@pytest.mark.parametrize("key", [Place("on foxes", "W-1"), Place("東京", ""), Place("", "")])
def test_a_cursor_says_after_which_entry_a_page_begins(key):
    assert key_of("works", cursor_of("works", key), Place) == key


@pytest.mark.parametrize("number", [0, 7, 2**63 - 1])
def test_a_cursor_holds_any_number_of_a_row(number):
    assert key_of("feed", cursor_of("feed", (number,)), tuple[int]) == (number,)


def test_a_cursor_holds_an_instant_to_the_microsecond():
    instant = datetime(2026, 9, 1, 12, 0, 0, 7, tzinfo=UTC)
    assert key_of("offers", cursor_of("offers", (instant,)), tuple[KeptInstant]) == (instant,)


@pytest.mark.parametrize("cursor", [None, ""])
def test_without_a_cursor_a_list_begins_at_its_head(cursor):
    assert key_of("works", cursor, Place) is None


@pytest.mark.parametrize(
    ("cursor", "key"),
    [
        (cursor_of("rightholders", ("a", "b")), Place),
        (cursor_of("works", ("a",)), Place),
        (cursor_of("works", ("a", 1)), Place),
        (cursor_of("works", ("a\0", "b")), Place),
        (cursor_of("works", (2**63,)), tuple[int]),
        (cursor_of("works", (10**30,)), tuple[int]),
        (cursor_of("works", (-(10**30),)), tuple[int]),
        (cursor_of("works", ("a", "b")) + "=", Place),
        (cursor_of("works", ("2026-09-01T12:00:00",)), tuple[KeptInstant]),
        (cursor_of("works", ("99999-09-01T12:00:00Z",)), tuple[KeptInstant]),
        (cursor_of("works", (10**15,)), tuple[KeptInstant]),
        ("x" * 4_097, Place),
        ("é", Place),
        ("!", Place),
        ("AAAA", Place),
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(cursor, key):
    with pytest.raises(BadCursorError):
        key_of("works", cursor, key)


def test_a_page_has_from_1_to_100_entries():
    assert (page_size(1), page_size(100)) == (1, 100)
    for first in (0, -1, 101):
        with pytest.raises(BadPageError):
            page_size(first)
