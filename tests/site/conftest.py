"""A publisher's site in process: a hub, a node, a lab and an application that notes each visit."""

import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from federation.clock import SettableClock
from federation.gate.asgi import AsgiGate
from federation.gate.events import UsageLine
from federation.gate.gate import Gate, GateConfig
from federation.gate.nonces import NonceStore
from federation.gate.rulings import HeldPolicy
from federation.gate.spool import Spool
from federation.signing.keys import SigningKey
from federation.signing.policy import (
    Issuer,
    SiteOptOut,
    SiteTerms,
    open_site_policy,
    sign_site_policy,
    sign_trust_document,
)
from federation.signing.statuslist import place_of, sign_status_list
from federation.values.licence_key import licensor_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUB, NODE, OTHER_NODE = "https://hub.example", "https://node-xx.example", "https://node-yy.example"
ORIGIN = "https://pub.example"
LINK = '<https://pub.example/license.xml>; rel="license"; type="application/rsl+xml"'


def assert_refused(site, answer, status, error, code):
    """A refusal as a crawler reads it, and nothing served or counted."""
    challenge, body = answer.headers["www-authenticate"], answer.json()
    found = (answer.status_code, challenge.partition(",")[0], body["error"], body["code"])

    assert found == (status, f'License error="{error}"', error, code)
    assert answer.headers.get("link") == (LINK if status in {401, 402, 403} else None)
    assert body["buy_at"] == "https://hub.example/buy"
    assert (site.visits, site.events()) == ([], [])


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Site:
    """Everything around one gate. Keys are made once for the whole run."""

    hub_key, node_key, other_key, stranger = (SigningKey.generate() for _ in range(4))

    def __init__(self, path):
        self.clock = SettableClock(NOON)
        self.visits = []
        self.spool = Spool(path / "spool", fsync=False)
        self.nonces = NonceStore(path / "nonces.sqlite")
        self.body = b"A page."
        self.status = 200
        self.policy_text = None
        self.held = None
        self.set_policy()
        self.gate = self.make_gate()

    def make_gate(self, app=None, **changes):
        config = {
            "policy": self,
            "spool": self.spool,
            "nonces": self.nonces,
            "clock": self.clock,
            "origins": [ORIGIN],
        }
        return AsgiGate(app or self.app, Gate(GateConfig(**(config | changes))))

    def current(self):
        return self.held

    async def app(self, scope, _receive, send):
        self.visits.append(scope["path"])
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.body})

    @property
    def servers(self):
        return [
            (HUB, "HUB", self.hub_key),
            (NODE, "XX", self.node_key),
            (OTHER_NODE, "YY", self.other_key),
        ]

    def trust(self, now=None, **changes):
        issuers = [
            Issuer(url, code, code, [key.public_jwk()], url) for url, code, key in self.servers
        ]
        return sign_trust_document(
            self.hub_key, hub=HUB, issuers=issuers, now=now or self.clock(), **changes
        )

    def status_lists(self, licences=None, now=None):
        """The first list of every licensor; `licences` are {number: status}."""
        said = {licensor_of(number): {} for number in licences or {}}
        for number, status in (licences or {}).items():
            said[licensor_of(number)][place_of(number).position] = status
        return [
            sign_status_list(key, url, 0, said.get(code, {}), now or self.clock())
            for url, code, key in self.servers
        ]

    def policy(
        self,
        *,
        licences=None,
        status_lists=None,
        optouts=(),
        trust=None,
        now=None,
        key=None,
        **changes,
    ):
        terms = {
            "prefixes": [ORIGIN],
            "optouts": [SiteOptOut(*optout) for optout in optouts],
            "collective": "Collecting Society XX",
            "licence_url": "https://hub.example/buy",
        }
        node, member = changes.pop("node", NODE), changes.pop("member", "M-17")
        return sign_site_policy(
            key or self.node_key,
            node=node,
            member=member,
            terms=SiteTerms(**(terms | changes)),
            trust=trust or self.trust(now),
            status_lists=self.status_lists(licences, now) if status_lists is None else status_lists,
            now=now or self.clock(),
        )

    def set_policy(self, **changes):
        self.held = HeldPolicy(open_site_policy(self.policy(**changes), *self.pinned))

    @property
    def pinned(self):
        node, hub = self.node_key.public, self.hub_key.public
        return {node.kid: node}, {hub.kid: hub}

    def claims(self, **changes):
        """The claims of a good token; a change to None leaves the claim out."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": HUB,
            "sub": "lab-1",
            "client_id": "lab-1",
            "aud": [f"{ORIGIN}/news"],
            "iat": now,
            "exp": now + 900,
            "jti": "jti-1",
            "license_id": "HUB-000001",
            "uses": ["ai-input"],
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=None, header=None, **changes):
        """A token with any header over any claims, signed with a real key."""
        return self.forge(json.dumps(self.claims(**changes)).encode(), key=key, header=header)

    def forge(self, payload, key=None, header=None):
        key = key or self.hub_key
        head = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        text = f"{b64(json.dumps(head).encode())}.{b64(payload)}"
        der = key._key.private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}"

    async def get(self, path="/news/a", *, token=None, headers=(), method="GET", gate=None):
        sent = [*headers, *([("Authorization", f"License {token}")] if token else [])]
        transport = httpx.ASGITransport(gate or self.gate)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, headers=sent)

    def licensed(self, token=None):
        """A licensed request as a server hands it on."""
        shown = f"License {token or self.token()}".encode()
        return {
            "type": "http",
            "method": "GET",
            "path": "/news/a",
            "raw_path": b"/news/a",
            "query_string": b"",
            "headers": [(b"host", b"pub.example"), (b"authorization", shown)],
            "client": ("192.0.2.1", 1),
        }

    def events(self):
        lines = b"".join(batch.read() for batch in self.spool.batches()).splitlines()
        return [msgspec.json.decode(line, type=UsageLine) for line in lines]

    def later(self, **by):
        self.clock.instant += timedelta(**by)


@pytest.fixture(scope="session")
def make_site():
    return Site


@pytest.fixture
def site(make_site, tmp_path):
    return make_site(tmp_path)
