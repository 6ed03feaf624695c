"""Whoever leads goes on leading, whatever becomes of its line."""

import asyncio

import pytest

from federation.workers import leading
from federation.workers.leading import Leading


class Line:
    """A line that fails once as no line should, and then waits for ever."""

    def __init__(self):
        self.opened = self.closed = 0

    async def open(self):
        self.opened += 1

    async def take_lead(self):
        return True

    async def wait(self, seconds):
        await asyncio.sleep(seconds)  # 0: the work begins
        if self.opened == 1:
            raise RuntimeError("an error of the driver")
        await asyncio.Event().wait()

    async def close(self):
        self.closed += 1


async def test_an_error_of_the_driver_ends_the_work_and_begins_it_again(monkeypatch):
    monkeypatch.setattr(leading, "BEAT_SECONDS", 0.0)
    line, done, twice = Line(), [], asyncio.Event()

    async def work():
        done.append("began")
        if len(done) == 3:
            twice.set()
        try:
            await asyncio.Event().wait()
        finally:
            done.append("ended")

    lines = Leading(line, [work], lambda: None)
    running = asyncio.create_task(lines.run())
    running.add_done_callback(lambda _: twice.set())
    await twice.wait()

    assert (done, line.opened, line.closed) == (["began", "ended", "began"], 2, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done[-1] == "ended"
