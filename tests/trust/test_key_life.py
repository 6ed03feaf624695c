"""The life of a key: a table of what may happen when, and what is published at every instant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import RefusalError
from federation.trust.key_life import (
    ADVISED,
    PUBLISHED_BEFORE,
    TOKEN_LIFE_MAX,
    VERIFIES_FOR,
    KeyStateError,
    KeyStillCheckedError,
    KeyTooYoungError,
    Life,
    State,
    activated,
    born,
    first,
    is_old,
    is_published,
    retired,
    superseded,
)

MADE = datetime(2026, 9, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
USED = MADE + PUBLISHED_BEFORE
OVER = USED + ADVISED
ENDED = OVER + VERIFIES_FOR

NEXT = born(MADE)
ACTIVE = activated(NEXT, USED)
VERIFY_ONLY = superseded(ACTIVE, OVER)
RETIRED = retired(VERIFY_ONLY, ENDED)


def test_the_times_of_a_life_are_as_stated():
    assert timedelta(hours=48) == PUBLISHED_BEFORE
    assert timedelta(days=90) == ADVISED
    assert timedelta(hours=12) == TOKEN_LIFE_MAX
    assert timedelta(hours=37) == VERIFIES_FOR


def test_a_whole_life_keeps_every_instant():
    assert Life(State.RETIRED, MADE, USED, ENDED, ENDED) == RETIRED
    assert Life(State.ACTIVE, MADE, MADE) == first(MADE)


@pytest.mark.parametrize(
    ("life", "now", "is_shown"),
    [
        (NEXT, MADE, True),
        (ACTIVE, USED, True),
        (ACTIVE, OVER + ADVISED, True),
        (VERIFY_ONLY, OVER, True),
        (VERIFY_ONLY, ENDED - SECOND, True),
        (VERIFY_ONLY, ENDED, False),
        (RETIRED, ENDED, False),
    ],
)
def test_what_is_published_at_an_instant(life, now, is_shown):
    assert is_published(life, now) is is_shown


LIVES = {State.NEXT: NEXT, State.ACTIVE: ACTIVE, State.VERIFY_ONLY: VERIFY_ONLY}
LIVES[State.RETIRED] = RETIRED
LATE = ENDED + timedelta(days=1)
ACTS = {"activate": activated, "supersede": superseded, "retire": retired}
ALLOWED = {
    ("activate", State.NEXT): State.ACTIVE,
    ("supersede", State.ACTIVE): State.VERIFY_ONLY,
    ("retire", State.NEXT): State.RETIRED,
    ("retire", State.VERIFY_ONLY): State.RETIRED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", ACTS)
def test_each_state_allows_its_acts_and_no_other(act, state):
    if (act, state) in ALLOWED:
        assert ACTS[act](LIVES[state], LATE).state is ALLOWED[act, state]
    else:
        with pytest.raises(KeyStateError):
            ACTS[act](LIVES[state], LATE)


def test_a_key_signs_only_after_everybody_may_have_seen_it():
    with pytest.raises(KeyTooYoungError, match="2026-09-03T12:00:00"):
        activated(NEXT, USED - SECOND)

    assert activated(NEXT, USED - SECOND, is_urgent=True).state is State.ACTIVE
    assert activated(NEXT, USED).activated_at == USED


def test_a_key_is_withdrawn_only_after_all_it_signed_is_over():
    with pytest.raises(KeyStillCheckedError):
        retired(VERIFY_ONLY, ENDED - SECOND)

    assert retired(VERIFY_ONLY, ENDED - SECOND, is_urgent=True).state is State.RETIRED
    assert retired(VERIFY_ONLY, ENDED).retired_at == ENDED


@pytest.mark.parametrize(
    ("life", "now", "is_so"),
    [
        (ACTIVE, OVER - SECOND, False),
        (ACTIVE, OVER, True),
        (VERIFY_ONLY, LATE, False),
        (NEXT, LATE, False),
    ],
)
def test_an_old_key_is_one_that_signs_for_longer_than_advised(life, now, is_so):
    assert is_old(life, now) is is_so


STEPS = st.tuples(
    st.sampled_from(sorted(ACTS)), st.integers(min_value=0, max_value=200), st.booleans()
)


@given(st.lists(STEPS, max_size=12))
def test_however_a_life_goes_what_a_key_signed_can_be_checked_until_it_is_over(steps):
    life, now, signed_until = born(MADE), MADE, None
    for name, hours, is_urgent in steps:
        now += timedelta(hours=hours)
        if life.state is State.ACTIVE:
            signed_until = now + TOKEN_LIFE_MAX  # it signs to the last moment, the longest token
        urgent = {} if name == "supersede" else {"is_urgent": is_urgent}
        before = life
        try:
            life = ACTS[name](life, now, **urgent)
        except RefusalError:
            assert life == before
        if is_urgent and life.state is State.RETIRED:
            return  # an emergency refuses what the key signed, on purpose
        if signed_until is not None and now < signed_until:
            assert is_published(life, now)
        if life.state is State.RETIRED:
            assert not is_published(life, now)
