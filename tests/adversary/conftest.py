"""The federation that a wrong party is let into."""

import pytest
import pytest_asyncio

from tests.adversary.four import four_collectives
from tests.payments.month import owing_past


@pytest.fixture
async def federation(backend, tmp_path):
    """Four collectives, open for business; one of them is going to misbehave."""
    async with four_collectives(backend, tmp_path) as small:
        yield small


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owing(any_backend, tmp_path_factory):
    """A settled month in which GB owes the others; then its hub turns hostile."""
    async with owing_past(any_backend, tmp_path_factory.mktemp("hostile")) as past:
        yield past
