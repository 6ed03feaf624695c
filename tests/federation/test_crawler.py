"""A lab's crawler with a credential and a key of its own, from a real server to a member's site."""

import asyncio
import re
from functools import partial
from pathlib import Path

import httpx
import msgspec
import pytest
import pytest_asyncio

from federation.access.bearers import ClientCredential, NoTokenError
from federation.crawler.crawlers import BoundCrawler, SiteCrawler
from federation.crawler.mint import Mint
from federation.crawler.refusals import (
    LicenceOverError,
    LicenceRevokedError,
    LicenceSuspendedError,
    NotMintedError,
)
from federation.gate.asgi import AsgiGate
from federation.gate.gate import Gate, GateConfig
from federation.gate.nonces import NonceStore
from federation.gate.spool import Spool
from federation.signing.crawl_keys import CrawlKey
from federation.signing.keys import SigningKey
from federation.values.party import HUB
from tests.federation.harness import DAY, days, resumed
from tests.federation.holders import Holder, page
from tests.federation.programs import imported

README = Path(__file__).parents[2] / "federation" / "crawler" / "README.md"
[EXAMPLE] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
ISSUE = """mutation($publicKey: String) {
  issueClient(kind: LAB, party: "lab-one", name: "Crawler", key: "c", publicKey: $publicKey) {
    ... on GivenCredential { secret client { id } credential { id } } } }"""
REVOKE = """mutation($id: ID!) { revokeClient(client: $id) { ... on Client { state } } }"""
SET = """mutation($number: String!) { %s(number: $number, reason: "A test.") {
  ... on Licence { status } ... on Refused { code message } } }"""
URLS = ["https://news.example/de/1", "https://news.example/de/2?page=3"]


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def client_at(small, code, key=None):
    jwk = msgspec.json.encode(key.public_jwk()).decode() if key else None
    made = await small.at(code, "licensing").ask(ISSUE, publicKey=jwk)
    issuer = small.running[code].config.entity_id if key else None
    return ClientCredential(
        client_id=made["client"]["id"], secret=made["secret"], key=key, issuer=issuer
    )


def mint_at(small, code, client):
    return Mint(small.running[code].url, client, clock=small.clock)


async def site(small, folder):
    """Return an HTTP client whose every address leads to a member's site of DE."""
    config = GateConfig(
        policy=await Holder.of(small),
        spool=Spool(folder / "spool", fsync=False),
        nonces=NonceStore(folder / "nonces.sqlite"),
        clock=small.clock,
        origins=["https://news.example"],
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(AsgiGate(page, Gate(config))))


@pytest.mark.parametrize(("code", "by"), [(HUB, "secret"), ("DE", "key")])
async def test_the_example_of_the_readme_crawls(small, tmp_path, monkeypatch, code, by):
    monkeypatch.chdir(tmp_path)
    example = imported(tmp_path, EXAMPLE)
    for name in ("Mint", "BoundCrawler"):  # business time of the servers stands still
        setattr(example, name, partial(getattr(example, name), clock=small.clock))
    client = await client_at(small, code, SigningKey.generate() if by == "key" else None)

    async with await site(small, tmp_path) as http:
        crawl = example.crawl(http, small.running[code].url, client, URLS)
        answers = [answer async for answer in crawl]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"A page.")] * 2
    assert [str(answer.url) for answer in answers] == URLS


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_a_crawler_without_a_key_has_tokens_for_the_sites_it_was_told(small, tmp_path, code):
    sites = [["https://news.example/de/"], ["https://journal.example/"], ["https://x.example/"]]
    crawler = SiteCrawler(mint_at(small, code, await client_at(small, code)), "HUB-000001", sites)

    async with await site(small, tmp_path) as http:
        headers = await crawler.headers("GET", URLS[0], use="TRAIN")
        answer = await http.get(URLS[0], headers=headers)

    assert answer.status_code == 200
    if code == HUB:
        with pytest.raises(NotMintedError, match="OUTSIDE_LICENCE"):
            await crawler.headers("GET", "https://x.example/1")


async def test_what_stops_a_licence_is_said_clearly(small):
    client = await client_at(small, HUB)
    officer = small.at(HUB, "licensing")

    async def ask():
        mint = mint_at(small, HUB, client)
        await BoundCrawler(mint, "HUB-000001", CrawlKey.generate()).headers("GET", URLS[0])

    await ask()
    await officer.ask(SET % "suspendLicence", number="HUB-000001")
    with pytest.raises(LicenceSuspendedError):
        await ask()
    await officer.ask(SET % "reinstateLicence", number="HUB-000001")
    await small.silence()  # the nodes register it anew
    await ask()
    small.set_clock(DAY + days(400))
    with pytest.raises(LicenceOverError, match="2027-08-31"):
        await ask()
    small.set_clock(DAY)
    await officer.ask(SET % "revokeLicence", number="HUB-000001")
    with pytest.raises(LicenceRevokedError):
        await ask()


async def test_another_labs_licence_and_an_ended_client_get_nothing(small):
    client = await client_at(small, HUB)
    with pytest.raises(NotMintedError, match="UNKNOWN_LICENCE"):
        await asyncio.to_thread(
            mint_at(small, HUB, client).bound, "HUB-000002", CrawlKey.generate().public
        )

    await small.at(HUB, "licensing").ask(REVOKE, id=client.client_id)
    with pytest.raises(NoTokenError, match="HTTP 401 invalid_client"):
        await asyncio.to_thread(
            mint_at(small, HUB, client).bound, "HUB-000001", CrawlKey.generate().public
        )
