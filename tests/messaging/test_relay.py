"""The relay delivers what is posted at once, also while it is delivering."""

import asyncio
import contextlib
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from sqlalchemy import event

from federation.messaging import relay as relaying
from federation.messaging.peers import PeerAnswerError
from federation.messaging.relay import IDLE_SECONDS, Relay
from federation.store import outbox
from federation.store.tables import OutboxMessage
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
        left = await outbox.messages(session, await outbox.waiting(session, THERE, 10))
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
        limit = sum((await outbox.waiting(session, THERE, 40)).values()) + 1_000
    monkeypatch.setattr(relaying, "BYTES_MAX", limit)
    peer = StrictPeer(limit)

    async def resolve(_target):
        return THERE

    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
    while await relay._deliver_some(THERE):
        pass

    assert peer.taken == list(range(1, 41))


async def test_no_body_is_read_that_does_not_go_into_the_delivery(database, monkeypatch):
    for n in range(1, 6):
        await post(database, n)
    monkeypatch.setattr(relaying, "BYTES_MAX", 3 * relaying.AROUND_BYTES)  # two, and their bodies
    peer = StrictPeer(3 * relaying.AROUND_BYTES)

    async def resolve(_target):
        return THERE

    read = []

    def loaded(row, _context):
        read.append((row.sequence, len(peer.taken)))

    event.listen(OutboxMessage, "load", loaded)
    try:
        relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
        more = [await relay._deliver_some(THERE) for _ in range(4)]
    finally:
        event.remove(OutboxMessage, "load", loaded)

    assert more == [True, True, False, False]
    assert peer.taken == [1, 2, 3, 4, 5]
    assert read == [(1, 0), (2, 0), (3, 2), (4, 2), (5, 4)]  # each once, when it is sent


class ForgetfulPeer:
    """Says of the stream that it was sent that it has it up to a number of its own choice."""

    def __init__(self, up_to):
        self.up_to = up_to

    async def post(self, _target, _url, _body, *, seconds):
        del seconds
        return msgspec.json.encode({"up_to": {"note/a": self.up_to}})


@pytest.mark.parametrize(
    ("up_to", "may_go_on", "left"),
    [
        (0, False, [(1, 1), (2, 0), (3, 0)]),
        (1, True, [(2, 0), (3, 0)]),
        (9, True, [(3, 0)]),
    ],
)
async def test_what_was_not_sent_was_not_taken_whatever_its_receiver_says(
    database, monkeypatch, up_to, may_go_on, left
):
    for n in range(1, 4):
        await post(database, n)
    monkeypatch.setattr(relaying, "BYTES_MAX", 3 * relaying.AROUND_BYTES)  # two, and their bodies

    async def resolve(_target):
        return THERE

    server = SimpleNamespace(db=database, clock=lambda: NOON)
    relay = Relay(server, ForgetfulPeer(up_to), resolve)

    assert await relay._deliver_some(THERE) is may_go_on
    async with database.read() as session:
        rows = await outbox.messages(session, await outbox.waiting(session, THERE, 10))
    assert [(row.sequence, row.attempts) for row in rows] == left


class ManyPeers:
    """Many targets, of which some never answer; `sent` is what each was sent."""

    def __init__(self, dead, expected):
        self.dead, self.expected, self.sent = dead, expected, []
        self.all_sent = asyncio.Event()

    async def post(self, target, _url, body, *, seconds):
        del seconds
        messages = msgspec.json.decode(body)
        self.sent.append((target, [(item["stream"], item["sequence"]) for item in messages]))
        if target in self.dead:
            await asyncio.Event().wait()
        if sum(name not in self.dead for name, _ in self.sent) == self.expected:
            self.all_sent.set()
        return msgspec.json.encode({"up_to": {item["stream"]: 1 for item in messages}})


async def test_each_of_230_targets_is_sent_a_message_once_and_the_dead_keep_no_turn(database):
    targets = [f"https://{number:03}.example" for number in range(230)]
    peers = ManyPeers(set(targets[:20]), expected=210)

    async def resolve(target):
        return target

    async with database.write("test") as session:
        await outbox.post_to_each(session, targets=targets, message=Note(1, "a"), now=NOON)
    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peers, resolve)
    task = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(60):
            await peers.all_sent.wait()
            await until_waiting_for(database, set(targets[:20]))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert sorted(peers.sent) == [(target, [("note/a", 1)]) for target in targets]


@pytest.mark.parametrize("little", [0, 10**6], ids=["one by one", "together"])
async def test_targets_are_sent_all_in_its_order_however_it_was_read(database, monkeypatch, little):
    monkeypatch.setattr(relaying, "LITTLE_BYTES", little)
    targets = ["https://1.example", "https://2.example"]
    peers = ManyPeers(set(), expected=2)
    read = bodies_read(monkeypatch)

    async def resolve(target):
        return target

    async with database.write("test") as session:
        for n, about in ((1, "a"), (2, "b")):
            await outbox.post_to_each(session, targets=targets, message=Note(n, about), now=NOON)
    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peers, resolve)
    await relay._start_drains()
    await asyncio.gather(*relay._busy.values())

    whole = [("note/a", 1), ("note/b", 1)]
    assert sorted(peers.sent) == [(target, whole) for target in targets]
    assert [count for count in read if count] == ([4] if little else [2, 2])
    await until_waiting_for(database, set())


def bodies_read(monkeypatch):
    """Count how many messages each reading of bodies returns."""
    counts, messages = [], outbox.messages

    async def counted(session, ids):
        rows = await messages(session, ids)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(outbox, "messages", counted)
    return counts


async def until_waiting_for(database, targets):
    for _ in range(1_000_000):  # the caller's deadline ends it
        async with database.read() as session:
            if set(await outbox.targets_waiting(session)) == targets:
                return
        await asyncio.sleep(0)
