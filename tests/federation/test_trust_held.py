"""A node whose hub is silent serves from what it holds, waits once for all, and ends in time."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from federation.nodes.trust import TrustHolder, TrustOverError
from federation.values.party import HUB
from tests.federation.harness import fetch, resumed


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        yield found


class Silent:
    """A server in the hub's place that is silent until told, and counts who asks for trust."""

    def __init__(self):
        self.pulls = 0
        self.asked, self.hang_up = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader, writer):
        if (await reader.readline()).startswith(b"GET /trust "):
            self.pulls += 1
            self.asked.set()
        await self.hang_up.wait()
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    def fall_silent_again(self):
        self.asked, self.hang_up = asyncio.Event(), asyncio.Event()


@asynccontextmanager
async def silent_hub(small):
    await small.stop(HUB)
    silent = Silent()
    server = await asyncio.start_server(silent, "127.0.0.1", small.keepers[HUB].config.port)
    try:
        yield silent
    finally:
        silent.hang_up.set()
        server.close()
        await server.wait_closed()
        await small.start(HUB)


async def test_thirty_who_ask_wait_for_one_pull_and_are_served_from_what_is_held(small):
    service = small.keepers["GB"].service
    seconds = [0.0]
    holder = TrustHolder(service.server, service._peers, monotonic=lambda: seconds[0])
    held = await holder.current()

    async with silent_hub(small) as silent:
        seconds[0] = 20.0
        asking = [asyncio.create_task(holder.current()) for _ in range(30)]
        await silent.asked.wait()
        silent.hang_up.set()
        assert await asyncio.gather(*asking) == [held] * 30
        assert silent.pulls == 1

        assert [await holder.current() for _ in range(30)] == [held] * 30
        assert silent.pulls == 1

        silent.fall_silent_again()
        seconds[0] = 21.0
        assert await holder.current() == held
        await silent.asked.wait()
        assert silent.pulls == 2

        small.set_clock(datetime.fromtimestamp(held.document.exp, UTC) - timedelta(seconds=1))
        assert await holder.current() == held
        small.set_clock(datetime.fromtimestamp(held.document.exp, UTC))
        silent.hang_up.set()
        with pytest.raises(TrustOverError):
            await holder.current()
        assert silent.pulls == 2

    seconds[0] = 23.0
    assert (await holder.current()).document.iat == held.document.exp


async def test_a_site_gets_its_policy_while_the_hub_is_down_and_none_past_its_time(small):
    officer = small.at("GB", "registry")
    assert (await fetch(small, "GB", "/sites/gb-a/policy", officer)).status == 200
    await small.stop(HUB)

    assert (await fetch(small, "GB", "/sites/gb-a/policy", officer)).status == 200
    small.set_clock(small.clock() + timedelta(days=1))
    answers = [await fetch(small, "GB", "/sites/gb-a/policy", officer) for _ in range(3)]

    assert [(answer.status, answer.code) for answer in answers] == [(503, "TRUST_OVER")] * 3
    await small.start(HUB)
