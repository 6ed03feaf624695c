"""The federation that a wrong party is let into."""

import pytest
import pytest_asyncio

from tests.adversary.four import four_collectives
from tests.federation.harness import Small, lived, resumed
from tests.payments.month import owing_past


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def four_past(any_backend, tmp_path_factory):
    """The past of four collectives, open for business."""
    federation = four_collectives(any_backend, tmp_path_factory.mktemp("four"))
    async with lived(any_backend, federation, Small.silence) as past:
        yield past


@pytest.fixture
async def federation(any_backend, four_past):
    """Four collectives that go on from there; one of them is going to misbehave."""
    async with resumed(any_backend, four_past) as small:
        yield small


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owing(any_backend, tmp_path_factory):
    """A settled month in which GB owes the others; then its hub turns hostile."""
    async with owing_past(any_backend, tmp_path_factory.mktemp("hostile")) as past:
        yield past
