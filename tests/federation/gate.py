"""Work that waits until others were answered: what is done in the loop would wait for ever."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.federation.harness import Small

SECONDS_MAX = 60.0  # after which nobody else was answered


@asynccontextmanager
async def answered_during(
    small: Small, code: str, patched: pytest.MonkeyPatch, work: str
) -> AsyncIterator[None]:
    """Hold up `work` (a function by its path) that the block starts, until a server has answered.

    It goes on as soon as the server has said that it lives and read something from its database.
    """
    module, _, name = work.rpartition(".")
    function = getattr(__import__(module, fromlist=[name]), name)
    begun, may_go_on = threading.Event(), threading.Event()
    held_up = []

    def waiting(*arguments, **named):
        begun.set()
        held_up.append(may_go_on.wait(SECONDS_MAX))
        return function(*arguments, **named)

    async def ask():
        assert await asyncio.to_thread(begun.wait, SECONDS_MAX), f"{work} was never begun"
        async with small.http.get(f"{small.running[code].url}/health/live") as answer:
            lives = answer.status
        found = await small.at(code, "auditor").ask("{ collectives { code } }")
        may_go_on.set()
        return lives, bool(found)

    asking = asyncio.create_task(ask())
    try:
        with patched.context() as patch:
            patch.setattr(work, waiting)
            yield
            assert await asking == (200, True)
    finally:
        may_go_on.set()
        asking.cancel()
    assert held_up
    assert all(held_up), f"{work} kept everybody waiting"
