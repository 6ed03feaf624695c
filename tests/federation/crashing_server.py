"""Servers that kill themselves at the commits their plan names; run by test_crash.py.

Everything is imported once and each life of a server is a fork, so that coming back takes no
longer than binding a port. Before the first of them a month is lived: what its statements were
compiled to and its handlers read to, every life has at its birth. A line on standard input is a
server to run. On standard output each life says that it listens and as which process, and the last
line that it ended, as SIGTERM asks that process to. The plan is a file:
`[[transaction, moment, n], …]`; at its n-th time such a moment ends the life, and the entry is
gone.
"""

import asyncio
import gc
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from federation import logs
from federation.clock import FileClock
from federation.config import HubConfig, NodeConfig
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import run_loop
from federation.store.database import Boundary
from tests.databases import SqliteFiles
from tests.federation.harness import (
    PERIOD,
    USAGE,
    month_over,
    open_for_business,
    small_federation,
    write_scenario,
)

A_LINE = "e-1,L1,https://news.example/de/1,TRAIN,1000,2026-09-10T12:00:00Z,site"

Plan = list[tuple[str, str, int]]


class Job(msgspec.Struct):
    """A server to run: its configuration, and the files of its plan and of business time."""

    role: str
    config: msgspec.Raw
    plan: str
    clock: str


def read_plan(file: Path) -> Plan:
    return msgspec.json.decode(file.read_bytes(), type=Plan)


def write_plan(file: Path, plan: Plan) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(plan))
    fresh.replace(file)


def mortal(file: Path) -> Boundary:
    """Return a boundary hook that counts down and kills; what it did survives it."""

    def boundary(name: str, moment: str) -> None:
        plan = read_plan(file)
        entry = next((item for item in plan if item[:2] == (name, moment)), None)
        if entry is None:
            return
        plan.remove(entry)
        if entry[2] > 1:
            write_plan(file, [*plan, (name, moment, entry[2] - 1)])
            return
        write_plan(file, plan)
        os.kill(os.getpid(), signal.SIGKILL)

    return boundary


async def serve(job: Job) -> None:
    clock, boundary = FileClock(Path(job.clock)), mortal(Path(job.plan))
    if job.role == "HUB":
        hub = msgspec.json.decode(job.config, type=HubConfig, dec_hook=_path)
        service = create_hub(hub, clock, boundary=boundary)
    else:
        node = msgspec.json.decode(job.config, type=NodeConfig, dec_hook=_path)
        service = create_node(node, clock, boundary=boundary)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await service.start()
    print(f"alive {os.getpid()}", flush=True)  # noqa: T201 - the test reads it
    await stop.wait()
    await service.stop()


def _path(shape: type, value: object) -> object:
    return shape(value)


def live(job: Job) -> bool:
    """Run one life of a server; return whether it was killed."""
    child = os.fork()
    if child == 0:
        run_loop(serve(job))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


async def live_once(folder: Path) -> None:
    """Live a month of the small federation."""
    files = SqliteFiles(folder)
    await files.start()
    scenario = write_scenario(folder / "scenario", usage_csv=f"{USAGE}{A_LINE}\n")
    async with small_federation(files, scenario, folder) as small:
        story = await open_for_business(small)
        month_over(small)
        await story.publish_rates()
        await story.settle(PERIOD)
        await small.silence()


def main() -> None:
    logs.configure("error")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live_once(Path(folder)))
    assert threading.active_count() == 1  # a fork has no other thread
    gc.freeze()
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        while live(job):
            pass
        print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
