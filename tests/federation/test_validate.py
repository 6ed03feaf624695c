"""A node answers about an address in every reading that a site's application might make of it."""

import msgspec
import pytest
import pytest_asyncio

from federation.values.party import HUB
from tests.federation.harness import send
from tests.federation.market import open_market

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def market(any_backend, tmp_path_factory):
    async with open_market(any_backend, tmp_path_factory.mktemp("market")) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/de/x", None),
        ("/de/private/x", "WITHHELD"),
        ("/de//private/x", "WITHHELD"),
        ("/de/private%2fx", "WITHHELD"),
        ("/de/%70rivate/x", "WITHHELD"),
        ("/de%2f..%2ffr/x", "INSUFFICIENT_SCOPE"),
    ],
)
async def test_no_spelling_of_a_withheld_page_is_valid(market, path, code):
    answer, bought, _ = await market.buy(HUB, "DE/de-a", resource="https://news.example/de")
    assert answer == 200
    asked = {
        "token": bought["access_token"],
        "publisher_id": "de-a",
        "url": f"https://news.example{path}",
        "use": "TRAIN",
    }

    found = await send(market.small, "DE", "/validate", msgspec.json.encode(asked))

    assert (found.status, found.body.get("code")) == ((403, code) if code else (200, None))
