"""A hub and a node whose console is looked at: one server for the tests of a module."""

import httpx
import pytest
import pytest_asyncio

from tests.console.visitors import Visitor, signed_in
from tests.oauth.conftest import PEOPLE, running
from tests.signin.conftest import MORE


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["hub", "node"])
async def house(request, any_backend, tmp_path_factory):
    """A hub or a node, by turns: the running server with its clock and rows."""
    folder = tmp_path_factory.mktemp(request.param)
    async with running(request.param, any_backend, folder, principal=[*PEOPLE, *MORE]) as place:
        yield place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http():
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
def nobody(house, http):
    """The browser of somebody who has not signed in."""
    return Visitor(house.service.server, http)


@pytest.fixture
def sign_in(house, http):
    """What signs a person in at the house."""

    async def act(subject, role):
        return await signed_in(house.service.server, http, subject, role)

    return act
