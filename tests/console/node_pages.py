"""A settled federation of which a node's pages are looked at, and what a person reads in them."""

import re

import httpx
import pytest_asyncio

from tests.console.visitors import signed_in
from tests.federation.conftest import late_past, opened_past  # noqa: F401 - fixtures
from tests.federation.harness import resumed

DASH = "\N{EN DASH}"


@pytest_asyncio.fixture
async def small(any_backend, late_past):  # noqa: F811 - as above
    async with resumed(any_backend, late_past) as found:
        yield found


@pytest_asyncio.fixture
async def http():
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


async def visitor(small, http, subject, role):
    return await signed_in(small.keepers["FR"].service.server, http, subject, role)


def cells(seen):
    """Return the rows of a page's tables as what a person reads in their cells."""
    rows = re.findall(r"<tr.*?</tr>", seen.text.partition('<details class="api">')[0], re.DOTALL)
    return [
        [
            re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", cell)).strip()
            for cell in re.findall(r"<t[dh][ >].*?</t[dh]>", row, re.DOTALL)
        ]
        for row in rows
    ]
