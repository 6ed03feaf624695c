"""A client's token at a server: fetched with one credential, renewed in time, never logged."""

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from federation.access.bearers import ClientBearer, ClientCredential, NoTokenError
from federation.access.kept import Pace
from federation.access.wire import Answer, UnreachableError
from federation.signing.client_tokens import check_client_assertion
from federation.signing.keys import SigningKey
from tests.access.server import TokenServer, granted
from tests.seconds import Seconds

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NODE, ISSUER = "https://node-xx.example/", "https://node-xx.example"
SECRET = "cc_0123456789abcdef_" + "S" * 43


@pytest.fixture
def node():
    return TokenServer()


@pytest.fixture
def time():
    return Seconds()


@pytest.fixture
def make(node, time):
    def bearer(**changes):
        client = ClientCredential(client_id="site-1", **({"secret": SECRET} | changes))
        return ClientBearer(
            client, server=NODE, clock=lambda: NOON, fetch=node, pace=Pace(time, lambda: 0.0)
        )

    return bearer


async def test_a_secret_is_shown_in_the_header_once_for_many_questions(node, make):
    bearer = make()

    assert [bearer.current() for _ in range(3)] == ["token-1"] * 3

    [call] = node.calls
    assert (call.method, call.url) == ("POST", "https://node-xx.example/oauth/token")
    assert base64.b64decode(call.headers["Authorization"].removeprefix("Basic ")).decode() == (
        f"site-1:{SECRET}"
    )
    assert call.body == b"grant_type=client_credentials"


async def test_a_key_signs_for_the_nodes_name(node, make):
    key = SigningKey.generate()
    bearer = make(secret=None, key=key, issuer=ISSUER)

    assert bearer.current() == "token-1"

    [call] = node.calls
    form = {name: value[0] for name, value in parse_qs(call.body.decode()).items()}
    assert "Authorization" not in call.headers
    assert form.keys() == {"grant_type", "client_assertion_type", "client_assertion"}
    said = check_client_assertion(
        form["client_assertion"],
        keys={key.kid: key.public},
        client_id="site-1",
        issuer=ISSUER,
        now=NOON,
    )
    assert said.expires_at == int(NOON.timestamp()) + 60


async def test_the_next_token_is_fetched_before_the_last_one_ends(node, make, time):
    bearer = make()
    bearer.current()

    time.now += 2_999
    assert bearer.current() == "token-1"
    time.now += 1
    assert bearer.current() == "token-2"
    assert len(node.calls) == 2


def test_many_that_ask_at_once_make_one_request(node, make):
    bearer = make()
    node.hold.clear()
    with ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(bearer.current) for _ in range(5)]
        node.hold.set()

    assert [each.result() for each in asked] == ["token-1"] * 5
    assert len(node.calls) == 1


async def test_while_the_node_refuses_the_last_token_serves_to_its_end(node, make, time):
    bearer = make()
    bearer.current()
    node.answer = UnreachableError("ClientConnectorError")

    time.now += 3_000
    assert bearer.current() == "token-1"
    time.now += 599
    assert bearer.current() == "token-1"
    time.now += 1
    with pytest.raises(UnreachableError):
        bearer.current()
    node.answer = None
    time.now += 300
    assert bearer.current() == "token-2"


async def test_in_vain_it_asks_less_and_less_often(node, make, time):
    bearer = make()
    node.answer = Answer(401, {}, b'{"error": "invalid_client"}')
    asked_at = []
    for second in range(1_000):
        before = len(node.calls)
        with pytest.raises(NoTokenError):
            bearer.current()
        if len(node.calls) > before:
            asked_at.append(second)
        time.now += 1

    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]


async def test_a_token_that_the_node_does_not_take_is_dropped(make):
    bearer = make()
    bearer.current()

    bearer.refused()

    assert bearer.current() == "token-2"


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
        bearer.current()

    assert refusal.value.code == "NO_TOKEN"
    assert not isinstance(refusal.value, UnreachableError)
    assert "<" not in refusal.value.message
    assert "Traceback" not in refusal.value.message


async def test_neither_secret_nor_token_is_written_anywhere(node, make, time, caplog):
    caplog.set_level(logging.DEBUG)
    bearer = make()
    token = bearer.current()
    node.answer = Answer(401, {}, b'{"error": "invalid_client"}')
    time.now += 3_600
    with pytest.raises(NoTokenError, match="HTTP 401 invalid_client") as refusal:
        bearer.current()

    told = caplog.text + repr([bearer._client, bearer._kept._held, refusal.value])
    assert "HTTP 401 invalid_client" in told
    assert SECRET not in told
    assert token not in told


def test_a_client_has_one_way_to_prove_itself():
    key = SigningKey.generate()
    for fields in (
        {},
        {"secret": "s", "key": key, "issuer": ISSUER},
        {"key": key},
    ):
        with pytest.raises(ValueError, match="a client"):
            ClientCredential(client_id="site-1", **fields)
