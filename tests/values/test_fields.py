"""Fields of a thing that somebody describes, read all at once."""

import re

import pytest

from federation.errors import RefusalError
from federation.values.fields import Fault, Fields, one_of, plain_id, plain_text, up_to


class NoGoodError(RefusalError):
    """This is no good."""

    code = "NO_GOOD"


def refuse(text):
    raise NoGoodError(f"not {text}")


def test_everything_that_is_wrong_is_said_at_once_and_where():
    fields = Fields()

    assert fields.one("title", " ", plain_text) is None
    assert fields.maybe("country", "", refuse) is None
    assert fields.maybe("member", None, refuse) is None
    assert fields.maybe("number", "x", refuse) is None
    assert fields.many("names", ["a", " ", "a"], 3, plain_text) == ("a",)
    assert fields.many("more", ["a", "b"], 1, plain_text) == ()
    assert fields.many("none", [], 0, plain_text) == ()
    assert fields.faults == [
        Fault("title", "it is empty"),
        Fault("number", "not x"),
        Fault("names[2]", "it is empty"),
        Fault("more", "2 of at most 1"),
    ]
    assert list(map(str, fields.altered)) == ["names[3]: it stands there already, and is kept once"]


def test_what_is_kept_otherwise_is_said_too():
    fields = Fields()

    assert fields.one("title", " On  Foxes", plain_text) == "On Foxes"
    assert fields.faults == []
    assert list(map(str, fields.altered)) == ["title: ' On  Foxes' is kept as 'On Foxes'"]


def test_values_are_read_within_their_limits():
    assert plain_text("x" * 1_000) == "x" * 1_000
    assert plain_id("W-1!" * 16) == "W-1!" * 16
    assert one_of(["a", "b"])("a") == "a"
    assert [up_to(9)(number) for number in (0, 9)] == [0, 9]
    for read, value in (
        (plain_text, "x" * 1_001),
        (plain_text, "a\0b"),
        (plain_id, "x" * 65),
        (plain_id, ""),
        (plain_id, "a/b"),
        (one_of(["a", "b"]), "c"),
        (up_to(9), -1),
        (up_to(9), 10),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            read(value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),  # Persian
        ("\u0915\u094d\u200d\u0937", None),  # Devanagari
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", None),  # a family
        ("soft\u00adhyphen", "softhyphen"),
        ("\ufeff\u200e \u05e9\u05dc\u05d5\u05dd\u200f", "\u05e9\u05dc\u05d5\u05dd"),  # Hebrew
        ("a\u2060b\u061c \u200b c", "ab c"),
    ],
)
def test_joiners_of_a_script_stay_and_marks_that_nobody_sees_do_not(text, kept):
    assert plain_text(text) == (text if kept is None else kept)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\u200c\u200d", "it is empty"),
        ("\u00ad", "it is empty"),
        ("a\u202eb", "'a\\u202eb' has characters that cannot be printed"),
        ("a\u2067b", "'a\\u2067b' has characters that cannot be printed"),
        ("a\u200cb\x1b", "'a\\u200cb\\x1b' has characters that cannot be printed"),
    ],
)
def test_a_text_of_nothing_seen_or_that_turns_others_around_is_refused(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        plain_text(text)
