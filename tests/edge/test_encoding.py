import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.edge.encoding import (
    BadBodyError,
    BodyTooLargeError,
    UnknownEncodingError,
    decoder_for,
)

LIMIT = 1_000
PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def decoded(encoding, data, size=7, limit=LIMIT):
    """Decode a body that comes in pieces of some size."""
    decoder = decoder_for(encoding, limit)
    for start in range(0, len(data), size):
        decoder.take(data[start : start + size])
    return decoder.whole()


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_body_that_is_not_packed_is_taken_as_it_is(encoding):
    assert decoded(encoding, b"\x1f\x8b lines") == b"\x1f\x8b lines"


@pytest.mark.parametrize("encoding", PACKED)
@given(body=st.binary(max_size=LIMIT), size=st.integers(1, 64))
def test_a_packed_body_is_unpacked_in_whatever_pieces_it_comes(encoding, body, size):
    assert decoded(encoding.upper(), PACKED[encoding](body), size) == body


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_may_come_to_the_limit_and_no_byte_further(encoding):
    pack = PACKED[encoding]

    assert decoded(encoding, pack(b"x" * LIMIT)) == b"x" * LIMIT
    with pytest.raises(BodyTooLargeError):
        decoded(encoding, pack(b"x" * (LIMIT + 1)))


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_is_refused_at_its_first_piece(encoding):
    """A hundred million bytes in a hundred thousand: nothing past the limit is ever unpacked."""
    decoder = decoder_for(encoding, LIMIT)
    bomb = PACKED[encoding](bytes(100_000_000))

    with pytest.raises(BodyTooLargeError):
        decoder.take(bomb[:4096])


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
        decoder_for(encoding, LIMIT)

    assert refusal.value.detail == encoding[:40]
