"""A node of a few lines: tokens, a policy, terms and a place for usage, for gates of any stack."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from federation.clock import system_clock
from federation.signing.policy import SiteTerms, sign_site_policy
from federation.signing.site_rulings import pack
from federation.signing.statuslist import Status
from tests.signing.corpus.forge import HUB, MEMBER, NODE_KEY, SECOND, status_lists, trust
from tests.site.stacks.said import opt_outs, said

TERMS = '<rsl xmlns="https://rslstandard.org/rsl"><content url="https://pub.example/"/></rsl>\n'
CLIENT, SECRET, TOKEN = "site-1", "s3cret-of-the-site", "token.of.the-site"
LICENCES = {"HUB-000002": Status.INVALID, "HUB-000003": Status.SUSPENDED}


def seconds_now() -> int:
    """Return how many seconds have passed since the noon of the corpus."""
    return int(system_clock().timestamp()) - SECOND


def site_policy(node: str) -> str:
    """Return a policy that is good from now on, with rulings of every kind."""
    now = system_clock()
    terms = SiteTerms(
        prefixes=["https://pub.example", "https://www.pub.example"],
        optouts=opt_outs(now),
        collective="Collecting Society XX",
        licence_url=f"{HUB}/buy",
        rulings=pack(said(now), now),
    )
    return sign_site_policy(
        NODE_KEY,
        node=node,
        member=MEMBER,
        terms=terms,
        trust=trust(seconds_now()),
        status_lists=status_lists(LICENCES, seconds_now()),
        now=now,
    )


class StubNode:
    """One node: what it serves, and what came."""

    def __init__(self) -> None:
        self.has_policy = True
        self.answers_lost = 0  # so many receipts of usage are not sent: the line is cut
        self.batches: dict[str, bytes] = {}
        self.visits: list[dict[str, Any]] = []  # what was told of visits, each report
        self.attempts = 0
        self.url = ""

    def lines(self) -> list[dict[str, Any]]:
        """Return the usage that came, each batch once."""
        return [json.loads(line) for body in self.batches.values() for line in body.splitlines()]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # lines stay open, as those of a real node do
    disable_nagle_algorithm = True  # head and body leave apart
    node: StubNode

    def do_GET(self) -> None:
        base = f"/sites/{MEMBER}"
        if self.path == f"{base}/license.xml" and self.node.has_policy:
            self._say(200, TERMS.encode(), "application/rsl+xml")
        elif self.path == f"{base}/policy" and self.node.has_policy and self._is_known():
            self._say(200, site_policy(self.node.url).encode(), "application/jwt")
        else:
            self._say(404, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/oauth/token":
            granted = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
            self._say(200, json.dumps(granted).encode())
        elif self.path == "/usage" and self._is_known():
            self._take(self.headers["idempotency-key"], body)
        elif self.path == "/visits" and self._is_known():
            self.node.visits.append(json.loads(body))
            self._say(200, b"{}")
        else:
            self._say(404, b"{}")

    def _take(self, key: str, body: bytes) -> None:
        node = self.node
        node.attempts += 1
        assert node.batches.setdefault(key, body) == body, "other bytes under a key"
        if node.answers_lost:
            node.answers_lost -= 1
            self.close_connection = True
            return
        self._say(200, b"{}")

    def _is_known(self) -> bool:
        return self.headers["authorization"] == f"Bearer {TOKEN}"

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def a_node(*, has_policy: bool = True) -> Iterator[StubNode]:
    """Serve one, and stop it again."""
    node = StubNode()
    node.has_policy = has_policy
    handler = type("Handler", (_Handler,), {"node": node})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        node.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield node
        finally:
            server.shutdown()
            serving.join()
