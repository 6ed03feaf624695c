"""The parts together: a publisher's application behind its gate, against a node over HTTP."""

import asyncio
import json
import os
import sys
import threading
import warnings
from importlib.util import find_spec
from subprocess import run

import pytest
from aiohttp import web

from federation.access.bearers import ClientCredential
from federation.access.wire import Call, UnreachableError, fetch
from federation.gate.asgi import AsgiGate
from federation.gate.background import Background, Round
from federation.gate.spool import Spool
from federation.site.install import gate_of, protect
from federation.site.site_config import SiteConfig

FORBIDDEN = {"authlib", "sqlalchemy", "strawberry", "litestar"}


class HttpNode:
    """A node of two paths on a real socket."""

    def __init__(self):
        self.policy = ""
        self.batches = {}
        self.reported = asyncio.Event()
        self.asked = asyncio.Event()

    async def serve_policy(self, request):
        assert request.headers["Authorization"] == "Bearer secret"
        self.asked.set()
        return web.Response(text=self.policy, headers={"ETag": '"1"'})

    async def take_usage(self, request):
        self.batches[request.headers["Idempotency-Key"]] = await request.read()
        self.reported.set()
        return web.Response(status=202)

    async def redirect(self, _request):
        raise web.HTTPFound("/sites/M-17/policy")

    async def large(self, _request):
        return web.Response(body=b"x" * 20_000)

    def routes(self):
        return [
            web.get("/sites/M-17/policy", self.serve_policy),
            web.post("/usage", self.take_usage),
            web.get("/redirect", self.redirect),
            web.get("/large", self.large),
        ]


@pytest.fixture
async def node():
    node = HttpNode()
    app = web.Application()
    app.add_routes(node.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield node
    await runner.cleanup()


async def test_a_site_pulls_its_policy_serves_and_reports(site, node, tmp_path):
    node.policy = site.policy(node=node.url)
    gate = protect(
        site.app,
        SiteConfig(
            node=node.url,
            member_id="M-17",
            node_jwks=[site.node_key.public_jwk()],
            hub_jwks=[site.hub_key.public_jwk()],
            node_token="secret",
            directory=tmp_path / "gate",
            origins=["https://pub.example"],
            clock=site.clock,
        ),
    )
    rounds = gate.background.rounds
    assert rounds["policy"].is_awaited()
    await asyncio.to_thread(rounds["policy"].act)
    assert not rounds["policy"].is_awaited()

    answer = await site.get(token=site.token(), gate=gate)
    await asyncio.to_thread(rounds["usage"].act)
    await asyncio.wait_for(node.reported.wait(), 5)
    await asyncio.to_thread(gate.background.stop)

    assert answer.status_code == 200
    [body] = node.batches.values()
    assert json.loads(body)["licence"] == "HUB-000001"


async def test_calls_follow_no_redirect(node):
    answer = await asyncio.to_thread(fetch, Call("GET", f"{node.url}/redirect", {}))

    assert (answer.status, node.asked.is_set()) == (302, False)


async def test_an_answer_that_does_not_end_is_cut(node):
    with pytest.raises(UnreachableError, match="longer"):
        await asyncio.to_thread(fetch, Call("GET", f"{node.url}/large", {}))


def test_a_node_nobody_listens_at_is_unreachable():
    with pytest.raises(UnreachableError):
        fetch(Call("GET", "http://127.0.0.1:9/", {}))


async def test_the_rounds_outlive_refusals_and_defects_and_end_with_the_application(site):
    done, count = threading.Event(), 0

    def act():
        nonlocal count
        count += 1
        if count == 1:
            raise UnreachableError("refused")
        if count == 2:
            raise LookupError("a defect")
        done.set()

    background = Background({"policy": Round(0, act)})
    gate = AsgiGate(site.app, site.gate.gate, background)
    await site.get(gate=gate)
    [thread] = background._threads
    await site.get(gate=gate)
    assert background._threads == [thread]
    assert await asyncio.to_thread(done.wait, 5)

    async def lifespan(_scope, _receive, _send):
        pass

    gate._app = lifespan
    await gate({"type": "lifespan"}, None, None)

    assert not thread.is_alive()


def test_a_forked_process_has_rounds_of_its_own():
    done = threading.Event()
    background = Background({"policy": Round(60, done.set)})
    background.start()
    assert done.wait(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if pid == 0:
        done.clear()
        background.start()
        os._exit(0 if done.wait(5) else 1)
    background.stop()

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


async def test_a_site_that_stops_leaves_its_usage_to_the_next_one(site, tmp_path):
    await site.get(token=site.token())

    async def lifespan(_scope, _receive, _send):
        pass

    site.gate._app = lifespan
    await site.gate({"type": "lifespan"}, None, None)

    assert len(Spool(tmp_path / "spool", fsync=False).batches()) == 1


async def test_a_gate_closes_before_the_server_hears_that_the_application_is_over(site, tmp_path):
    """A server waits for nothing after that (uvicorn cancels what still goes on)."""
    await site.get(token=site.token())
    found = []

    async def lifespan(_scope, _receive, send):
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def heard(message):
        frozen = len(list((tmp_path / "spool").glob("*.batch")))
        found.append((message["type"], frozen))

    site.gate._app = lifespan
    await site.gate({"type": "lifespan"}, None, heard)

    assert found == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]


@pytest.mark.parametrize(
    "agent",
    [
        "meta-webindexer/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
        "Mozilla/5.0 (KHTML, like Gecko; compatible; Amzn-SearchBot/0.1) Chrome/119.0.6045.214",
        "Google-NotebookLM",
        "Mozilla/5.0 (compatible; Google-GeminiNotebook; +https://developers.google.com/crawling)",
        "AI2Bot (compatible) Ai2Bot-Dolma (+https://www.allenai.org/crawler)",
    ],
)
async def test_a_crawler_that_its_maker_documents_does_not_pass_as_a_person(site, agent):
    answer = await site.get(headers=[("User-Agent", agent)])

    assert (answer.status_code, answer.json()["code"]) == (401, "LICENCE_REQUIRED")
    assert site.visits == []


def test_a_publisher_installs_no_database_and_no_framework():
    code = "import federation.site.install, sys; print(*{m.split('.')[0] for m in sys.modules})"
    command = [sys.executable, "-c", code]

    loaded = run(command, capture_output=True, check=True, text=True).stdout

    assert all(find_spec(name) for name in FORBIDDEN)
    assert FORBIDDEN.isdisjoint(loaded.split())


def test_a_round_that_failed_is_tried_again_before_its_time(monkeypatch):
    monkeypatch.setattr("federation.gate.background.AGAIN_SECONDS_MAX", 0.0)
    tries, done = [], threading.Event()

    def act():
        tries.append(1)
        if len(tries) < 3:
            raise UnreachableError("down")
        done.set()

    background = Background({"terms": Round(3600, act)})
    background.start()
    assert done.wait(10)
    background.stop()

    assert len(tries) == 3


def test_a_site_that_got_no_token_asks_for_one_with_each_of_its_rounds(site, tmp_path, monkeypatch):
    """The rounds have pauses of their own; here those of the token are of no length at most."""
    monkeypatch.setattr("federation.site.install.AWAITED_SECONDS_MAX", 0.0)
    asked = []

    def lost(call):
        asked.append(call.url)
        raise UnreachableError

    _, background = gate_of(
        SiteConfig(
            node="https://node-xx.example",
            member_id="M-17",
            node_jwks=[site.node_key.public_jwk()],
            hub_jwks=[site.hub_key.public_jwk()],
            client=ClientCredential(client_id="site-1", secret="secret"),
            directory=tmp_path / "gate",
            origins=["https://pub.example"],
            fetch=lost,
        )
    )
    for _ in range(3):
        with pytest.raises(UnreachableError):
            background.rounds["policy"].act()

    assert asked == ["https://node-xx.example/oauth/token"] * 3


async def test_a_site_has_stopped_when_its_server_hears_so(site):
    background = Background({"usage": Round(3600, lambda: None)})
    gate = AsgiGate(_ended, site.gate.gate, background)
    seen = []

    async def send(message):
        seen.append((message["type"], background._threads, site.spool._segment))

    await site.get(token=site.token())
    background.start()
    await gate({"type": "lifespan"}, None, send)

    assert seen == [("lifespan.shutdown.complete", [], None)]


async def _ended(_scope, _receive, send):
    await send({"type": "lifespan.shutdown.complete"})
