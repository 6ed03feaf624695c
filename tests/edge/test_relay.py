"""The relay delivers what is posted at once, also while it is delivering."""

import asyncio
import contextlib
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec

from federation.edge import relay as relaying
from federation.edge.peers import PeerAnswerError
from federation.edge.relay import IDLE_SECONDS, Relay
from federation.store import outbox
from tests.store.notes import Note

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
THERE = "https://there.example"


class SlowPeer:
    """Takes deliveries, each when it is let."""

    def __init__(self):
        self.bodies, self.came, self.go_on = [], asyncio.Event(), asyncio.Event()

    async def post(self, _target, _url, body, *, seconds):
        del seconds
        messages = msgspec.json.decode(body)
        self.bodies.append([item["body"]["n"] for item in messages])
        self.came.set()
        await self.go_on.wait()
        return msgspec.json.encode({"up_to": {"note/a": messages[-1]["sequence"]}})


async def post(database, n, about="a"):
    async with database.write("test") as session:
        await outbox.post(session, target=THERE, message=Note(n, about), now=NOON)


async def test_what_is_posted_during_a_delivery_follows_it_at_once(database):
    peer = SlowPeer()

    async def resolve(_target):
        return THERE

    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
    database.listen(outbox.POSTED, relay.wake)
    task = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(IDLE_SECONDS / 2):  # sooner than the relay looks by itself
            await post(database, 1)
            await peer.came.wait()
            await post(database, 2)
            await until_passed_over(relay)
            peer.came.clear()
            peer.go_on.set()
            await peer.came.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert peer.bodies == [[1], [2]]


async def until_passed_over(relay):
    for _ in range(1_000_000):  # the caller's deadline ends it
        if THERE in relay._passed_over:
            return
        await asyncio.sleep(0)


class PickyPeer:
    """Takes no message of one stream, and says so; what it took is written down."""

    def __init__(self, stream):
        self.stream, self.taken = stream, []

    async def post(self, _target, _url, body, *, seconds):
        del seconds
        answer = {"up_to": {}, "not_taken": {}}
        for item in msgspec.json.decode(body):
            if item["stream"] == self.stream:
                answer["not_taken"][self.stream] = {"code": "PARKED_FULL", "message": "later"}
            else:
                answer["up_to"][item["stream"]] = item["sequence"]
                self.taken.append(item["body"]["n"])
        return msgspec.json.encode(answer)


async def test_a_stream_that_is_not_taken_holds_up_no_other(database):
    peer = PickyPeer("note/b")

    async def resolve(_target):
        return THERE

    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
    for n, about in ((1, "b"), (2, "a"), (3, "b"), (4, "c")):
        await post(database, n, about)
    while await relay._deliver_some(THERE):
        pass

    assert peer.taken == [2, 4]
    async with database.read() as session:
        left = await outbox.waiting(session, THERE, 10)
    assert [(row.stream, row.sequence, row.last_error) for row in left] == [
        ("note/b", 1, "PARKED_FULL: later"),
        ("note/b", 2, None),
    ]


class StrictPeer:
    """Refuses a delivery whose body is larger than a receiver takes, as its door does."""

    def __init__(self, bytes_max):
        self.bytes_max, self.taken = bytes_max, []

    async def post(self, _target, _url, body, *, seconds):
        del seconds
        if len(body) > self.bytes_max:
            raise PeerAnswerError("HTTP 413")
        messages = msgspec.json.decode(body)
        self.taken += [item["body"]["n"] for item in messages]
        return msgspec.json.encode({"up_to": {i["stream"]: i["sequence"] for i in messages}})


async def test_what_goes_into_one_delivery_fits_its_receiver_with_what_is_around_it(
    database, monkeypatch
):
    for n in range(1, 41):
        await post(database, n)
    async with database.read() as session:
        bodies = [len(row.body) for row in await outbox.waiting(session, THERE, 40)]
    monkeypatch.setattr(relaying, "BYTES_MAX", sum(bodies) + 1_000)
    peer = StrictPeer(sum(bodies) + 1_000)

    async def resolve(_target):
        return THERE

    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
    for _ in range(40):
        await relay._deliver_some(THERE)

    assert peer.taken == list(range(1, 41))
