"""A node and a hub with the members that registers are about."""

import pytest

from tests.databases import HUB_TERMS, a_party, opened
from tests.registry.registries import import_members


@pytest.fixture
async def node(database):
    """A node that the hub has admitted, with two members."""
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    await import_members(database)
    return database


@pytest.fixture
async def hub(backend):
    async with backend.lent() as url, opened(url) as database:
        yield database
