"""Two spellings of one person are one person, and no second one is let in beside the first."""

from pathlib import Path

import pytest

import federation
from federation.trust.principals import SamePersonError, require_no_part, require_other_person
from federation.values.identity import (
    UnclearIdentityError,
    is_same,
    refuse_alike,
    refuse_unclear,
)

ALIKE = [
    ("both", "both"),
    ("both", "both "),
    ("both", "\tboth"),
    ("both", "Both"),
    ("both", "b\u043eth"),  # a Cyrillic o
    ("both", "b\u200both"),  # a zero width space
    ("both", "b\u00adoth"),  # a soft hyphen
    ("both", "both\u034f"),  # a grapheme joiner
    ("both", "b\ufe0foth"),  # a variation selector
    ("both", "both\u115f"),  # a Hangul filler
    ("both", "both\u2800"),  # an empty Braille pattern
    ("both", "\uff42oth"),  # a full-width b
    ("ann lee", "Ann  Lee"),
    ("ann lee", "ann\u00a0lee"),
    ("two-hats", "two\u2010hats"),
    ("ANNA", "\u0391\u039d\u039d\u0391"),  # Greek capitals
    ("anna", "\u0391\u039d\u039d\u0391"),
    ("cop", "\u0441\u043e\u0440"),  # wholly Cyrillic
    ("\u041d\u0438\u043d\u0430", "\u043d\u0438\u043d\u0430"),  # Nina, in two cases
    ("strasse", "stra\u00dfe"),
    ("fi", "\ufb01"),
    ("ilgaz", "\u0131lgaz"),  # without the dot: one in capitals
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_looks_alike_is_one_person(one, other):
    assert is_same(one, other)
    assert is_same(other, one)
    with pytest.raises(SamePersonError):
        require_other_person(one, other)
    with pytest.raises(SamePersonError, match="entered rates"):
        require_no_part({"somebody", one}, other, "entered rates")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "anne"),
        ("zoe", "zo\u00eb"),
        ("\u5c71\u7530", "\u5c71\u672c"),
        ("a b", "ab"),
        ("", "a"),
    ],
)
def test_what_reads_differently_is_two_people(one, other):
    assert not is_same(one, other)
    require_other_person(one, other)
    require_no_part({one}, other, "entered rates")
    refuse_alike([one, other])


def test_nobody_is_nobody_in_particular():
    assert not is_same(None, None)
    assert not is_same(None, "ann")
    require_other_person(None, "ann")


@pytest.mark.parametrize(("one", "other"), [pair for pair in ALIKE if pair[0] != pair[1]])
def test_two_that_look_alike_are_refused_together_by_both_names(one, other):
    with pytest.raises(UnclearIdentityError) as refused:
        refuse_alike(["somebody else", one, other])

    assert refused.value.detail == f"{other!a} could be taken for {one!a}"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("both ", "'both ' has a blank at an end, or two in a row"),
        ("ann  lee", "'ann  lee' has a blank at an end, or two in a row"),
        ("ann\u00a0lee", "'ann\\xa0lee' has a blank at an end, or two in a row"),
        ("b\u200both", "'b\\u200both' holds a character that nobody sees"),
        ("both\u034f", "'both\\u034f' holds a character that nobody sees"),
        ("b\ufe0foth", "'b\\ufe0foth' holds a character that nobody sees"),
        ("b\toth", "'b\\toth' holds a character that nobody sees"),
        ("\uff42oth", "'\\uff42oth' is 'both' in other characters"),
        ("b\u043eth", "'b\\u043eth' mixes letters of CYRILLIC and LATIN"),
        ("\u0391nna", "'\\u0391nna' mixes letters of GREEK and LATIN"),
    ],
)
def test_an_identity_that_is_not_written_as_it_reads_is_refused(written, reason):
    with pytest.raises(UnclearIdentityError) as refused:
        refuse_unclear(written)

    assert refused.value.detail == reason


@pytest.mark.parametrize(
    "written",
    [
        "",
        "two-hats",
        "buyer@lab-one",
        "Ann Lee",
        "Zo\u00eb",
        "\u0410\u043d\u043d\u0430",
        "\u5c71\u7530 \u592a\u90ce",
        "\u5c71\u7530-taro",
        "clerk 2",
    ],
)
def test_a_plain_identity_of_any_script_is_taken(written):
    refuse_unclear(written)


def test_four_eyes_are_counted_in_one_place():
    """Whatever compares two people asks `trust.principals`; nobody else refuses SAME_PERSON."""
    package = Path(federation.__file__).parent
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if "raise SamePersonError" in file.read_text(encoding="utf-8")
    }

    assert found == {"trust/principals.py"}
