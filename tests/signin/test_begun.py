"""Sign-ins that were begun: once, ten minutes, so many of one address and so many in all."""

import pytest

from federation.signin.begun import (
    ALL_MAX,
    OF_ONE_MAX,
    SECONDS,
    BadStateError,
    Begun,
    BegunSignIns,
)


@pytest.fixture
def seconds():
    return [0.0]


@pytest.fixture
def kept(seconds):
    return BegunSignIns(lambda: seconds[0])


def begun(address="a", browser="b"):
    return Begun("nonce", "verifier", browser, address, None)


def is_there(kept, state):
    try:
        kept.take(state, "b")
    except BadStateError:
        return False
    return True


def test_a_state_is_used_once_and_by_its_browser(kept):
    kept.keep("s", begun())
    for state, browser in (("s", "other"), ("s", None), ("t", "b"), ("", "b")):
        with pytest.raises(BadStateError):
            kept.take(state, browser)

    assert kept.take("s", "b") == begun()
    assert not is_there(kept, "s")
    assert len(kept) == 0


def test_it_is_over_after_ten_minutes_and_then_forgotten(kept, seconds):
    kept.keep("early", begun())
    kept.keep("s", begun())
    seconds[0] = SECONDS
    assert not is_there(kept, "s")
    kept.keep("t", begun())

    assert len(kept) == 1
    seconds[0] += SECONDS - 0.1
    assert is_there(kept, "t")


def test_one_address_pushes_out_its_own_only(kept):
    kept.keep("mine", begun("home"))
    for number in range(OF_ONE_MAX + 5):
        kept.keep(f"s{number}", begun("hostile"))

    assert len(kept) == OF_ONE_MAX + 1
    assert is_there(kept, "mine")
    assert [is_there(kept, f"s{number}") for number in (4, 5)] == [False, True]


def test_many_addresses_never_hold_more_than_the_most(kept):
    for number in range(ALL_MAX + 3):
        kept.keep(f"s{number}", begun(f"a{number}"))

    assert len(kept) == ALL_MAX == len(kept._of)
    assert [is_there(kept, f"s{number}") for number in (2, 3)] == [False, True]
