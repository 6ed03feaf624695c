"""A server that is told to stop does stop, whatever wakes it at the same moment."""

import asyncio
from datetime import UTC, datetime

import pytest

from federation.clients.secret import Pepper
from federation.clock import SettableClock
from federation.config import HubConfig, Terms
from federation.messaging.peers import PeerClient
from federation.messaging.relay import Relay
from federation.nodes.month import MonthWorker
from federation.server import Server
from federation.signing.keys import SigningKey
from federation.trust.own_keys import KeyRing


class OneKey:
    """A server that signs everything with one key."""

    def __init__(self, key: SigningKey) -> None:
        self.held = KeyRing(key, key, [])

    async def current(self) -> KeyRing:
        return self.held


def a_server(database, tmp_path) -> tuple[Server, PeerClient]:
    clock, key = SettableClock(datetime(2026, 9, 1, tzinfo=UTC)), SigningKey.generate()
    config = HubConfig(
        entity_id="https://hub.example",
        data_dir=tmp_path,
        name="Hub",
        clearing_currency="EUR",
        fee_bps=0,
        fee_band_bps=(0, 1),
        terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
    )
    peers = PeerClient(config.entity_id, lambda: key, clock)
    pepper = Pepper(tmp_path)
    server = Server(
        config=config, keys=OneKey(key), db=database, clock=clock, peers=peers, pepper=pepper
    )
    return server, peers


async def nowhere(target: str) -> None:
    del target


@pytest.mark.parametrize("ticks", range(6))
@pytest.mark.parametrize("kind", ["relay", "month"])
async def test_a_wake_and_a_stop_together_end_the_work(database, tmp_path, kind, ticks):
    server, peers = a_server(database, tmp_path)
    worker = Relay(server, peers, nowhere) if kind == "relay" else MonthWorker(server, peers)
    task = asyncio.create_task(worker.run())
    for _ in range(10_000):  # until it has looked at the database and waits
        if worker._wake._waiters:
            break
        await asyncio.sleep(0)

    worker.wake()
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)

    assert done == {task}
    assert task.cancelled()
