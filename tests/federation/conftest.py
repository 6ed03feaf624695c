"""Small federations per backend: two that tests only look at, and pasts that each goes on from."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest_asyncio

from federation.clients.tables import Client, Credential
from federation.config import Calendar
from federation.scenario import documents as ask
from federation.scenario.client import Person
from federation.values.party import HUB
from federation.values.roles import CLIENT_ROLES
from federation.webhooks.tables import Delivery, Webhook
from tests.federation import correcting as corrections
from tests.federation import disputing, holding
from tests.federation.harness import (
    DAY,
    PERIOD,
    Small,
    a_line,
    all_reported,
    lived,
    month_over,
    open_for_business,
    report_lines,
    resumed,
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
        for code in (HUB, "DE"):
            async with small.databases[code].write("test.clients") as session:
                register_clients(session, is_hub=code == HUB)
                await add_webhook(session)
        small.constant = await small.rows(small.codes)
        yield small


async def add_webhook(session) -> None:
    """Add a webhook of lab-one, and an event that it was told."""
    session.add(
        Webhook(
            id="wh-1",
            role="lab",
            party="lab-one",
            url="https://lab-one.example/",
            types='["licence.granted"]',
            state="ACTIVE",
            kept_by="buyer@lab-one",
            made_at=DAY,
            changed_at=DAY,
            secret=b"",
        )
    )
    await session.flush()
    told = {"id": 1, "webhook": "wh-1", "event": "evt_1", "type": "licence.granted", "at": DAY}
    session.add(Delivery(**told, data="{}", state="DELIVERED"))


def register_clients(session, *, is_hub: bool) -> None:
    """Add a program of each lab, of each of two members at a node, and a tool."""
    stands_for = [
        ("lab-1", "LAB", "lab-one"),
        ("lab-2", "LAB", "lab-two"),
        ("tool-1", "TOOL", None),
    ]
    if not is_hub:
        stands_for += [("site-1", "SITE", "de-a"), ("site-2", "SITE", "de-b")]
    for client_id, kind, party in stands_for:
        by = {"client_id": client_id, "made_by": "test", "made_at": DAY}
        session.add(Client(**by, kind=kind, role=CLIENT_ROLES[kind], party=party, name="A program"))
        session.add(
            Credential(
                **by,
                id=f"of-{client_id}",
                kind="SECRET",
                digest="0" * 64,
                expires_at=DAY + timedelta(days=100),
            )
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened_past(any_backend, tmp_path_factory):
    """The past of a federation that is open for business; a test goes on from a copy of it."""
    folder = tmp_path_factory.mktemp("opened")
    federation = small_federation(any_backend, write_scenario(folder / "files"), folder)
    async with lived(any_backend, federation, open_for_business) as past:
        yield past


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def late_past(any_backend, opened_past):
    """Two months later: both are settled, and then came usage and an opt-out that are late."""

    async def two_months(small):
        await corrections.publish_rates(small)
        await corrections.live(small, small.story(), late=True)

    async with lived(any_backend, resumed(any_backend, opened_past), two_months) as past:
        yield past


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def held_past(any_backend, tmp_path_factory):
    """A settled month of which the hub and DE hold money for addresses."""
    folder = tmp_path_factory.mktemp("held")
    scenario = write_scenario(folder / "files", scenario_toml=holding.HOLDING)
    federation = small_federation(any_backend, scenario, folder)
    async with lived(any_backend, federation, holding.hold_some) as past:
        yield past


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def twins_past(any_backend, opened_past):
    """A settled month: DE holds money for what two of its members claim."""
    live = disputing.dispute_within
    async with lived(any_backend, resumed(any_backend, opened_past), live) as past:
        yield past


@pytest_asyncio.fixture
async def two_months(any_backend, late_past):
    """A federation that goes on from there: its correction is still to be made."""
    async with resumed(any_backend, late_past) as small:
        yield small


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def advised_past(any_backend, opened_past):
    """Its month is advised, and nodes may object for ten days."""
    async with lived(any_backend, resumed(any_backend, opened_past), advise) as past:
        yield past


@pytest_asyncio.fixture
async def advised(any_backend, advised_past):
    """A federation that goes on from there, and the run."""
    async with resumed(any_backend, advised_past) as small:
        [run] = await small.at(HUB, "auditor").rows("{ runs { edges { node { runId } } } }")
        yield small, run["runId"]


async def advise(small: Small) -> None:
    """Calculate and advise a month, with ten days for objections."""
    config = msgspec.structs.replace(small.keepers[HUB].config, calendar=Calendar())
    await small.stop(HUB)
    small.keepers[HUB].config = config
    await small.start(HUB)
    story = small.story()
    await report_some_usage(small)
    copy = a_line("c-1", "HUB-000001", "https://press.example/copy/1", units=300)
    await report_lines(small.at("GB", "sites"), [copy])
    month_over(small)
    await story._record_receipts(datetime(2026, 9, 30, tzinfo=UTC).date())
    await story.publish_rates()
    await small.silence()
    await all_reported(small)
    officer = small.at(HUB, "settlement")
    run = await officer.ask(ask.CALCULATE, period=PERIOD)
    await officer.ask(ask.ADVISE, run=run["runId"])


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
