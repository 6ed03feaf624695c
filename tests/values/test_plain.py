"""What is said of bytes that are no JSON."""

import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.values.plain import BadTextError, require_plain_json, why_unread

HALVES = [r"\ud800", r"\uDBFF", r"\udc00", r"\uDFFF"]
PIECES = [*HALVES, r"\ud83d\ude00", r"\\", r"\u0041", "ud800", "x"]


def read(body):
    """Return why the reader refuses a body, None where it does not."""
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        return why_unread(body, error)
    return None


@pytest.mark.parametrize(
    ("text", "place", "half"),
    [
        (r"\ud800", 7, r"\ud800"),
        (r"ab\uDC00", 9, r"\uDC00"),
        (r"\ud83d\ude00\ud83d", 19, r"\ud83d"),
        (r"\ud83dx\ude00", 7, r"\ud83d"),
        (r"\\\ud800", 9, r"\ud800"),
        (r"\ud800\\udc00", 7, r"\ud800"),
    ],
)
def test_half_of_a_surrogate_pair_is_named_with_its_place(text, place, half):
    said = read(b'{"a":"%s"}' % text.encode())

    assert said == f"byte {place}: {half} is half of a surrogate pair, which is no text"


@pytest.mark.parametrize("body", [b'{"a":', b'{"a":"\\\\ud800}', b'{"a":"\\ud83d\\ude00"'])
def test_what_is_wrong_otherwise_is_said_as_the_reader_says_it(body):
    assert read(body) == "Input data was truncated"


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_it_is_said_of_every_text_with_a_half_and_of_no_other(text):
    body = b'"%s"' % text.encode()
    try:
        json.loads(body).encode()
        is_whole = True
    except UnicodeEncodeError:
        is_whole = False

    said = read(body)

    assert (said is None) == is_whole
    assert is_whole or "half of a surrogate pair" in said


@pytest.mark.parametrize("piece", [b"x", b"\\\\", b"\\ud83d\\ude00", b"x\\n"])
def test_what_stands_before_it_is_read_once_however_much_it_is(piece):
    """A pattern that kept or took back what it has read would not end, or take all memory."""
    body = b'"' + piece * 80_000

    assert why_unread(body + b"\\ud8", ValueError("the reader's")) == "the reader's"
    assert f"byte {len(body) + 1}: " in why_unread(body + b"\\ud800", ValueError())


@pytest.mark.parametrize("filling", [b"x", b"\\\\u0000", b"\\n"])
def test_a_zero_character_in_what_is_large_is_named_by_its_byte(filling):
    body = b'["' + filling * (2 * 1024 * 1024 // len(filling))

    require_plain_json(body + b'"]')
    with pytest.raises(BadTextError) as refusal:
        require_plain_json(body + b'\\u0000"]')
    assert refusal.value.detail == f"byte {len(body) + 1}"


def test_what_is_large_is_not_read_into_values():
    """Lists in a list would come to twenty times what they are as text."""
    body = b"[" + b"[]," * 1_000_000 + b'"\\u0000"]'
    tracemalloc.start()
    try:
        with pytest.raises(BadTextError):
            require_plain_json(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100_000
