"""The relay delivers what is posted at once, also while it is delivering."""

import asyncio
import contextlib
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec

from federation.edge.relay import IDLE_SECONDS, Relay
from federation.store import outbox

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
THERE = "https://there.example"


class SlowPeer:
    """Takes deliveries, each when it is let."""

    def __init__(self):
        self.bodies, self.came, self.go_on = [], asyncio.Event(), asyncio.Event()

    async def post(self, _target, _url, body, *, seconds):
        del seconds
        messages = msgspec.json.decode(body)
        self.bodies.append([item["body"] for item in messages])
        self.came.set()
        await self.go_on.wait()
        return msgspec.json.encode({"up_to": messages[-1]["sequence"]})


async def post(database, body):
    async with database.write("test") as session:
        await outbox.post(session, target=THERE, kind="k", body=body, now=NOON)


async def test_what_is_posted_during_a_delivery_follows_it_at_once(database):
    peer = SlowPeer()

    async def resolve(_target):
        return THERE

    relay = Relay(SimpleNamespace(db=database, clock=lambda: NOON), peer, resolve)
    database.listen(outbox.POSTED, relay.wake)
    task = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(IDLE_SECONDS / 2):  # sooner than the relay looks by itself
            await post(database, "first")
            await peer.came.wait()
            await post(database, "second")
            await until_passed_over(relay)
            peer.came.clear()
            peer.go_on.set()
            await peer.came.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert peer.bodies == [["first"], ["second"]]


async def until_passed_over(relay):
    for _ in range(1_000_000):  # the caller's deadline ends it
        if THERE in relay._passed_over:
            return
        await asyncio.sleep(0)
