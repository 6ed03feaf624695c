import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.edge.encoding import (
    PIECE_BYTES,
    BadBodyError,
    UnknownEncodingError,
    decoder_for,
)

LIMIT = 1_000
PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def decoded(encoding, data, size=7):
    """Decode a body that comes in pieces of some size."""
    decoder = decoder_for(encoding)
    found = [
        piece
        for start in range(0, len(data), size)
        for piece in decoder.pieces(data[start : start + size])
    ]
    decoder.end()
    return b"".join(found)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_body_that_is_not_packed_is_taken_as_it_is(encoding):
    assert decoded(encoding, b"\x1f\x8b lines") == b"\x1f\x8b lines"


@pytest.mark.parametrize("encoding", PACKED)
@given(body=st.binary(max_size=LIMIT), size=st.integers(1, 64))
def test_a_packed_body_is_unpacked_in_whatever_pieces_it_comes(encoding, body, size):
    assert decoded(encoding.upper(), PACKED[encoding](body), size) == body


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_comes_in_pieces_that_can_be_counted(encoding):
    """A hundred million bytes in a hundred thousand: what is not asked for is not unpacked."""
    pieces = decoder_for(encoding).pieces(PACKED[encoding](bytes(100_000_000)))

    assert [len(next(pieces)) for _ in range(3)] == [PIECE_BYTES] * 3


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize(
    "spoil",
    [lambda packed: packed[:-1], lambda _: b"", lambda packed: packed + b"x", lambda _: b"{}\n"],
    ids=["cut off", "empty", "followed by something", "not packed"],
)
def test_what_is_not_packed_as_it_says_is_refused(encoding, spoil):
    with pytest.raises(BadBodyError):
        decoded(encoding, spoil(PACKED[encoding](b"lines")), size=10_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "*", "x" * 9_999])
def test_another_encoding_is_refused_before_anything_is_taken(encoding):
    with pytest.raises(UnknownEncodingError) as refusal:
        decoder_for(encoding)

    assert refusal.value.detail == encoding[:40]
