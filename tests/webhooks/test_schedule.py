"""The schedule of attempts: about three days, stated to the second."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from federation.webhooks.schedule import ATTEMPTS_MAX, JITTER_PARTS, WAITS, wait_after


def test_the_waits_are_those_that_the_page_states():
    seconds = [int(wait.total_seconds()) for wait in WAITS]
    assert seconds == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert sum(WAITS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert ATTEMPTS_MAX == 10


@given(st.integers(1, ATTEMPTS_MAX - 1), st.integers(0, JITTER_PARTS))
def test_jitter_adds_a_tenth_at_most_and_takes_nothing(attempts, part):
    wait = wait_after(attempts, part)
    assert wait == WAITS[attempts - 1] + WAITS[attempts - 1] * part // 10_000
    assert WAITS[attempts - 1] <= wait <= WAITS[attempts - 1] * 11 // 10


@given(st.integers(ATTEMPTS_MAX, 1_000), st.integers(0, JITTER_PARTS))
def test_after_the_last_attempt_there_is_none(attempts, part):
    assert wait_after(attempts, part) is None
