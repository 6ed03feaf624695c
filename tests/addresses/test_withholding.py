"""What is withheld is so in every reading of an address that some application might make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.readings import loose_readings, readings
from federation.addresses.urls import UrlKey, normalise_path, normalise_subject, normalise_url
from federation.addresses.withholding import Withheld, spellings

READINGS_MAX = 32


def is_withheld(subject, path):
    filed = Withheld()
    filed.add(normalise_subject(f"pub.example{subject}"), "it")
    keys = [normalise_url(url) for url in readings(f"https://pub.example{path}")]
    loose = [UrlKey(key.host, path) for key in keys for path in loose_readings(key.path)]
    return any(filed.as_written(key) for key in keys) or any(map(filed.read_as, loose))


@pytest.mark.parametrize(
    "path",
    [
        "/withheld",
        "/withheld/1",
        "/withheld;x=1/1",
        "/withheld;x=1",
        "/;y/withheld/1",
        "/a/..;/withheld/1",
        "/a/..;v=1/withheld/1",
        "/a/..%3b/withheld/1",
        "/Withheld/1",
        "/WITHHELD",
        "/%57ithheld/1",
        "/a%5c..%5cwithheld/1",
        "/a/..%5Cwithheld%5C1",
        "/%5cwithheld",
        "/withheld%2f1",
        "/withheld%252f1",
        "/withheld%252F1",
        "/a/%252e%252e/withheld/1",
        "/a%255c..%255cWithheld;x/1",
        "//withheld/1",
        "/a//../withheld/1",
        "/withheld;a%2fb/1",
    ],
)
def test_any_reading_of_what_is_withheld_is_withheld(path):
    assert is_withheld("/withheld", path)


@pytest.mark.parametrize(
    "path", ["/", "/withheld-not", "/withhel", "/a/withheld", "/a;/withheld", "/a%5cwithheld"]
)
def test_what_no_reading_makes_of_an_address_is_not_withheld(path):
    assert not is_withheld("/withheld", path)


@pytest.mark.parametrize(
    ("subject", "path", "expected"),
    [
        ("/*.pdf$", "/A.PDF", True),
        ("/*.pdf$", "/a.pdf;x=1", True),
        ("/*.pdf$", "/a.pdf/b", False),
        ("/a*private", "/A%255Cb%255CPrivate", True),
        ("/a%2ab", "/a*b", True),
        ("/a%2ab", "/axb", False),
        ("/a%24", "/a$", True),
        ("/a%24", "/a", False),
        ("/Caf%C3%89", "/caf%c3%a9", True),
        ("/caf%C3*", "/caf%C3%A9", True),  # a pattern may end within a character
        ("/A;x=1", "/a;x=1/b", True),
        ("/a;x=1", "/a", False),
    ],
)
def test_subjects_are_read_as_loosely_as_addresses(subject, path, expected):
    assert is_withheld(subject, path) is expected


@given(st.lists(st.sampled_from(["a", "B", "/", "//", "..", ";", "%5C", "%252F", "%25", "*", "."])))
def test_an_address_has_few_readings_and_each_is_one_for_good(pieces):
    path = normalise_path("/" + "".join(pieces))

    found = loose_readings(path)

    assert 1 <= len(found) <= READINGS_MAX
    assert all(each.startswith("/") and each == each.lower() for each in found)


def test_what_is_withheld_as_written_is_withheld_whatever_else_it_may_be_read_as():
    filed = Withheld()
    filed.add(normalise_subject("*.pub.example/a%2Fb"), "it")

    assert filed.as_written(UrlKey("www.pub.example", "/a%2Fb")) == (("it",),)
    assert filed.as_written(UrlKey("other.example", "/a%2Fb")) == ()


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/a", {"/a"}),
        ("/a$", {"/a$"}),
        ("/a*b", {"/a*b"}),
        ("/a%2Ab*$", {"/a%2Ab*$"}),
        ("/%C3%A9*", {"/%C3%A9*"}),
        ("/a%2Fb*", {"/a%2Fb*", "/a/b*"}),
        ("/a%3B*$", {"/a%3B*$", "/a;*$"}),
        ("/$a%3B", {"/$a%3B", "/%24a;"}),
    ],
)
def test_a_pattern_is_spelled_again_between_its_marks(path, read):
    found = spellings(path)

    assert found == read
