"""A site that crawlers visit, and the corpus of what they try."""

import json
from datetime import UTC, datetime
from urllib.parse import unquote

from federation.gate.asgi import AsgiGate
from federation.gate.gate import Gate, GateConfig
from federation.gate.nonces import NonceStore
from federation.gate.rulings import HeldPolicy
from federation.gate.spool import Spool
from federation.signing.keys import key_set
from federation.signing.policy import open_site_policy
from tests.signing.corpus import make

CORPUS = json.loads(make.FILE.read_text("ascii"))


NOW, SITE = datetime.fromtimestamp(CORPUS["now"], UTC), CORPUS["site"]


PINNED = key_set(SITE["node_jwks"]), key_set(SITE["hub_jwks"])


BUY_AT = "https://hub.example/buy"


OPAQUE = {
    "INVALID_TOKEN": "The signed token is not valid.",
    "INVALID_SIGNATURE": (
        "The request is not signed with the key that its licence token is bound to."
    ),
    "POLICY_UNAVAILABLE": "The site holds no policy that is in force.",
}


POLICIES = {}


def policy_named(name):
    """Return a policy, read once for all cases."""
    if name is not None and name not in POLICIES:
        POLICIES[name] = open_site_policy(CORPUS["policies"][name], *PINNED)
    return HeldPolicy(POLICIES[name]) if name is not None else None


class Holder:
    def __init__(self, held):
        self.held = held

    def current(self):
        return self.held


class Visited:
    """A gate over an application that notes each visit, asked with bytes as they are."""

    def __init__(self, folder, case):
        self.visits = []
        self.nonces = NonceStore(folder / "nonces.sqlite")
        self.spool = Spool(folder / "spool", fsync=False)
        config = GateConfig(
            policy=Holder(policy_named(case.get("policy", "good"))),
            spool=self.spool,
            nonces=self.nonces,
            origins=SITE["origins"],
            clock=lambda: NOW,
        )
        self.gate = AsgiGate(self.app, Gate(config))

    async def app(self, scope, _receive, send):
        self.visits.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"A page."})

    async def ask(self, request):
        """Return status, headers and body; the scope is what uvicorn makes of such a request."""
        raw_path, _, query = request["target"].partition("?")
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": request["method"],
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in request["headers"]
            ],
            "client": ("192.0.2.1", 1234),
        }
        await self.gate(scope, None, send)
        start, *bodies = sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, b"".join(body["body"] for body in bodies)

    def counted(self):
        return sum(len(batch.read().splitlines()) for batch in self.spool.batches())
