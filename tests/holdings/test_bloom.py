"""A filter never misses what was put into it, and its bytes are those that are written down."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.holdings import bloom

SEED = bytes(range(16))


def filled(identifiers, seed=SEED):
    found = bytearray(bloom.size_of(len(identifiers)))
    bloom.put(found, (bloom.key_of(one, seed) for one in identifiers))
    return found


@given(st.sets(st.text(max_size=40), max_size=200), st.binary(min_size=16, max_size=16))
def test_what_was_put_in_is_found(identifiers, seed):
    found = filled(identifiers, seed)

    assert all(bloom.may_hold(found, bloom.key_of(one, seed)) for one in identifiers)


@pytest.mark.parametrize(
    ("count", "size"), [(0, 8), (3, 8), (4, 10), (5, 13), (1_000_000, 2_500_000)]
)
def test_a_key_takes_20_bits(count, size):
    assert bloom.size_of(count) == size


def test_a_key_is_the_same_in_every_language():
    assert bloom.key_of("ISBN:9783161484100", SEED) == 14966204393868330974
    assert filled(["ISBN:9783161484100"]).hex() == "00a0006010a400aa"


def test_of_100_000_that_were_not_put_in_few_are_found():
    found = filled([f"ISBN:{number}" for number in range(20_000)])
    wrong = sum(
        bloom.may_hold(found, bloom.key_of(f"DOI:10.1/{number}", SEED)) for number in range(100_000)
    )

    assert (sha256(found).hexdigest()[:16], wrong) == ("805556b039d1ced0", 8)
