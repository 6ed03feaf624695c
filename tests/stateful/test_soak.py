"""A long soak says what it never lived through, and fails."""

from collections import Counter

import pytest

from tests.stateful.soak import LIVED, LONG_STEPS, require_lived

ALL = Counter(LIVED.values())


def test_a_soak_that_lived_through_everything_passes():
    require_lived(LONG_STEPS, ALL)


@pytest.mark.parametrize("what", LIVED)
def test_a_long_soak_without_one_of_them_fails_and_names_it(what):
    without = ALL - Counter([LIVED[what]])

    with pytest.raises(LookupError) as failed:
        require_lived(LONG_STEPS, without)

    assert str(failed.value) == f"2000 steps without {what}"


def test_a_short_soak_may_do_without():
    require_lived(LONG_STEPS - 1, Counter())
