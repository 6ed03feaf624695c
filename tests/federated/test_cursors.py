"""A cursor is taken back by who gave it out only: for the same question, whole, for a day."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from federation.federated.cursors import (
    LENGTH_MAX,
    CursorExpiredError,
    Cursors,
    OtherQuestionError,
    Position,
    TooMuchMissingError,
)
from federation.federated.merging import Key
from federation.values.cursors import BadCursorError, cursor_of

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
POSITION = Position(Key("foxes", "GB:1"), {"DE": None, "FR": Key("a", "DE:2")})


def a_hub(secret=b"hub", question=("works", {"text": "fox"}), now=NOW):
    return Cursors(lambda text: sha256(secret + text).digest(), question, now)


@pytest.mark.parametrize(
    "position",
    [
        POSITION,
        POSITION._replace(is_stale=True),
        Position(Key("é", "A:1")),
        Position(None, {"DE": None}),
        Position(is_stale=True),
        Position(),
    ],
)
def test_a_cursor_says_what_it_was_given(position):
    assert a_hub().read(a_hub().write(position)) == position


@pytest.mark.parametrize("missing", [{}, POSITION.missing])
@pytest.mark.parametrize("is_stale", [False, True])
def test_cursors_of_many_places_are_those_of_each(missing, is_stale):
    places = [
        None,
        *(Key(letter * length, f"GB:{length}") for letter in "aé?" for length in (1, 2, 3)),
    ]

    found = a_hub().write_all(places, missing, is_stale=is_stale)

    assert [a_hub().read(cursor) for cursor in found] == [
        Position(place, missing, is_stale) for place in places
    ]
    assert found == [a_hub().write(Position(place, missing, is_stale)) for place in places]


def test_a_node_that_fell_silent_adds_its_code_to_a_cursor_and_no_place_of_its_own():
    many = {f"N{number:03}": None for number in range(200)}
    lengths = [len(a_hub().write(Position(POSITION.after, missing))) for missing in ({}, many)]

    assert lengths == [62, 1_402]


def test_the_head_of_the_list_needs_no_cursor():
    assert [a_hub().read(none) for none in (None, "")] == [Position(), Position()]


def test_a_cursor_is_good_for_a_day():
    cursor, day = a_hub().write(POSITION), timedelta(days=1)

    assert a_hub(now=NOW + day - timedelta(seconds=1)).read(cursor) == POSITION
    with pytest.raises(CursorExpiredError):
        a_hub(now=NOW + day).read(cursor)


@pytest.mark.parametrize(
    "question", [("works", {"text": "dog"}), ("rightholders", {"text": "fox"})]
)
def test_a_cursor_of_another_question_is_refused(question):
    with pytest.raises(OtherQuestionError):
        a_hub(question=question).read(a_hub().write(POSITION))


def test_a_cursor_of_another_hub_is_refused():
    with pytest.raises(BadCursorError):
        a_hub().read(a_hub(secret=b"other").write(POSITION))


def test_a_cursor_in_which_any_byte_is_another_is_refused():
    data = urlsafe_b64decode(a_hub().write(POSITION) + "==")
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BadCursorError):
            a_hub().read(urlsafe_b64encode(changed).decode().rstrip("="))


@pytest.mark.parametrize(
    "text", ["!", "é", "AAAA", "A" * (LENGTH_MAX + 1), cursor_of("works", ("foxes", "1"))]
)
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(BadCursorError):
        a_hub().read(text)


def test_a_list_that_is_owed_from_too_many_places_is_begun_anew():
    missing = {f"N{number}": Key(f"{number}", "DE:1") for number in range(9)}

    with pytest.raises(TooMuchMissingError):
        a_hub().write(Position(POSITION.after, missing))
    long = {f"N{number}": Key(f"{number}" + "猫" * 200, "DE:" + "猫" * 480) for number in range(8)}
    with pytest.raises(TooMuchMissingError):
        a_hub().write(Position(POSITION.after, long))
    del missing["N0"]
    assert a_hub().read(a_hub().write(Position(POSITION.after, missing))).missing == missing
