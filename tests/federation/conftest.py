"""Two small federations per backend that many tests look at and none changes."""

import pytest
import pytest_asyncio

from federation.scenario.client import Person
from tests.databases import BACKENDS
from tests.federation.harness import (
    DAY,
    PERIOD,
    Small,
    a_line,
    month_over,
    open_for_business,
    report_lines,
    small_federation,
    write_scenario,
)

TARIFF = """mutation($input: TariffInput!) {
  publishTariff(input: $input) { __typename ... on Refused { code message } } }"""
PRICES = {
    "currency": "EUR",
    "minimumFee": "100000",
    "prices": [
        {"use": "TRAIN", "contentTier": "premium", "per1000": "900"},
        {"use": "TRAIN", "contentTier": "standard", "per1000": "300"},
        {"use": "GROUND", "contentTier": "standard", "per1000": "450"},
    ],
}


@pytest.fixture(scope="session", params=BACKENDS)
def any_backend(request):
    """What makes databases of one kind, for a federation that many tests share."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _count_backend(request, record_property):
    """Say on which backend a test of a shared federation ran."""
    found = getattr(request.node, "callspec", None)
    if found is not None and "any_backend" in found.params:
        record_property("backend", found.params["any_backend"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(any_backend, tmp_path_factory):
    """A federation in the middle of a month: joined, registered, three licences sold."""
    folder = tmp_path_factory.mktemp("shop")
    async with small_federation(any_backend, write_scenario(folder / "files"), folder) as small:
        await open_for_business(small)
        await publish_tariff(small.at("HUB", "licensing"))
        small.set_clock(DAY)
        small.constant = await small.rows(small.codes)
        yield small


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settled(any_backend, tmp_path_factory):
    """A federation whose month is over: used by both labs, settled, distributed."""
    folder = tmp_path_factory.mktemp("settled")
    async with small_federation(any_backend, write_scenario(folder / "files"), folder) as small:
        story = await open_for_business(small)
        await report_some_usage(small)
        month_over(small)
        await story.publish_rates()
        await story.settle(PERIOD)
        await small.silence()
        small.constant = await small.rows(small.codes)
        yield small


async def publish_tariff(officer: Person) -> None:
    await officer.ask(TARIFF, input=PRICES)


async def report_some_usage(small: Small) -> None:
    small.set_clock(DAY)
    sites = [
        a_line("s-1", "HUB-000001", "https://news.example/de/1", units=5_000),
        a_line("s-2", "HUB-000001", "https://news.example/fr/1", units=3_000),
        a_line("s-3", "HUB-000001", "https://news.example/gb/1", units=2_000),
        a_line("s-4", "HUB-000001", "https://news.example/de/private/1", units=700),
    ]
    elsewhere = [a_line("s-1", "HUB-000001", "https://x.bild.example/1", units=1_000)]
    first = [
        a_line("l-1", "DE-000001", "https://news.example/de/1", units=400),
        a_line("l-2", "DE-000001", "https://news.example/fr/1", units=600),
    ]
    second = [a_line("l-1", "HUB-000002", "https://news.example/de/1", use="SEARCH", units=250)]
    await report_lines(small.at("DE", "sites"), sites)
    await report_lines(small.at("FR", "sites"), elsewhere)  # DE's page, FR's site
    await report_lines(small.lab("lab-one"), first)
    await report_lines(small.lab("lab-two"), second)
