"""A hub or node at which people sign in, a browser, and a provider that says what a test wants."""

import base64
import hashlib
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from federation.config import Provider, SignIn, StaffMember
from federation.scenario.client import nodes_of
from tests.oauth.conftest import PEOPLE, Place, running

CLIENT_ID, CLIENT_SECRET = "federation:hub", "a secret % of +signs"
PASSWORD = "seven brown otters sing"
MORE = [
    StaffMember("omar", ["federation_operator", "auditor"]),
    StaffMember("nils", ["node_operator"]),
]
KEEPERS = {"hub": ("olga", "omar"), "node": ("nora", "nils")}

INVITE = """mutation($subject: String!) { invitePerson(subject: $subject, reason: "begins") {
  __typename ... on GivenInvitation { half invitation { id state } } ... on Refused { code } } }"""
CONFIRM = """mutation($id: ID!) { confirmPersonInvitation(id: $id) { __typename
  ... on GivenInvitation { half invitation { id state } } ... on Refused { code } } }"""
LINK = """mutation($subject: String!, $issuer: String!, $identity: String!) {
  linkIdentity(subject: $subject, issuer: $issuer, identity: $identity, reason: "by hand") {
    __typename ... on PersonInvitation { id state } ... on Refused { code } } }"""
ACCOUNT = """query($subject: String!) { accountOf(subject: $subject) {
  hasPassword hasTotp identities { issuer identity } sessions { id role way } } }"""
OWN = "{ ownAccount { subject sessions { id role way } } }"
LOG = """{ auditLog(first: 100) { edges { node { actor act subject detail { name value } } } } }"""


@pytest.fixture(scope="session")
def rsa():
    """The key a provider signs with: made once, it takes long."""
    return RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})


@dataclass
class StubProvider:
    """An OpenID Connect provider that signs what it is told to, and checks who asks, and PKCE."""

    key: Any
    url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sign: Any = None  # what makes an ID token of claims, where it is not the key
    answers: dict[str, Any] = field(default_factory=dict)  # by path: what is answered instead

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._metadata)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        return app

    async def _other(self, request):
        self.asked.append(request.path)
        found = self.answers.get(request.path)
        return await found(request) if found else None

    async def _metadata(self, request):
        return await self._other(request) or web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                **self.metadata,
            }
        )

    async def _jwks(self, request):
        listed = [key.as_dict(private=False) for key in self.keys]
        return await self._other(request) or web.json_response({"keys": listed})

    async def _token(self, request):
        other = await self._other(request)
        if other is not None:
            return other
        form = dict(parse_qsl(await request.text()))
        scheme, _, rest = request.headers["Authorization"].partition(" ")
        assert (scheme, base64.b64decode(rest)) == (
            "Basic",
            b"federation%3Ahub:a+secret+%25+of+%2Bsigns",
        )
        known = self.codes.pop(form["code"], None)
        proof = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        is_good = known is not None and known["code_challenge"] == challenge
        if not is_good or known["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {"nonce": known["nonce"], **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(claims) if self.sign else signed(self.key, claims)
        return web.json_response(
            {"access_token": "an access token", "token_type": "Bearer", "id_token": token}
        )


def signed(key, claims, **header):
    """Sign claims as a provider does."""
    alg = "RS256" if isinstance(key, RSAKey) else "ES256"
    head = {"alg": alg, "kid": key.kid, **header}
    return jwt.encode(head, claims, key, algorithms=[head["alg"]])


@asynccontextmanager
async def providing(key):
    """Run a stub provider on a loopback port."""
    stub = StubProvider(key, keys=[key])
    runner = web.AppRunner(stub.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()


@dataclass
class Browser:
    """A browser without scripts at one server: its cookies, and what it says of itself."""

    place: Place
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    async def open(self, path: str, form: Any = None, **headers: str) -> "Seen":
        sent = {**self.headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            sent |= {"Sec-Fetch-Site": "same-origin", "Origin": self.place.url}
        if isinstance(form, bytes):
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        sent = {name: value for name, value in {**sent, **headers}.items() if value != ""}
        method = "GET" if form is None else "POST"
        url = f"http://127.0.0.1:{self.place.service.port}{path}"
        async with self.place.http.request(
            method, url, data=form, headers=sent, allow_redirects=False
        ) as answer:
            text = await answer.text()
            for line in answer.headers.getall("Set-Cookie", []):
                name, _, rest = line.partition("=")
                value = rest.partition(";")[0]
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
            return Seen(answer.status, text, answer.headers.get("Location", ""), answer.headers)

    async def session_page(self) -> "Seen":
        return await self.open("/session")

    async def proof(self) -> str:
        """Return the CSRF token that the page shows."""
        page = await self.session_page()
        return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]

    async def press(self, path: str, **form: str) -> "Seen":
        """Press a button of the session's page."""
        return await self.open(path, {"csrf_token": await self.proof(), **form})

    async def graphql(self, query: str, **headers: str) -> Any:
        """Ask as a page of this server does; return the root field, or the code of an error."""
        sent = {
            "Content-Type": "application/json",
            "X-CSRF-Token": await self.proof(),
            **headers,
        }
        seen = await self.open("/graphql", json.dumps({"query": query}), **sent)
        found = json.loads(seen.text)
        if "code" in found:
            return found["code"]
        if found.get("errors"):
            return found["errors"][0]["extensions"]["code"]
        return next(iter(found["data"].values()))


@dataclass
class Seen:
    """What a browser was answered."""

    status: int
    text: str
    location: str
    headers: Any

    @property
    def alert(self) -> str | None:
        """Return what a person reads of a refusal."""
        found = re.search(r'role="alert">([^<]*)<', self.text)
        return found[1].replace("&#x27;", "'") if found else None


async def invited(place: Place, role: str, subject: str) -> dict[str, str]:
    """Let a person in: two keepers make the halves of a code; a keeper begins with its own."""
    first, second = KEEPERS[role]
    if subject == second:
        first, second = second, first
    made = await place.act(first, INVITE, subject=subject)
    confirmed = await place.act(second, CONFIRM, id=made["invitation"]["id"])
    return {"first": made["half"], "second": confirmed["half"]}


async def with_password(place: Place, role: str, subject: str) -> Browser:
    """Return the browser in which somebody has just used an invitation."""
    browser = Browser(place)
    halves = await invited(place, role, subject)
    seen = await browser.open("/sign-in/invitation", {**halves, "password": PASSWORD})
    assert (seen.status, seen.location) == (303, "/session"), seen.text
    return browser


async def sent_to_provider(
    browser: Browser, stub: StubProvider, back: str = "", **form: str
) -> dict[str, str]:
    """Press the provider's button; return what the authorization request asks, code and all."""
    if form:
        seen = await browser.open("/sign-in/invitation", {**form, "way": "provider"})
        where = re.search(r'<a href="([^"]+)" autofocus', seen.text)[1].replace("&amp;", "&")
    else:
        where = (await browser.open(f"/sign-in/provider{back}")).location
    asked = {name: value for name, [value] in parse_qs(urlsplit(where).query).items()}
    assert where.startswith(f"{stub.url}/authorize?")
    code = f"code-{len(stub.codes)}-{asked['state'][:6]}"
    stub.codes[code] = asked
    return {**asked, "code": code}


async def acts(place: Place) -> list[tuple[str, str, str]]:
    """Return the audit log, oldest first, without what was there from the start."""
    found = nodes_of(await place.act("ada", LOG))
    rows = [(act["actor"], act["act"], act["subject"]) for act in reversed(found)]
    return [row for row in rows if row[1] != "person.take_in"]


def people(role: str) -> list[StaffMember]:
    del role
    return [*PEOPLE, *MORE]


@pytest.fixture
async def stub(rsa):
    async with providing(rsa) as found:
        yield found


@asynccontextmanager
async def open_house(role, backend, folder, stub, **changes):
    """Run a hub or a node at which people sign in by passwords and at the stub provider."""
    folder.mkdir()
    secret = folder / "provider.secret"
    secret.write_text(f"{CLIENT_SECRET}\n", encoding="utf-8")
    secret.chmod(0o600)
    oidc = Provider(stub.url, CLIENT_ID, "Sign in at Example & Co", client_secret_file=secret)
    options = {"principal": people(role), "sign_in": SignIn(oidc=oidc), **changes}
    async with running(role, backend, folder, **options) as place:
        now = int(place.clock().timestamp())
        stub.claims = {
            "iss": stub.url,
            "sub": "sub-of-cara",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
        }
        yield place


@pytest.fixture
async def hub(backend, tmp_path, stub):
    async with open_house("hub", backend, tmp_path / "hub", stub) as found:
        yield found


@pytest.fixture(params=["hub", "node"])
async def house(request, backend, tmp_path, stub):
    """Each of the two roles in turn: (its name, the server)."""
    async with open_house(request.param, backend, tmp_path / request.param, stub) as found:
        yield request.param, found
