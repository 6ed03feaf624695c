"""A hub or a node on a loopback port, and its people; its issuer is its URL, as in production."""

import base64
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import aiohttp
import msgspec
import pytest

from federation.clock import SettableClock
from federation.config import HubConfig, HubPeer, NodeConfig, StaffMember, Terms
from federation.edge.staff import StaffTokens
from federation.hub.app import create_hub
from federation.licensing.licensees import register_licensee
from federation.nodes.app import create_node
from federation.process import Service
from federation.registry.tables import Member
from federation.signing.client_tokens import mint_client_assertion
from federation.signing.keys import SigningKey
from federation.store.database import Database
from tests.databases import contents
from tests.federation.harness import reserved_port

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
PEOPLE = [
    StaffMember("olga", ["federation_operator"]),
    StaffMember("liam", ["licensing_officer"]),
    StaffMember("rosa", ["registry_officer"]),
    StaffMember("nora", ["node_operator"]),
    StaffMember("ada", ["auditor"]),
    StaffMember("buyer@lab-one", ["lab"], "lab-one"),
    StaffMember("buyer@lab-two", ["lab"], "lab-two"),
    StaffMember("member@m-1", ["member"], "m-1"),
    StaffMember("member@m-2", ["member"], "m-2"),
]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ISSUE = """mutation($kind: ClientKind!, $party: String, $publicKey: String, $days: Int!,
    $key: String!) {
  issueClient(kind: $kind, party: $party, name: "A program", publicKey: $publicKey, days: $days,
    key: $key) { __typename
    ... on GivenCredential { secret client { id } credential { id } }
    ... on Refused { code message } } }"""
ADD = """mutation($client: ID!, $publicKey: String, $days: Int!) {
  addClientCredential(client: $client, publicKey: $publicKey, days: $days) { __typename
    ... on GivenCredential { secret client { id } credential { id } }
    ... on Refused { code message } } }"""
REVOKE_CREDENTIAL = """mutation($id: ID!) { revokeClientCredential(credential: $id) { __typename
  ... on Client { state } ... on Refused { code message } } }"""
REVOKE = """mutation($id: ID!) { revokeClient(client: $id) { __typename
  ... on Client { state } ... on Refused { code message } } }"""
_keys = itertools.count()


@dataclass(frozen=True)
class Program:
    """A client as it is handed over: with a secret, or with its own private key."""

    client_id: str
    credential: str
    secret: str | None
    key: SigningKey | None = None

    def basic(self, secret: str | None = None) -> dict[str, str]:
        """Return the header of client_secret_basic."""
        both = f"{quote_plus(self.client_id)}:{quote_plus(secret or self.secret)}"
        return {"Authorization": "Basic " + base64.b64encode(both.encode()).decode()}

    def assertion(self, issuer: str, now: datetime = NOW) -> dict[str, str]:
        """Return the parameters of private_key_jwt."""
        text = mint_client_assertion(self.key, client_id=self.client_id, issuer=issuer, now=now)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


@dataclass
class Place:
    """A running server, asked over HTTP."""

    service: Service
    http: aiohttp.ClientSession
    clock: SettableClock
    database: Database
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.service.url

    @property
    def key(self) -> SigningKey:
        """Return the key it signs tokens with."""
        return self.service.server.keys.held.token

    async def graphql(self, token: str | None, query: str, /, **variables: Any) -> Any:
        """Return the one root field of an answer, or the code of an error."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        async with self.http.post(f"{self.url}/graphql", json=body, headers=headers) as answer:
            found = await answer.json()
        if found.get("errors"):
            return found["errors"][0]["extensions"]["code"]
        return next(iter(found["data"].values()))

    def staff(self, subject: str) -> str:
        """Return somebody's token."""
        people = self.service.config.principal
        role = next(person.roles[0] for person in people if person.subject == subject)
        return StaffTokens(self.service.config, self.key, self.clock).token(subject, role)

    async def act(self, subject: str, query: str, /, **variables: Any) -> Any:
        """Ask as a person."""
        return await self.graphql(self.staff(subject), query, **variables)

    async def issue(
        self, subject: str, kind: str, party: str | None, *, key: SigningKey | None = None, days=730
    ) -> Program:
        """Make a client as a person."""
        jwk = None if key is None else msgspec.json.encode(key.public_jwk()).decode()
        found = await self.act(
            subject, ISSUE, kind=kind, party=party, publicKey=jwk, days=days, key=f"k-{next(_keys)}"
        )
        return Program(found["client"]["id"], found["credential"]["id"], found["secret"], key)

    async def add(
        self, subject: str, program: Program, *, key: SigningKey | None = None
    ) -> Program:
        """Give a client a second credential as a person."""
        jwk = None if key is None else msgspec.json.encode(key.public_jwk()).decode()
        found = await self.act(subject, ADD, client=program.client_id, publicKey=jwk, days=730)
        return Program(found["client"]["id"], found["credential"]["id"], found["secret"], key)

    async def post(
        self, path: str, form: Any, headers: Any = None, query: str = ""
    ) -> tuple[int, Any, Any]:
        """POST a form, or bytes as they are; return status, JSON and headers."""
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        sent = [*FORM.items(), *(headers.items() if isinstance(headers, dict) else headers or [])]
        if headers is not None and any(name == "Content-Type" for name, _ in sent[1:]):
            sent = sent[1:]
        where = f"{self.url}/oauth/{path}{query}"
        async with self.http.post(where, data=body, headers=sent) as answer:
            content = await answer.read()
            return answer.status, msgspec.json.decode(content), answer.headers

    async def token(self, program: Program, **form: str) -> str:
        """Return an access token of a client."""
        asked = {"grant_type": "client_credentials", **form}
        if program.key is None:
            status, found, _ = await self.post("token", asked, program.basic())
        else:
            asked |= program.assertion(self.url, self.clock())
            status, found, _ = await self.post("token", asked)
        assert status == 200, found
        return found["access_token"]

    async def rows(self) -> dict[str, Any]:
        """Return every row."""
        return await contents(self.database)

    def later(self, **by: float) -> None:
        """Move business time."""
        self.clock.instant += timedelta(**by)


def particulars(role: str, port: int, folder, url: str) -> HubConfig | NodeConfig:
    common = {
        "entity_id": f"http://127.0.0.1:{port}",
        "port": port,
        "data_dir": folder,
        "database_url": url,
        "principal": PEOPLE,
    }
    if role == "hub":
        return HubConfig(
            **common,
            name="Hub",
            clearing_currency="EUR",
            fee_bps=300,
            fee_band_bps=(0, 5000),
            terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
        )
    return NodeConfig(
        **common,
        code="GB",
        name="Node",
        country="GB",
        settlement_currency="GBP",
        admin_fee_bps=1000,
        collecting_fee_bps=0,
        minimum_payment=0,
        plan="per_usage",
        hub=HubPeer("https://hub.example", "http://127.0.0.1:9", "A" * 43),
    )


@asynccontextmanager
async def running(role: str, backend: Any, folder, **changes: Any):
    """Run a hub or a node with two licensees or two members."""
    holder = reserved_port()
    clock = SettableClock(NOW)
    try:
        async with backend.url(migrated=True) as url, aiohttp.ClientSession() as http:
            config = particulars(role, holder.getsockname()[1], folder, url)
            config = msgspec.structs.replace(config, **changes)
            service = (create_hub if role == "hub" else create_node)(config, clock)
            await service.start()
            try:
                async with service.server.db.write("test.parties") as session:
                    await parties(session)
                yield Place(service, http, clock, service.server.db)
            finally:
                await service.stop()
    finally:
        holder.close()


async def parties(session: Any) -> None:
    """Register whom clients stand for."""
    for lab in ("lab-one", "lab-two"):
        await register_licensee(session, lab, lab, NOW)
    for member in ("m-1", "m-2"):
        session.add(
            Member(
                member_id=member,
                name=member,
                country="GB",
                joined_on=NOW.date(),
                account_scheme="IBAN",
            )
        )


@pytest.fixture
async def hub(backend, tmp_path):
    async with running("hub", backend, tmp_path / "hub") as found:
        yield found


@pytest.fixture
async def node(backend, tmp_path):
    async with running("node", backend, tmp_path / "node") as found:
        yield found


@pytest.fixture(params=["hub", "node"])
async def place(request, backend, tmp_path):
    """Each of the two roles in turn."""
    async with running(request.param, backend, tmp_path / request.param) as found:
        yield found
