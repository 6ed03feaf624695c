"""Random operations, crashes, repeated and lost deliveries, two officers at once: nothing breaks.

`make soak` lives much longer lives; what it finds is repeated with its seed.
"""

import pytest

from tests.stateful.machine import Plan, live


@pytest.mark.slow
@pytest.mark.parametrize("seed", [101])
async def test_a_life_by_chance_breaks_nothing(sqlite, tmp_path, seed):
    life = await live(sqlite, tmp_path, Plan(seed, steps=150))

    assert life.counts["done approveRun"]
    assert life.world.crashes
    assert life.world.network.counts
    assert life.counts["two at once"]


@pytest.mark.slow
async def test_a_life_on_postgres_breaks_nothing(postgres, tmp_path):
    life = await live(postgres, tmp_path, Plan(204, steps=40))

    assert life.world.crashes
    assert life.counts["two at once"]
