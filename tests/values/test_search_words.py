"""Words of a text, as a search compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.values.search_words import distinct_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème brûlée, 2.", ["creme", "brulee", "2"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("o'neil x_y", ["o", "neil", "x", "y"]),
        ("ﬁn \uff12", ["fin", "2"]),
        ("한국어", ["한국어"]),
        ("x" * 65, ["x" * 64]),
        ("東" * 1_000, ["東" * 64]),
        ("— !", []),
    ],
)
def test_a_word_is_letters_and_digits_without_case_and_marks(text, words):
    assert words_of(text) == words


@given(st.text(max_size=200))
def test_a_word_is_made_of_itself(text):
    for word in words_of(text):
        assert words_of(word) == [word]
        assert len(word) <= 64


def test_a_thing_is_found_by_2_000_words_each_once():
    found = distinct_words(["one two", *(f"w{n}" for n in range(3_000)), "one"])

    assert found[:3] == ["one", "two", "w0"]
    assert (len(found), found[-1]) == (2_000, "w1997")
