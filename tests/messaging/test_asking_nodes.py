"""A question to a node over HTTP: a wrong server gives no answer, and costs nothing else."""

import asyncio
import gzip
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from federation.clock import SettableClock
from federation.federated.asking import CallError, Node
from federation.federated.wire import DEADLINE_HEADER, ON_BEHALF_OF_HEADER
from federation.messaging.addresses import networks
from federation.messaging.peers import PeerClient
from federation.signing.keys import SigningKey

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HERE = networks(["127.0.0.0/8"])
KEY = SigningKey.generate()
HEADERS = {ON_BEHALF_OF_HEADER: "signed-in", DEADLINE_HEADER: "900"}
SAID = f"{ON_BEHALF_OF_HEADER}: signed-in\r\n"
BYTES_MAX = 1_000_000
HANG_UP = b"-"


@asynccontextmanager
async def a_node(*answers, endless=b""):
    """A server that says what it is told to, one answer for each request; then without an end."""
    heads, left = [], list(answers)

    async def talk(reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
                await reader.readexactly(length)
                heads.append(head)
                answer = left.pop(0)
                if answer == HANG_UP:
                    return
                writer.write(answer)
                await writer.drain()
                while endless:
                    writer.write(endless)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Node("DE", "https://de.example", f"http://127.0.0.1:{port}"), heads


@asynccontextmanager
async def a_hub(allowed=HERE, clock=lambda: NOON):
    client = PeerClient("https://hub.example", lambda: KEY, clock, allowed=allowed)
    try:
        yield client
    finally:
        await client.close()


def http(body=b"{}", status="200 OK", headers=SAID):
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(hub, node, *, seconds=20.0, bytes_max=BYTES_MAX):
    return await hub.ask(node, b"{}", HEADERS, seconds=seconds, bytes_max=bytes_max)


async def told(answer, *, seconds=20.0, endless=b"", allowed=HERE):
    async with a_node(answer, endless=endless) as (node, _), a_hub(allowed) as hub:
        try:
            return await ask(hub, node, seconds=seconds)
        except CallError as error:
            return error.state, error.code


async def test_the_answer_is_given_as_it_was_sent():
    async with a_node(http(b'{"a": 1}')) as (node, heads), a_hub() as hub:
        assert await ask(hub, node) == b'{"a": 1}'

    [head] = heads
    assert head.startswith("POST /graphql HTTP/1.1\r\n")
    for line in (
        "Federation-On-Behalf-Of: signed-in",
        "Federation-Deadline-Ms: 900",
        "Accept-Encoding: identity",
        "Content-Type: application/json",
    ):
        assert line in head.split("\r\n")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(status="500 No"), "NO_ANSWER"),
        (http(status="429 Later"), "NO_ANSWER"),
        (http(status="403 No"), "SENT_AWAY"),
        (http(status="400 No"), "REFUSED"),
        (http(status="401 No"), "SENT_AWAY"),
        (http(status="302 Found", headers=f"{SAID}Location: http://127.0.0.1/\r\n"), "SENT_AWAY"),
        (http(headers=""), "SENT_AWAY"),  # of an earlier version: with all that a server sees
        (http(headers=f"{ON_BEHALF_OF_HEADER}: partner\r\n"), "SENT_AWAY"),
        (http(gzip.compress(b"{}"), headers=f"{SAID}Content-Encoding: gzip\r\n"), "SENT_AWAY"),
        (http(b"x" * (BYTES_MAX + 1)), "TOO_LONG"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "NO_ANSWER"),
        (b"nonsense\r\n\r\n", "NO_ANSWER"),
    ],
)
async def test_what_is_no_answer_is_an_error_with_a_code(answer, code):
    assert await told(answer) == ("ERROR", code)


@pytest.mark.parametrize("answer", [b"", http()[:-1]])
async def test_who_says_nothing_or_stops_in_the_middle_is_waited_for_to_the_deadline(answer):
    assert await told(answer, seconds=0.1) == ("TIMEOUT", "DEADLINE_OVER")


async def test_a_node_that_stops_when_it_was_told_to_is_late_and_not_wrong():
    body = b'{"errors": [{"extensions": {"code": "DEADLINE_OVER"}}]}'

    assert await told(http(body, "504 Late")) == ("TIMEOUT", "DEADLINE_OVER")


async def test_a_connection_that_was_closed_meanwhile_costs_nothing():
    async with a_node(http(), HANG_UP, http(b"[]")) as (node, heads), a_hub() as hub:
        assert await ask(hub, node) == b"{}"
        assert await ask(hub, node) == b"[]"
        assert len(heads) == 3


async def test_a_question_does_not_wait_for_what_the_outbox_sends():
    async with a_node(*[b""] * 8, http()) as (node, heads), a_hub() as hub:
        url = f"{node.url}/messages"
        outbox = [
            asyncio.ensure_future(hub.post(node.entity_id, url, b"{}", seconds=60.0))
            for _ in range(9)
        ]
        while len(heads) < 8:  # noqa: ASYNC110 - the system says when
            await asyncio.sleep(0)

        assert await ask(hub, node, seconds=5.0) == b"{}"
        assert len(heads) == 9
        for sent in outbox:
            sent.cancel()
        await asyncio.gather(*outbox, return_exceptions=True)


async def test_an_answer_without_an_end_is_read_to_its_limit():
    head = f"HTTP/1.1 200 OK\r\n{SAID}Content-Length: 2000000000\r\n\r\n".encode()

    assert await told(head, endless=b"x" * 65_536) == ("ERROR", "TOO_LONG")


async def test_a_packed_answer_without_an_end_is_not_unpacked():
    headers = (
        f"HTTP/1.1 200 OK\r\n{SAID}Content-Encoding: gzip\r\nContent-Length: 2000000000\r\n\r\n"
    )
    bomb = gzip.compress(bytes(10_000_000))

    assert await told(headers.encode(), endless=bomb) == ("ERROR", "SENT_AWAY")


async def test_a_node_inside_is_not_called_unless_the_operator_allows_it():
    async with a_node(http()) as (node, heads), a_hub(allowed=()) as hub:
        with pytest.raises(CallError) as refused:
            await ask(hub, node)

    assert (refused.value.code, heads) == ("NO_ANSWER", [])


async def test_a_token_is_made_once_for_the_calls_of_some_seconds():
    clock = SettableClock(NOON)
    async with a_node(*[http()] * 5) as (node, heads), a_hub(clock=clock) as hub:
        await ask(hub, node)
        await ask(hub, node)
        clock.instant += timedelta(seconds=15)
        await ask(hub, node)
        clock.instant -= timedelta(seconds=1)  # a token is of no time to come
        await ask(hub, node)

    tokens = [head.partition("Authorization: Bearer ")[2].partition("\r")[0] for head in heads]
    assert len(set(tokens)) == 3
    assert tokens[0] == tokens[1]
