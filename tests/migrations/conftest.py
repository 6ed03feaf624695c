"""Databases as they stood at a revision: the way up to it is gone once, its end is copied."""

from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from federation.store import migrations
from tests.databases import on_connection

BEGUN_AT = ("0016", "0026", "0029", "0030", "0038", "0043", "0048")  # one above the other


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stages(any_backend):
    """The addresses of databases without rows, by the revision that each stands at."""
    stages, begun = {}, any_backend.url(migrated=False)
    async with AsyncExitStack() as kept:
        for revision in BEGUN_AT:
            url = await kept.enter_async_context(begun)
            await on_connection(url, lambda found, to=revision: migrations.upgrade(found, to))
            stages[revision], begun = url, any_backend.copy(url)
        yield stages


@pytest.fixture
async def at_revision(any_backend, stages):
    """Return what makes a database without rows at a revision and returns its address."""
    async with AsyncExitStack() as lent:

        async def make(revision):
            return await lent.enter_async_context(any_backend.copy(stages[revision]))

        yield make
