"""Flask, Django and FastAPI behind the gate, each as a server process on loopback."""

import http.server
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.kit.test_nginx import free_port, until
from tests.site.conftest import Site

APPS = Path(__file__).parent / "apps"
SERVERS = {
    "flask on gunicorn": ("flask_site", ["gunicorn", "-w", "2", "--threads", "2", "-b", "{}"]),
    "flask on waitress": ("flask_site", ["waitress", "--listen={}"]),
    "django on gunicorn, loaded before it forks": (
        "django_site",
        ["gunicorn", "-w", "2", "--preload", "-b", "{}"],
    ),
    "django on waitress": ("django_site", ["waitress", "--listen={}"]),
    "fastapi on uvicorn": ("fastapi_site", ["uvicorn", "--port", "{port}", "--no-access-log"]),
}
BOT = {"User-Agent": "GPTBot/1.2"}
PERSON = {"User-Agent": "Mozilla/5.0 Firefox/140.0"}


class Node(http.server.ThreadingHTTPServer):
    """A node of a token endpoint, a policy, terms, and a door for usage."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.policy, self.lines = "", {}


class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/sites/M-17/policy":
            assert self.headers["Authorization"] == "Bearer t.t.t"
            self._answer(200, self.server.policy.encode())
        elif self.path == "/sites/M-17/license.xml":
            self._answer(200, b'<rsl xmlns="https://rslstandard.org/rsl"/>')
        else:
            self._answer(404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token":
            said = {"access_token": "t.t.t", "token_type": "Bearer", "expires_in": 3600}
            self._answer(200, json.dumps(said).encode())
        elif self.path == "/visits":
            self._answer(200, b"{}")
        else:
            self.server.lines[self.headers["Idempotency-Key"]] = body
            self._answer(202, b"")

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Running:
    """One site process over a folder of its own."""

    def __init__(self, name, folder):
        self.site = Site(folder / "unused")
        self.site.clock.instant = datetime.now(UTC)  # noqa: TID251 - the site's is the machine's
        self.node = Node()
        self.folder, self.port = folder, free_port()
        self._thread = threading.Thread(target=self.node.serve_forever, args=(0.02,))
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.node.policy = self.site.policy(node=self.node.url, prefixes=[self.origin])
        self._configure()
        module, command = SERVERS[name]
        words = [word.format(self.origin[7:], port=self.port) for word in command]
        (folder / "page.txt").write_text("A file.", encoding="utf-8")
        there = {
            "SITE_CONFIG": str(folder / "federation-site.json"),
            "SITE_FILE": str(folder / "page.txt"),
            "PYTHONPATH": str(APPS),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words, f"{module}:app"], env={**os.environ, **there}
        )
        until(self._is_ready, 30)

    def _configure(self):
        path = self.folder / "federation-site.json"
        path.touch(mode=0o600)
        said = {
            "version": 1,
            "node": self.node.url,
            "member": "M-17",
            "node_keys": [self.site.node_key.public_jwk()],
            "hub_keys": [self.site.hub_key.public_jwk()],
            "client": {"id": "site-1", "secret": "cc_secret"},
            "origins": [self.origin],
        }
        path.write_text(json.dumps(said), encoding="utf-8")

    def _is_ready(self):
        """Wait until a worker is up and the first request has had the policy fetched."""
        assert self._process.poll() is None
        try:
            return self.ask("/news/ready", token=self.token()).status_code == 200
        except httpx.TransportError:
            return False

    def token(self, **changes):
        return self.site.token(aud=[f"{self.origin}/"], **changes)

    def ask(self, path, *, token=None, method="GET", headers=BOT):
        sent = {**headers, **({"Authorization": f"License {token}"} if token else {})}
        return httpx.request(method, self.origin + path, headers=sent)

    def events(self):
        """Return what was counted: on disk, and what the node has by now."""
        spool = self.folder / "state" / "spool"
        lines = {}
        for _ in range(2):  # a batch may be handed over between the two looks
            files = [*spool.glob("*.open"), *spool.glob("*.batch")]
            bodies = [path.read_bytes() for path in files if path.exists()]
            for body in (*bodies, *self.node.lines.values()):
                for line in body.splitlines():
                    said = json.loads(line)
                    lines[said["event_id"]] = said
        return [said for said in lines.values() if not said["url"].endswith("/ready")]

    def close(self):
        self._process.terminate()
        self._process.wait(40)
        self.node.shutdown()
        self.node.server_close()
        self._thread.join(5)
        self.site.nonces.close()


@pytest.fixture(
    scope="module",
    params=[  # waitress is asked by the table of all stacks as well
        pytest.param(name, marks=[pytest.mark.slow] if "waitress" in name else [])
        for name in SERVERS
    ],
)
def running(request, tmp_path_factory):
    running = Running(request.param, tmp_path_factory.mktemp("site"))
    yield running
    running.close()


def test_people_and_search_engines_pass_as_the_application_answers(running):
    for headers in (PERSON, {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}):
        answer = running.ask("/news/a", headers=headers)

        assert (answer.status_code, answer.text) == (200, "Article a.")
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "link" not in answer.headers


def test_a_crawler_without_a_licence_is_told_where_the_terms_stand(running):
    answer = running.ask("/news/a")

    assert (answer.status_code, answer.json()["code"]) == (401, "LICENCE_REQUIRED")
    assert answer.headers["www-authenticate"] == 'License error="invalid_request"'
    assert answer.headers["link"].startswith(f"<{running.origin}/license.xml>")


def test_the_terms_are_the_nodes_for_everybody(running):
    until(lambda: running.ask("/license.xml").status_code == 200)
    for headers in (BOT, PERSON):
        answer = running.ask("/license.xml", headers=headers)

        assert answer.headers["content-type"] == "application/rsl+xml"
        assert answer.text == '<rsl xmlns="https://rslstandard.org/rsl"/>'


@pytest.mark.parametrize(
    ("path", "text"),
    [("/news/b%20c", "Article b c."), ("/stream/d", "One d.Two d."), ("/file", "A file.")],
)
def test_a_licensed_page_arrives_whole_and_is_counted_once_before_it_does(running, path, text):
    answer = running.ask(path, token=running.token())

    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["cache-control"] == "private, no-store"
    [event] = [event for event in running.events() if event["url"] == running.origin + path]
    assert (event["bytes"], event["status"]) == (len(text), 200)


def test_an_answer_to_head_and_a_page_that_is_not_there_are_not_counted(running):
    before = len(running.events())
    head = running.ask("/news/a", token=running.token(), method="HEAD")
    missing = running.ask("/nowhere", token=running.token())

    assert (head.status_code, head.content, missing.status_code) == (200, b"", 404)
    assert len(running.events()) == before


def test_another_method_is_none_of_a_crawlers(running):
    answer = running.ask("/news/a", token=running.token(), method="POST")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
