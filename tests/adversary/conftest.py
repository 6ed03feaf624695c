"""The federation that a wrong party is let into."""

import pytest

from tests.adversary.four import four_collectives


@pytest.fixture
async def federation(backend, tmp_path):
    """Four collectives, open for business; one of them is going to misbehave."""
    async with four_collectives(backend, tmp_path) as small:
        yield small
