"""A month in which one collective owes the others, per backend: each test goes on from a copy."""

import pytest_asyncio

from tests.payments.month import owing_past


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owing(any_backend, tmp_path_factory):
    """A settled month in which GB owes the others."""
    async with owing_past(any_backend, tmp_path_factory.mktemp("owing")) as past:
        yield past
