"""A small federation that sells by RSL, and the clients of those who buy."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from federation.rsl.member_terms import offer
from federation.rsl.writing import write_licence
from federation.values.party import HUB
from tests.federation.conftest import publish_tariff
from tests.federation.harness import (
    DAY,
    OPTOUTS,
    TOML,
    Small,
    open_for_business,
    small_federation,
    write_scenario,
)

ISSUE = """mutation($kind: ClientKind!, $party: String, $key: String!) {
  issueClient(kind: $kind, party: $party, name: "A crawler", key: $key) { __typename
    ... on GivenCredential { secret client { id } } ... on Refused { code message } } }"""
RESERVED = (
    OPTOUTS
    + "DE,member:de-b,*,2026-01-01T00:00:00Z\n"
    + "GB,member:gb-a,GROUND,2026-01-01T00:00:00Z\n"
)
SPECIALIST = """
[[licensee]]
id = "{lab}"
name = "{lab}"
[[licence]]
id = "{lab}"
licensee = "{lab}"
issuer = "HUB"
uses = ["{use}"]
currency = "EUR"
fee = 100000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "site"
"""
SPECIALISTS = {"trains": "TRAIN", "grounds": "GROUND"}  # labs with a licence for one use
LABS = TOML + "".join(SPECIALIST.format(lab=lab, use=use) for lab, use in SPECIALISTS.items())
FORM = "application/x-www-form-urlencoded"


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
        self, url: str | URL, body: Any, client: str | None = "one", content_type: str = FORM
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


@asynccontextmanager
async def open_market(backend: Any, folder: Path) -> AsyncIterator[Market]:
    """Run a federation that sells; of its members each reserves something else."""
    scenario = write_scenario(folder / "files", scenario_toml=LABS, optouts_csv=RESERVED)
    async with small_federation(backend, scenario, folder) as small:
        await open_for_business(small)
        await publish_tariff(small.at(HUB, "licensing"))
        small.set_clock(DAY)
        clients = {
            "one": await issued(small, HUB, "licensing", "LAB", "lab-one"),
            "two": await issued(small, HUB, "licensing", "LAB", "lab-two"),
            **{lab: await issued(small, HUB, "licensing", "LAB", lab) for lab in SPECIALISTS},
            "tool": await issued(small, HUB, "operator", "TOOL", None),
            "at DE": await issued(small, "DE", "licensing", "LAB", "lab-one"),
            "site": await issued(small, "DE", "registry", "SITE", "de-a"),
            "site at GB": await issued(small, "GB", "registry", "SITE", "gb-b"),
        }
        yield Market(small, clients)
