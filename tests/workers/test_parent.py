"""A parent keeps its workers: those that die are replaced, all are replaced one by one when told.

The workers here are small scripts that say what workers say; the parent is the real one.
"""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from federation.scenario.client import until
from federation.workers.parent import EARLY_MAX, NOT_BEGUN, Pace, Parent, WorkersEndedError

# Ready and then as its parent says; `dies` after that at once, `never` and `quits` are not ready,
# and what `lingers` still has a connection open.
WORKER = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
line, kind = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
if kind in ("never", "quits"):
    sys.exit(78 if kind == "never" else 0)
line.sendall(b"ready\\n")
if kind == "dies":
    sys.exit(3)
if line.recv(100) and kind == "lingers":
    time.sleep(3_600)
"""


class Begun:
    """Begins workers of the kinds that are named, the last one again and again."""

    def __init__(self, *kinds):
        self.kinds, self.firsts, self.serving = list(kinds), [], []
        self.parent = None

    async def __call__(self, pair, is_first):
        kind = self.kinds[0] if len(self.kinds) == 1 else self.kinds.pop(0)
        self.firsts.append(is_first)
        if kind == "cannot be":
            raise BlockingIOError(11, "no process is left")
        if self.parent is not None:
            self.serving.append(len(self.pids))
        command = [sys.executable, "-c", WORKER, str(pair), kind]
        return await asyncio.create_subprocess_exec(*command, pass_fds=[pair])

    @property
    def pids(self):
        """Who serves now."""
        workers = self.parent.workers
        return [each.process.pid for each in workers if each.process.returncode is None]


@asynccontextmanager
async def kept(begun, count=2):
    """Run a parent that waits for nothing, until all of its workers are ready."""
    is_up = asyncio.Event()
    pace = Pace(again=0.0, early=0.0)
    begun.parent = Parent(begun, count, is_up.set, pace)
    running = asyncio.create_task(begun.parent.run())
    await is_up.wait()
    try:
        yield
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
        assert begun.pids == []


async def test_a_worker_that_is_killed_is_replaced():
    begun = Begun("stays")
    async with kept(begun):
        killed, other = begun.pids
        os.kill(killed, signal.SIGKILL)

        async def is_replaced():
            return len(begun.pids) == 2 and killed not in begun.pids

        await until(is_replaced, what="another worker")
        assert other in begun.pids
    assert begun.firsts == [True, False, False]  # the server was started once


async def test_where_the_machine_has_no_process_left_a_worker_is_begun_later():
    begun = Begun("stays", "stays", "cannot be", "stays")
    async with kept(begun):
        killed, _ = begun.pids
        os.kill(killed, signal.SIGKILL)

        async def is_replaced():
            return len(begun.pids) == 2 and killed not in begun.pids

        await until(is_replaced, what="another worker")
    assert len(begun.firsts) == 4


async def test_all_are_replaced_one_by_one_each_once_another_is_ready():
    begun = Begun("stays")
    async with kept(begun):
        before = set(begun.pids)
        begun.serving.clear()
        begun.parent._short_lives = {0: EARLY_MAX - 1, 1: EARLY_MAX - 1}  # and a long one now
        os.kill(os.getpid(), signal.SIGHUP)

        async def are_replaced():
            return len(begun.pids) == 2 and not before & set(begun.pids)

        await until(are_replaced, what="other workers")
        lives = begun.parent._short_lives

        async def are_over():
            return set(lives.values()) == {0}

        await until(are_over, what="the end of what was replaced")
    assert begun.serving == [2, 2]  # both served whenever a new one was begun


async def test_a_stop_ends_those_that_retire_as_well():
    begun = Begun("lingers")
    async with kept(begun):
        (old, _), alive = begun.parent.workers, begun.parent._begun
        begun.parent.roll()

        async def retires():
            return len(alive) == 3 and old not in begun.parent.workers

        await until(retires, what="a worker that retires")
    assert old.process.returncode == 0


async def test_where_a_new_worker_does_not_start_the_old_ones_go_on():
    begun = Begun("stays", "stays", "never", "stays")
    async with kept(begun):
        before = begun.pids
        begun.parent.roll()

        async def was_tried():
            return len(begun.kinds) == 1

        await until(was_tried, what="a new worker")
        assert begun.pids == before
        begun.parent.roll()  # and may be told again

        async def are_replaced():
            return len(begun.pids) == 2 and not set(before) & set(begun.pids)

        await until(are_replaced, what="other workers")


@pytest.mark.parametrize(
    ("kind", "code"), [("never", 78), ("quits", NOT_BEGUN), ("cannot be", NOT_BEGUN)]
)
async def test_where_the_first_does_not_start_the_parent_ends_as_it_did(kind, code):
    begun = Begun(kind)

    assert await Parent(begun, 2, pytest.fail).run() == code
    assert begun.firsts == [True]


async def test_the_first_has_the_time_it_takes_and_a_terminal_that_is_gone_is_the_end():
    begun, is_up = Begun("stays"), asyncio.Event()
    begun.parent = Parent(begun, 1, is_up.set, Pace(start=0.0), terminal=True)
    running = asyncio.create_task(begun.parent.run())
    running.add_done_callback(lambda _: is_up.set())
    await is_up.wait()
    assert len(begun.pids) == 1

    os.kill(os.getpid(), signal.SIGHUP)

    assert await running == 0
    assert begun.pids == []


async def test_a_ready_file_that_cannot_be_written_is_the_end_as_with_one_process():
    begun = Begun("stays")

    def is_up():
        raise FileNotFoundError("ready")

    begun.parent = Parent(begun, 2, is_up)
    with pytest.raises(FileNotFoundError, match="ready"):
        await begun.parent.run()

    assert len(begun.firsts) == 2
    assert begun.pids == []


async def test_workers_that_end_as_often_as_they_are_begun_are_given_up():
    begun = Begun("dies")

    with pytest.raises(WorkersEndedError):
        await Parent(begun, 1, lambda: None, Pace(again=0.0)).run()

    assert len(begun.firsts) == EARLY_MAX


async def test_a_server_that_is_told_to_stop_while_its_first_worker_starts_does():
    begun = Begun("stays")
    parent = begun.parent = Parent(begun, 2, pytest.fail)
    running = asyncio.create_task(parent.run())
    await asyncio.sleep(0)

    parent.stop()

    assert await running == 0
    assert begun.firsts in ([], [True])
