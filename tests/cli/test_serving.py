"""What signals and a parent's word do to a process that serves."""

import asyncio
import os
import signal
import socket

import pytest
from structlog.testing import capture_logs

from federation.cli.serving import _serve_until_signal, _work_until_told
from federation.scenario.client import until
from federation.workers.wire import READY, RETIRE, ToParent


class Service:
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    async def start(self):
        self.told.append("start")

    async def retire(self):
        self.told.append("retire")

    async def stop(self):
        self.told.append("stop")


async def test_one_process_goes_on_where_a_reload_is_asked_for():
    service, is_ready = Service(), asyncio.Event()
    serving = asyncio.create_task(_serve_until_signal(service, is_ready.set))
    await is_ready.wait()

    with capture_logs() as logs:
        os.kill(os.getpid(), signal.SIGHUP)

        async def was_heard():
            return logs

        await until(was_heard, what="the signal")
    assert logs[0]["event"] == "SIGHUP replaces workers, and `workers` is 1: nothing was done"
    assert service.told == ["start"]

    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    assert service.told == ["start", "stop"]


@pytest.mark.parametrize(
    ("said", "done"), [(RETIRE, ["start", "retire", "stop"]), (None, ["start", "stop"])]
)
async def test_a_worker_retires_at_its_parents_word_and_stops_without_a_parent(said, done):
    service, (ours, theirs) = Service(), socket.socketpair()
    working = asyncio.create_task(_work_until_told(service, ToParent(theirs.detach())))
    reader, writer = await asyncio.open_connection(sock=ours)
    assert await reader.readline() == READY
    assert service.told == ["start"]

    if said is None:
        writer.close()
    else:
        writer.write(said)
    await working

    assert service.told == done
    writer.close()
    await writer.wait_closed()
