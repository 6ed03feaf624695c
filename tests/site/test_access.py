"""The gate's token at its node: fetched with one credential, renewed in time, never logged."""

import asyncio
import base64
import json
import logging
from urllib.parse import parse_qs

import pytest

from federation.signing.client_tokens import check_client_assertion
from federation.signing.keys import SigningKey
from federation.site.access import ClientBearer, NoTokenError, SiteClient
from federation.site.install import SiteConfig
from federation.site.policy_source import Pins, PolicyNotServedError, PolicySource
from federation.site.reporter import Reporter
from federation.site.wire import Answer, NodeUnreachableError

NODE, ISSUER = "https://node-xx.example/", "https://node-xx.example"
SECRET = "cc_0123456789abcdef_" + "S" * 43


class Node:
    """Answers each request for a token with the next one."""

    def __init__(self):
        self.calls, self.count, self.answer = [], 0, None
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, call):
        self.calls.append(call)
        await self.hold.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        self.count += 1
        return granted(f"token-{self.count}")


def granted(token, **changes):
    said = {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | changes
    return Answer(200, {}, json.dumps(said).encode())


class Time:
    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def make(node, time, site):
    def bearer(**changes):
        client = SiteClient(client_id="site-1", **({"secret": SECRET} | changes))
        return ClientBearer(client, node=NODE, clock=site.clock, fetch=node, monotonic=time)

    return bearer


async def test_a_secret_is_shown_in_the_header_once_for_many_questions(node, make):
    bearer = make()

    assert [await bearer.current() for _ in range(3)] == ["token-1"] * 3

    [call] = node.calls
    assert (call.method, call.url) == ("POST", "https://node-xx.example/oauth/token")
    assert base64.b64decode(call.headers["Authorization"].removeprefix("Basic ")).decode() == (
        f"site-1:{SECRET}"
    )
    assert call.body == b"grant_type=client_credentials"


async def test_a_key_signs_for_the_nodes_name(node, make, site):
    key = SigningKey.generate()
    bearer = make(secret=None, key=key, issuer=ISSUER)

    assert await bearer.current() == "token-1"

    [call] = node.calls
    form = {name: value[0] for name, value in parse_qs(call.body.decode()).items()}
    assert "Authorization" not in call.headers
    assert form.keys() == {"grant_type", "client_assertion_type", "client_assertion"}
    said = check_client_assertion(
        form["client_assertion"],
        keys={key.kid: key.public},
        client_id="site-1",
        issuer=ISSUER,
        now=site.clock(),
    )
    assert said.expires_at == int(site.clock().timestamp()) + 60


async def test_the_next_token_is_fetched_before_the_last_one_ends(node, make, time):
    bearer = make()
    await bearer.current()

    time.seconds += 2_999
    assert await bearer.current() == "token-1"
    time.seconds += 1
    assert await bearer.current() == "token-2"
    assert len(node.calls) == 2


async def test_many_that_ask_at_once_make_one_request(node, make):
    bearer = make()
    node.hold.clear()
    asked = [asyncio.create_task(bearer.current()) for _ in range(5)]
    await asyncio.sleep(0)
    node.hold.set()

    assert await asyncio.gather(*asked) == ["token-1"] * 5
    assert len(node.calls) == 1


async def test_while_the_node_refuses_the_last_token_serves_to_its_end(node, make, time):
    bearer = make()
    await bearer.current()
    node.answer = NodeUnreachableError("ClientConnectorError")

    time.seconds += 3_000
    assert await bearer.current() == "token-1"
    time.seconds += 599
    assert await bearer.current() == "token-1"
    time.seconds += 1
    with pytest.raises(NodeUnreachableError):
        await bearer.current()
    node.answer = None
    time.seconds += 300
    assert await bearer.current() == "token-2"


async def test_in_vain_it_asks_less_and_less_often(node, make, time):
    bearer = make()
    node.answer = Answer(401, {}, b'{"error": "invalid_client"}')
    asked_at = []
    for second in range(1_000):
        before = len(node.calls)
        with pytest.raises(NoTokenError):
            await bearer.current()
        if len(node.calls) > before:
            asked_at.append(second)
        time.seconds += 1

    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]


async def test_a_token_that_the_node_does_not_take_is_dropped(make):
    bearer = make()
    await bearer.current()

    bearer.refused()

    assert await bearer.current() == "token-2"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {}, b""),
        Answer(200, {}, b"[]"),
        Answer(200, {}, b"\xff"),
        Answer(200, {}, b"[" * 10_000),
        granted("a b"),
        granted("a\r\nX: y"),
        granted(""),
        granted("t" * 4_097),
        granted("t", token_type="DPoP"),
        granted("t", expires_in=0),
        granted("t", expires_in=86_401),
        granted("t", expires_in="3600"),
        granted("t", expires_in=True),
        Answer(302, {}, b""),
        Answer(400, {}, b'{"error": "invalid_scope"}'),
        Answer(429, {}, b'{"error": "<b>"}'),
        Answer(500, {}, b"Traceback"),
    ],
)
async def test_what_is_no_token_is_not_shown(node, make, answer):
    bearer = make()
    node.answer = answer

    with pytest.raises(NoTokenError) as refusal:
        await bearer.current()

    assert refusal.value.code == "NODE_UNREACHABLE"
    assert "<" not in refusal.value.message
    assert "Traceback" not in refusal.value.message


async def test_neither_secret_nor_token_is_written_anywhere(node, make, time, caplog):
    caplog.set_level(logging.DEBUG)
    bearer = make()
    token = await bearer.current()
    node.answer = Answer(401, {}, b'{"error": "invalid_client"}')
    time.seconds += 3_600
    with pytest.raises(NoTokenError, match="HTTP 401 invalid_client") as refusal:
        await bearer.current()

    told = caplog.text + repr([bearer._client, bearer._held, refusal.value])
    assert "HTTP 401 invalid_client" in told
    assert SECRET not in told
    assert token not in told


def test_a_client_has_one_way_to_prove_itself_and_a_site_one_to_get_tokens(tmp_path):
    key = SigningKey.generate()
    for fields in (
        {},
        {"secret": "s", "key": key, "issuer": ISSUER},
        {"key": key},
    ):
        with pytest.raises(ValueError, match="a client"):
            SiteClient(client_id="site-1", **fields)
    common = {
        "node": NODE,
        "member_id": "M-17",
        "node_jwks": [],
        "hub_jwks": [],
        "directory": tmp_path,
        "origins": ["https://pub.example"],
    }
    for fields in ({}, {"client": SiteClient(client_id="c", secret="s"), "node_token": "t"}):
        with pytest.raises(ValueError, match="either a client or a node_token"):
            SiteConfig(**common, **fields)


async def test_a_401_to_a_report_or_to_the_policy_has_another_token_fetched(
    make, node, site, tmp_path
):
    bearer = make()
    answers = iter([Answer(401, {}, b""), Answer(202, {}, b""), Answer(401, {}, b"")])
    shown = []

    async def elsewhere(call):
        shown.append(call.headers["Authorization"])
        return next(answers)

    assert (await site.get(token=site.token())).status_code == 200
    time = Time()
    reporter = Reporter(site.spool, node=NODE, bearer=bearer, fetch=elsewhere, monotonic=time)
    assert await reporter.tick() == 0
    time.seconds += 1
    assert await reporter.tick() == 1
    pins = Pins(NODE, "M-17", *site.pinned)
    source = PolicySource(
        pins, path=tmp_path / "p.jwt", clock=site.clock, bearer=bearer, fetch=elsewhere
    )
    with pytest.raises(PolicyNotServedError):
        await source.refresh()

    assert shown == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]
    assert await bearer.current() == "token-3"
    assert len(node.calls) == 3
