"""A random walk of wrong messages changes nothing of anybody else, and the month is the same."""

from random import Random

import pytest

from tests.adversary.random_walk import Walk
from tests.adversary.rogue import Rogue

# What the month gives when nothing wrong is sent, in minor units.
SHARES = {
    "DE-000001": {"DE": 17_800, "FR": 8_900},
    "HUB-000001": {"DE": 61_230, "FR": 11_481, "GB": 22_961},
    "HUB-000002": {"DE": 63_782},
}


@pytest.mark.slow
@pytest.mark.parametrize("steps", [0, 60])
async def test_a_walk_of_wrong_messages_leaves_the_month_as_it_would_be(federation, steps):
    rogue = await Rogue.instead_of(federation, "ZZ")

    shares = await Walk(federation, rogue, Random(1)).through_the_month(steps)

    assert shares == SHARES
