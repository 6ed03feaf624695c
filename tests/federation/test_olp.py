"""A lab buys by RSL with one set of credentials of the hub, at the members of every node."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from lxml import etree

from federation.rsl.evaluating import Asked, State, judge
from federation.rsl.member_terms import offer
from federation.rsl.writing import write_licence
from federation.scenario.servers import HUB_ENTITY
from federation.signing.tokens import check_licence_token
from federation.values.party import HUB
from tests.federation.conftest import publish_tariff
from tests.federation.harness import (
    DAY,
    OPTOUTS,
    Small,
    open_for_business,
    small_federation,
    write_scenario,
)
from tests.federation.test_bound_tokens import Holder

pytestmark = pytest.mark.asyncio(loop_scope="session")

ISSUE = """mutation($kind: String!, $party: String, $key: String!) {
  issueClient(kind: $kind, party: $party, name: "A crawler", key: $key) { __typename
    ... on GivenCredential { secret client { id } } ... on Refused { code message } } }"""
RESERVED = OPTOUTS + "DE,member:de-b,*,2026-01-01T00:00:00Z\n"
FORM = "application/x-www-form-urlencoded"
NS = "{https://rslstandard.org/rsl}"


@dataclass
class Client:
    """A client as it was handed over."""

    id: str
    secret: str

    @property
    def header(self) -> str:
        return "Basic " + base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()


@dataclass
class Market:
    """A federation that sells, and the clients of those who buy."""

    small: Small
    clients: dict[str, Client]

    def base(self, code: str, path: str) -> str:
        return f"{self.small.running[code].url}/olp/{path}"

    @property
    def buy_at(self) -> str:
        return f"{self.small.running[HUB].url}/buy"

    def terms(self, *usages: str) -> str:
        return write_licence(offer(usages, self.buy_at)).decode()

    async def post(
        self, url: str, body: Any, client: str | None = "one", content_type: str = FORM
    ) -> tuple[int, Any, Any]:
        headers = {"Content-Type": content_type}
        if client is not None:
            headers["Authorization"] = self.clients[client].header
        data = body if isinstance(body, bytes) else urlencode(body).encode()
        async with self.small.http.post(url, data=data, headers=headers) as answer:
            return answer.status, json.loads(await answer.read()), answer.headers

    async def buy(
        self, code: str, path: str, *, client: str | None = "one", **asked: Any
    ) -> tuple[int, Any, Any]:
        form = {"grant_type": "client_credentials", "license": self.terms("ai-train", "ai-input")}
        form = {name: text for name, text in (form | asked).items() if text is not None}
        return await self.post(f"{self.base(code, path)}/token", form, client)

    async def get(self, code: str, path: str, **headers: str) -> tuple[int, bytes, Any]:
        url = f"{self.small.running[code].url}{path}"
        async with self.small.http.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers


async def issued(small: Small, code: str, who: str, kind: str, party: str | None) -> Client:
    made = await small.at(code, who).ask(ISSUE, kind=kind, party=party, key=f"{kind}-{party}")
    return Client(made["client"]["id"], made["secret"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market(any_backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    scenario = write_scenario(folder / "files", optouts_csv=RESERVED)
    async with small_federation(any_backend, scenario, folder) as small:
        await open_for_business(small)
        await publish_tariff(small.at(HUB, "licensing"))
        small.set_clock(DAY)
        clients = {
            "one": await issued(small, HUB, "licensing", "LAB", "lab-one"),
            "two": await issued(small, HUB, "licensing", "LAB", "lab-two"),
            "tool": await issued(small, HUB, "operator", "TOOL", None),
            "at DE": await issued(small, "DE", "licensing", "LAB", "lab-one"),
            "site": await issued(small, "DE", "registry", "SITE", "de-a"),
        }
        small.constant = await small.rows(small.codes)
        yield Market(small, clients)


async def test_one_set_of_credentials_buys_at_members_of_two_nodes(market):
    issuers = (await Holder.of(market.small)).held.issuers
    for path, resource, page in (
        ("DE/de-a", "https://news.example/de", "https://news.example/de/a"),
        ("GB/gb-b", "https://press.example/", "https://press.example/x"),
    ):
        status, found, headers = await market.buy(HUB, path, resource=resource)

        assert (status, found["token_type"], found["expires_in"]) == (200, "License", 900)
        assert (found["scope"], headers["Cache-Control"]) == ("ai-train ai-input", "no-store")
        token = check_licence_token(
            found["access_token"], issuers=issuers, hub=HUB_ENTITY, url=page, now=DAY
        )
        assert (token.licence, token.uses) == ("HUB-000001", ("GROUND", "TRAIN"))
        assert token.audience == ((page[:-1],))


async def test_what_the_node_publishes_is_what_the_hub_sells(market):
    status, body, headers = await market.get("DE", "/sites/de-a/license.xml")

    assert (status, headers["Content-Type"]) == (200, "application/rsl+xml")
    root = etree.fromstring(body)
    contents = root.findall(f"{NS}content")
    assert [(each.get("url"), each.get("server")) for each in contents] == [
        ("https://news.example/de", market.base(HUB, "DE/de-a")),
        ("https://news.example/de/private/", None),
    ]
    for licence in contents[0].findall(f"{NS}license"):
        text = etree.tostring(licence).decode()
        status, _, _ = await market.buy(
            HUB, "DE/de-a", license=text, resource="https://news.example/de"
        )
        assert status == 200
    for page, state in (("/de/a", State.OFFERED), ("/de/private/a", State.UNLICENSED)):
        asked = Asked(f"https://news.example{page}", "ai-train")
        assert judge(body, asked).state == state
