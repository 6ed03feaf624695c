"""Deliveries over real connections: whoever answers wrongly, late or never delays nobody else."""

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from federation.messaging import addresses
from federation.messaging import webhooks as delivering
from federation.messaging.addresses import AddressRefusedError, networks, require_target
from federation.messaging.webhook_calls import ANSWER_BYTES_MAX, WebhookCalls
from federation.messaging.webhooks import WebhookWorker
from federation.trust.private_files import make_once
from federation.webhooks import service
from federation.webhooks.attempts import Attempt, Outcome
from federation.webhooks.tables import Webhook
from tests.federation.harness import soon
from tests.webhooks.keeping import (
    LAB,
    MEMBER,
    NOON,
    OTHER_LAB,
    VALUE,
    did,
    happen,
    hook,
    join,
    rows,
    subscribe,
)
from tests.webhooks.receivers import receiving

HERE = networks(["127.0.0.0/8", "::1/128"])
SECONDS_MAX = 60.0
BODY = b'{"type":"ping"}'


def an_attempt(url):
    return Attempt(1, 1, NOON, url, BODY, {"webhook-id": "evt_1"})


@asynccontextmanager
async def calling(allowed=HERE, seconds=5.0):
    calls = WebhookCalls(allowed, seconds=seconds)
    try:
        yield calls
    finally:
        await calls.close()


@asynccontextmanager
async def speaking(talk):
    """A server on loopback that says what it wants; gives its URL and counts who has come."""
    came = []

    async def heard(reader, writer):
        came.append(1)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(heard, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks", came


async def test_an_event_is_posted_as_it_is_signed():
    async with receiving() as receiver, calling() as calls:
        assert await calls.call(an_attempt(receiver.url)) == Outcome(204)
    [(headers, body)] = receiver.came
    assert body == BODY
    assert headers["webhook-id"] == "evt_1"
    assert headers["User-Agent"] == "federation-webhooks"
    assert headers["Content-Type"] == "application/json"
    assert not {"Cookie", "Authorization"} & headers.keys()


async def test_what_was_closed_calls_again():
    """As in a worker that led, lost its line, and leads again."""
    async with receiving() as receiver, calling() as calls:
        await calls.call(an_attempt(receiver.url))
        await calls.close()
        assert await calls.call(an_attempt(receiver.url)) == Outcome(204)


@pytest.mark.parametrize("status", [400, 410, 500, 503])
async def test_a_status_is_what_counts(status):
    async with receiving(status=status) as receiver, calling() as calls:
        assert await calls.call(an_attempt(receiver.url)) == Outcome(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status):
    async with receiving() as inside:
        headers = {"Location": inside.url}
        async with receiving(status=status, headers=headers) as receiver, calling() as calls:
            found = await calls.call(an_attempt(receiver.url))
    assert found == Outcome(status, "it redirects, which is not followed")
    assert inside.came == []


async def test_no_cookie_is_kept():
    async with receiving(headers={"Set-Cookie": "a=b"}) as receiver, calling() as calls:
        await calls.call(an_attempt(receiver.url))
        await calls.call(an_attempt(receiver.url))
    assert ["Cookie" in headers for headers, _ in receiver.came] == [False, False]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"],  # noqa: S104
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_target_inside_is_not_called_unless_the_operator_allows_it(host, scheme):
    async def nothing(writer):
        del writer

    async with speaking(nothing) as (url, came), calling(()) as calls:
        port = url.rpartition(":")[2]
        inward = f"{scheme}://{host}:{port}"
        found = await calls.call(an_attempt(inward))
        with pytest.raises(AddressRefusedError):
            await require_target(inward, [])
    assert came == []
    assert found.status is None


async def test_a_target_by_plain_http_has_to_lie_in_an_allowed_network():
    await require_target("https://9.9.9.9/", [])
    await require_target("http://127.0.0.1/", ["127.0.0.0/8"])
    for allowed in ([], ["127.0.0.0/8"]):
        with pytest.raises(AddressRefusedError):
            await require_target("http://9.9.9.9/", allowed)
    async with calling(HERE, seconds=2.0) as calls:
        found = await calls.call(an_attempt("http://9.9.9.9:9/"))
    assert found.status is None
    assert "called by https only" in found.error


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https"])
async def test_https_is_that_in_any_case(scheme):
    await require_target(f"{scheme}://9.9.9.9/", [])
    async with calling(()) as calls:
        found = await calls.call(an_attempt(f"{scheme}://127.0.0.1:9/"))
    assert "127.0.0.1 is not public" in found.error


async def test_where_inside_a_name_leads_is_not_told_to_who_chose_the_name(monkeypatch):
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("10.0.0.1", 0))]
    )
    with pytest.raises(AddressRefusedError) as refusal:
        await require_target("https://inside.example/", [])
    async with calling(()) as calls:
        found = await calls.call(an_attempt("https://inside.example/"))

    why = (
        "inside.example is at an address, which is not public, "
        "and in none of `peer_networks` in the configuration"
    )
    assert refusal.value.detail == why
    assert why in found.error
    assert "10.0.0.1" not in found.error


async def test_who_never_answers_costs_the_deadline_and_no_more():
    async def hang(writer):
        del writer
        await asyncio.Event().wait()

    async with speaking(hang) as (url, _), calling(seconds=0.2) as calls:
        assert await calls.call(an_attempt(url)) == Outcome(None, "no answer within 0.2 seconds")


async def test_who_answers_one_letter_at_a_time_costs_the_deadline_too():
    async def drip(writer):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with speaking(drip) as (url, _), calling(seconds=0.2) as calls:
        assert (await calls.call(an_attempt(url))).is_good is False


async def test_of_two_gigabytes_a_few_kilobytes_are_read():
    sent = []

    async def pour(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
        for _ in range(2**31 // 2**16):
            writer.write(b"\0" * 2**16)
            await writer.drain()
            sent.append(2**16)

    async with speaking(pour) as (url, _), calling() as calls:
        assert await calls.call(an_attempt(url)) == Outcome(200)
    # What the sockets of both sides hold; no more was ever asked for.
    assert sum(sent) < 32 * 2**20
    assert ANSWER_BYTES_MAX == 4_096


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
    ],
)
async def test_what_is_no_answer_is_none_and_its_words_are_not_repeated(answer):
    async def speak(writer):
        writer.write(answer)
        await writer.drain()

    async with speaking(speak) as (url, _), calling() as calls:
        found = await calls.call(an_attempt(url))
    assert found.is_good is False
    assert "nonsense" not in (found.error or "")


async def test_nobody_there():
    async with receiving() as receiver:
        url = receiver.url
    async with calling() as calls:
        found = await calls.call(an_attempt(url))
    assert found.status is None
    assert found.error.startswith("ClientConnectorError: ")


@pytest.fixture
def server(database, tmp_path):
    """What a worker reaches of its server."""
    make_once(tmp_path / "key.secret", VALUE.encode)
    config = SimpleNamespace(key_secret="", data_dir=tmp_path)
    return SimpleNamespace(db=database, clock=lambda: NOON, config=config, code="GB")


@asynccontextmanager
async def working(server, calls):
    worker = WebhookWorker(server, calls)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Callee:
    """Takes attempts: some URLs hang, some fail; says which were called, and how many at once."""

    def __init__(self, hanging=(), failing=()):
        self.hanging, self.failing = hanging, failing
        self.called, self.open, self.most = [], 0, 0
        self.go_on = asyncio.Event()
        self._new = asyncio.Event()

    async def call(self, attempt):
        self.called.append(attempt.url)
        self.open += 1
        self.most = max(self.most, self.open)
        self._new.set()
        try:
            if attempt.url in self.hanging:
                await self.go_on.wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.open -= 1
        return Outcome(500 if attempt.url in self.failing else 200)

    async def until(self, is_so):
        async with asyncio.timeout(SECONDS_MAX):
            while not is_so():
                self._new.clear()
                await self._new.wait()

    async def close(self):
        """Hold nothing open."""


async def told(database, count):
    """Wait until so many events were delivered."""

    async def enough():
        return sum(row.state == "DELIVERED" for row in await rows(database)) >= count

    await soon(enough, what=f"{count} deliveries")


async def test_one_that_hangs_delays_neither_others_nor_its_partys_other(database, server):
    await join(database)
    slow, quick, other = "https://slow.example/", "https://a.example/", "https://b.example/"
    hooks = [
        await subscribe(database, LAB, slow, key="1"),
        await subscribe(database, LAB, quick, key="2"),
        await subscribe(database, OTHER_LAB, other, key="3"),
    ]
    for given in hooks:
        await happen(database, given.webhook.id, count=3)
    callee = Callee(hanging={slow})
    async with working(server, callee):
        await told(database, 6)
        assert callee.called.count(slow) == 1  # one attempt at a time
        callee.go_on.set()
        await told(database, 9)
    assert callee.called.count(slow) == 3


async def test_a_party_has_two_turns_at_a_time(database, server):
    await join(database)
    urls = [f"https://slow-{number}.example/" for number in range(5)]
    for url in urls:
        given = await subscribe(database, LAB, url, key=url)
        await happen(database, given.webhook.id)
    other = await subscribe(database, OTHER_LAB, "https://b.example/")
    await happen(database, other.webhook.id)
    callee = Callee(hanging=set(urls))
    async with working(server, callee):
        await told(database, 1)
        await callee.until(lambda: callee.open == 2)
        assert len(callee.called) == 3
        callee.go_on.set()
        await told(database, 6)
    assert callee.most <= 3


async def test_a_server_has_so_many_turns_at_a_time(database, server, monkeypatch):
    monkeypatch.setattr(delivering, "TURNS_MAX", 2)
    await join(database)
    for who in (LAB, OTHER_LAB, MEMBER):
        types = sorted(service.types_for(next(iter(who.roles))))
        given = await subscribe(database, who, f"https://{who.party}.example/", types)
        await happen(database, given.webhook.id, kind=types[0])
    callee = Callee(hanging={f"https://{who.party}.example/" for who in (LAB, OTHER_LAB, MEMBER)})
    async with working(server, callee):
        await callee.until(lambda: callee.open == 2)
        callee.go_on.set()
        await told(database, 3)
    assert callee.most == 2


async def test_those_that_fail_leave_half_of_the_turns_to_others(database, server, monkeypatch):
    monkeypatch.setattr(delivering, "FAILING_MAX", 1)
    monkeypatch.setattr(delivering, "TURNS_OF_A_PARTY", 9)
    await join(database)
    urls = [f"https://slow-{number}.example/" for number in range(3)]
    for url in urls:
        given = await subscribe(database, LAB, url, key=url)
        await happen(database, given.webhook.id)
        async with database.write("test.fail") as session:
            (await session.get_one(Webhook, given.webhook.id)).failing_since = NOON
    other = await subscribe(database, LAB, "https://b.example/", key="other")
    await happen(database, other.webhook.id, count=30)
    callee = Callee(hanging=set(urls))
    async with working(server, callee):
        await told(database, 30)
        assert sum(url in urls for url in callee.called) == 1
        callee.go_on.set()
        await told(database, 33)


async def test_a_name_that_hangs_holds_a_thread_of_targets_only(monkeypatch):
    asked, go_on = [], threading.Event()

    def hang(*_, **__):
        asked.append(threading.current_thread().name)
        go_on.wait(SECONDS_MAX)
        raise OSError

    monkeypatch.setattr(addresses.socket, "getaddrinfo", hang)
    monkeypatch.setattr(addresses, "RESOLVE_SECONDS", 0.1)
    try:
        async with calling() as calls:
            found = await calls.call(an_attempt("https://hangs.example/"))
        with pytest.raises(AddressRefusedError):
            await require_target("https://hangs.example/", [])
    finally:
        go_on.set()
    assert found.is_good is False
    assert "hangs.example cannot be resolved" in found.error
    assert [name.startswith("target-names") for name in asked] == [True, True]


async def test_a_turn_ends_with_the_first_failure(database, server):
    await join(database)
    url = "https://broken.example/"
    given = await subscribe(database, LAB, url)
    await happen(database, given.webhook.id, count=3)
    callee = Callee(failing={url})
    await WebhookWorker(server, callee)._turn(given.webhook.id)
    assert callee.called == [url]
    assert [row.attempts for row in await rows(database)] == [1, 0, 0]
    assert (await hook(database, given.webhook.id)).failing_since == NOON


async def test_what_is_said_while_nothing_is_due_is_delivered_at_once(database, server):
    await join(database)
    given = await subscribe(database, LAB, "https://a.example/")
    callee = Callee()
    async with working(server, callee) as worker:
        database.listen("webhooks", worker.wake)
        await asyncio.sleep(0)
        await did(database, LAB, service.ping, given.webhook.id)
        async with asyncio.timeout(delivering.IDLE_SECONDS / 2):  # sooner than it looks by itself
            await callee.until(lambda: callee.called)
        await told(database, 1)


async def test_a_worker_that_is_cancelled_in_an_attempt_leaves_it_to_be_repeated(database, server):
    await join(database)
    url = "https://slow.example/"
    given = await subscribe(database, LAB, url)
    await happen(database, given.webhook.id)
    callee = Callee(hanging={url})
    async with working(server, callee):
        await callee.until(lambda: callee.open == 1)
    [row] = await rows(database)
    assert (row.state, row.attempts, row.status) == ("WAITING", 1, None)
    assert row.next_at > NOON


async def test_what_broke_off_stops_no_other_turn(database, server):
    await join(database)
    one = await subscribe(database, LAB, "https://a.example/")
    two = await subscribe(database, OTHER_LAB, "https://b.example/")
    for given in (one, two):
        await happen(database, given.webhook.id)

    class Broken(Callee):
        async def call(self, attempt):
            if attempt.url == "https://a.example/":
                raise ValueError("a defect")
            return await super().call(attempt)

    async with working(server, Broken()):
        await told(database, 1)
    assert {row.webhook: row.state for row in await rows(database)} == {
        one.webhook.id: "WAITING",
        two.webhook.id: "DELIVERED",
    }
