"""Nothing that a node sends, or does not send, holds the kit up or ends it."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from federation.conformance import deliveries, filters, optouts, trial, wire
from federation.conformance.hub import TrialHub
from federation.conformance.judging import RULES, chosen, judged, trial_with
from federation.conformance.papers import SETTINGS, Bearers, Papers, prepare
from federation.conformance.verdicts import NotTriedError, Outcome
from federation.conformance.wire import Budget
from federation.signing.keys import SigningKey
from tests.federation.harness import reserved_port

JUNK = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"5",
    b'{"data": 5, "errors": 5}',
    b'{"data": {}}',
    b'{"errors": [5]}',
    b'{"errors": [{"extensions": []}], "data": {"works": []}}',
    b'{"data": {"works": {"edges": [{}], "pageInfo": {}}, "rights": {"items": [5]}}}',
    b'{"data": {"works": null, "rights": null, "member": null, "__schema": {}}}',
    b'{"up_to": [], "not_taken": 5, "keys": [5], "code": 5}',
    b"\xff\xfe",
    b"[" * 100_000,
    b"a.b.c",
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    for module in (deliveries, filters, optouts, trial):
        for name in (name for name in vars(module) if name.endswith("_SECONDS")):
            monkeypatch.setattr(module, name, 0.05)
    monkeypatch.setattr(filters, "SECONDS", 0.05)
    monkeypatch.setattr(wire, "BUSY_SECONDS", 0.01)


@asynccontextmanager
async def answering(handler, folder, **limits):
    """Lend a trial with a server that answers by a handler; its node has joined before."""
    with reserved_port() as one, reserved_port() as other:
        prepare(folder, other.getsockname()[1])
        with (folder / SETTINGS).open("a", encoding="utf-8") as file:
            file.writelines(f'{office} = "x"\n' for office in Bearers.__struct_fields__)
        papers = Papers(folder)
        papers.node = {
            "code": "GB",
            "name": "Nobody",
            "entity_id": "https://gb.example",
            "url": "https://gb.example",
            "jwk": SigningKey.generate().public_jwk(),
        }
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", one.getsockname()[1]).start()
        try:
            url = f"http://127.0.0.1:{one.getsockname()[1]}"
            async with TrialHub(papers) as hub, trial_with(url, hub, **limits) as found:
                yield found
        finally:
            await runner.cleanup()


def passing_by_status(status):
    """Return the rules for which a status is all, or errors without data."""
    return {"http.errors", "limits.batches"} if status == 400 else set()


@pytest.mark.parametrize("status", [200, 400, 401, 422, 500])
async def test_what_nobody_asked_for_is_a_verdict(tmp_path, status):
    """Whatever bytes come under whatever status: rules fail or are not tried, and none breaks."""
    passed = set()
    for number, body in enumerate(JUNK):

        async def handler(request, body=body):
            await request.read()
            return web.Response(body=body, status=status, content_type="application/json")

        rules = [rule for rule in RULES if rule.name != "limits.slow"]
        async with answering(handler, tmp_path / str(number)) as found:
            verdicts = [one async for one in judged(found, rules)]
        assert len(verdicts) == len(rules)
        passed |= {one.rule.name for one in verdicts if one.outcome is Outcome.PASSED}

    assert passed == passing_by_status(status)


async def test_a_node_that_hangs_is_given_up_on(tmp_path):
    async def handler(_):
        await asyncio.sleep(60)

    async with answering(handler, tmp_path / "trial") as found:
        with pytest.raises(Exception, match="no whole answer came within 0 seconds"):
            await found.wire.send("GET", "/", seconds=0.05)


async def test_a_node_that_drips_is_given_up_on(tmp_path):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    async with answering(handler, tmp_path / "trial") as found:
        with pytest.raises(Exception, match="no whole answer came within 0 seconds"):
            await found.wire.send("GET", "/", seconds=0.2)


async def test_a_node_that_sends_too_much_is_read_to_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "ANSWER_BYTES_MAX", 100_000)
    wrote = 0

    async def handler(request):
        nonlocal wrote
        response = web.StreamResponse()
        await response.prepare(request)
        while wrote < 2**31:
            await response.write(bytes(65_536))
            wrote += 65_536
        return response

    async with answering(handler, tmp_path / "trial") as found:
        [verdict] = [one async for one in judged(found, chosen(["http.get"]))]

    assert verdict.reason == "more than 100000 bytes came in one answer"
    assert wrote < 2**26  # what lies in the buffers of a connection, and no more


async def test_what_is_packed_is_not_unpacked(tmp_path):
    async def handler(_):
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    async with answering(handler, tmp_path / "trial") as found:
        assert (await found.wire.send("GET", "/")).body == b"\x1f\x8b"


async def test_nobody_is_sent_elsewhere(tmp_path):
    asked = []

    async def handler(request):
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with answering(handler, tmp_path / "trial") as found:
        assert (await found.wire.send("GET", "/here")).status == 302
    assert asked == ["/here"]


@pytest.mark.parametrize("status", [429, 503])
async def test_who_is_busy_is_asked_once_more_and_not_judged(tmp_path, status):
    asked = []

    async def handler(request):
        asked.append(request.path)
        return web.Response(status=status)

    async with answering(handler, tmp_path / "trial") as found:
        [verdict] = [one async for one in judged(found, chosen(["http.get"]))]

    assert (verdict.outcome, len(asked)) == (Outcome.NOT_TRIED, 2)
    assert verdict.reason == f"the node is busy: HTTP {status}, twice"


def test_a_budget_ends():
    budget = Budget(seconds=60, requests=2)
    budget.spend()
    budget.spend()
    with pytest.raises(NotTriedError, match="the 2 requests of the kit are spent"):
        budget.spend()
    with pytest.raises(NotTriedError, match="the 0 seconds of the kit are over"):
        Budget(seconds=0, requests=2).spend()


async def test_when_the_time_is_over_the_rest_is_not_tried(tmp_path):
    async def handler(_):
        await asyncio.sleep(60)

    async with answering(handler, tmp_path / "trial", seconds=0.2) as found:
        verdicts = [one async for one in judged(found, chosen(["paging.", "limits."]))]

    assert {one.outcome for one in verdicts[1:]} == {Outcome.NOT_TRIED}
    assert verdicts[-1].reason == "the 0.2 seconds of the kit are over"
