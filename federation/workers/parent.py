"""The parent of a server's workers: it begins them, replaces what dies, and passes on signals.

It holds the socket that all of them share, so that a connection which comes while one ends waits
for another; it answers nothing itself and knows neither database nor keys.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.workers.wire import READY, RETIRE

NOT_BEGUN: Final = -1  # the exit code of a worker that could not be begun, or only took too long
EARLY_MAX: Final = 5  # lives in a row of each worker that ended early: then the parent gives up
log = get_logger("workers")


class WorkersEndedError(RefusalError):
    """The workers of this server end as often as they are begun; the lines above say why."""

    code: ClassVar[str] = "WORKERS_ENDED"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a parent waits, in seconds: for what, say the names."""

    start: float = 120.0  # until a new worker is ready, but the first, which may have much to do
    retire: float = 60.0  # until one that retires has ended
    stop: float = 25.0  # until one that is told to stop has
    early: float = 60.0  # a life that ends before was a short one
    again: float = 1.0  # before a worker is begun again; twice as long after each short life
    again_max: float = 30.0


@dataclass(slots=True, eq=False)
class Worker:
    """A process that was begun, and the parent's end of the pair to it."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    began: float

    async def is_ready(self, seconds: float | None) -> bool:
        """Wait until it answers requests; False where it ends before, or takes too long."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.readline() == READY
        except (TimeoutError, ConnectionError):
            return False

    def retire(self) -> None:
        """Have it take no more connections, and end once those it has are over."""
        self.writer.write(RETIRE)

    async def stop(self, seconds: float) -> int:
        """End it, and in the end by force; return its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ended(seconds)

    async def ended(self, seconds: float) -> int:
        """Wait for its end, and end it by force then; return its exit code."""
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            log.warning("a worker is ended by force", pid=self.process.pid)
            self.process.kill()
        self.writer.close()
        return await self.process.wait()


Begin = Callable[[int, bool], Awaitable[asyncio.subprocess.Process]]
"""Begins a worker's process, which inherits a file descriptor: its end of the pair.

The second argument says whether it is the first of this start of the server.
"""


class Parent:
    """Keeps `count` workers. `is_up` is called once, when all of them are ready.

    With a `terminal` SIGHUP says that it is gone, and is the end.
    """

    def __init__(
        self,
        begin: Begin,
        count: int,
        is_up: Callable[[], None],
        pace: Pace | None = None,
        *,
        terminal: bool = False,
    ) -> None:
        self._begin, self._count, self._is_up, self._pace = begin, count, is_up, pace or Pace()
        self._terminal = terminal
        self._places: dict[int, Worker] = {}
        self._begun: set[Worker] = set()  # those that retire, and that are not ready, too
        self._short_lives = dict.fromkeys(range(count), 0)
        self._turns = [asyncio.Lock() for _ in range(count)]  # who begins a worker at a place
        self._watches: set[asyncio.Task[None]] = set()
        self._is_over = asyncio.Event()
        self._is_to_roll = asyncio.Event()
        self._has_given_up = False

    @property
    def workers(self) -> Sequence[Worker]:
        """The workers that serve now."""
        return list(self._places.values())

    def stop(self) -> None:
        """End all workers, and the parent after them."""
        self._is_over.set()

    def roll(self) -> None:
        """Replace the workers one by one; asked for meanwhile, all once more."""
        self._is_to_roll.set()

    async def run(self) -> int:
        """Keep the workers until told to stop; return the exit code.

        Where the first never becomes ready, that is its own. Raises WorkersEndedError, or what
        `is_up` raises.
        """
        loop, told = asyncio.get_running_loop(), self._told()
        for number, act in told.items():
            loop.add_signal_handler(number, act)
        # The first alone: it makes keys and takes in what an earlier version left.
        first = asyncio.create_task(self._new(0, is_first=True))
        over = asyncio.create_task(self._is_over.wait())
        try:
            await asyncio.wait([first, over], return_when=asyncio.FIRST_COMPLETED)
            if first.done() and not self._is_over.is_set():
                begun = first.result()
                if not isinstance(begun, Worker):
                    return begun
                self._place(0, begun)
                await self._serve()
        finally:
            over.cancel()
            await self._end_all(first)
            for number in told:
                loop.remove_signal_handler(number)
        if self._has_given_up:
            raise WorkersEndedError
        return 0

    def _told(self) -> dict[int, Callable[[], None]]:
        hang_up = self.stop if self._terminal else self.roll
        return {signal.SIGINT: self.stop, signal.SIGTERM: self.stop, signal.SIGHUP: hang_up}

    async def _serve(self) -> None:
        others = [asyncio.create_task(self._refill(number)) for number in range(1, self._count)]
        rolling = asyncio.create_task(self._roll_when_told(others))
        rolling.add_done_callback(lambda _: self._is_over.set())  # it ends by an error alone
        await self._is_over.wait()
        tasks = [rolling, *others, *self._watches]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _roll_when_told(self, others: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*others)
        self._is_up()
        while True:
            await self._is_to_roll.wait()
            self._is_to_roll.clear()
            log.info("the workers are replaced one by one")
            if await self._rolled():
                log.info("the workers were replaced")

    async def _rolled(self) -> bool:
        """Replace each worker by one that is ready; where one does not start, all stays."""
        for number in range(self._count):
            async with self._turns[number]:
                new = await self._new(number)
                if not isinstance(new, Worker):
                    log.error("a new worker did not start: the old ones go on", exit_code=new)
                    return False
                old = self._places.get(number)
                self._place(number, new)
            if old is not None and old.process.returncode is None:
                old.retire()
                await old.ended(self._pace.retire)
        return True

    async def _new(self, number: int, *, is_first: bool = False) -> Worker | int:
        """Begin a worker and wait until it is ready; or return the exit code of one that ended."""
        try:
            worker = await self._started(is_first)
        except OSError as error:  # as where the machine has no process left, or no memory
            log.warning("a worker cannot be begun", worker=number + 1, reason=f"{error}")
            return NOT_BEGUN
        try:
            if await worker.is_ready(None if is_first else self._pace.start):
                log.info("a worker is ready", worker=number + 1, pid=worker.process.pid)
                return worker
            # At the end of the pair it ends by itself, and its code says why.
            end = worker.ended if worker.reader.at_eof() else worker.stop
            return await end(self._pace.stop) or NOT_BEGUN
        finally:
            if worker.process.returncode is not None:
                self._begun.discard(worker)

    async def _started(self, is_first: bool) -> Worker:
        ours, theirs = socket.socketpair()
        began = time.monotonic()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            try:
                process = await self._process(theirs.fileno(), is_first)
            except BaseException:
                writer.close()
                raise
        worker = Worker(process, reader, writer, began)
        self._begun.add(worker)
        return worker

    async def _process(self, pair: int, is_first: bool) -> asyncio.subprocess.Process:
        """Begin a process; where this is cancelled meanwhile, none is left behind."""
        begun = asyncio.ensure_future(self._begin(pair, is_first))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):  # then none was begun
                process = await begun
                process.kill()
                await process.wait()
            raise

    def _place(self, number: int, worker: Worker) -> None:
        self._places[number] = worker
        watch = asyncio.create_task(self._watch(number, worker))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, number: int, worker: Worker) -> None:
        """Wait for a worker's end; where nobody replaced it before, begin another."""
        code = await worker.process.wait()
        worker.writer.close()
        self._begun.discard(worker)
        lived = time.monotonic() - worker.began
        if lived >= self._pace.early:
            self._short_lives[number] = 0
        if self._places.get(number) is not worker:
            return
        log.error(
            "a worker ended",
            worker=number + 1,
            pid=worker.process.pid,
            exit_code=code,
            seconds=round(lived, 1),
        )
        await self._refill(number, worker)

    async def _refill(self, number: int, dead: Worker | None = None) -> None:
        """Begin a worker at a place, as often as it takes, unless somebody else did."""
        is_again = dead is not None
        while True:
            if is_again:
                self._short_lives[number] += 1
                if all(lives >= EARLY_MAX for lives in self._short_lives.values()):
                    self._has_given_up = True
                    self._is_over.set()
                    return
                await asyncio.sleep(self._pause(self._short_lives[number]))
            is_again = True
            async with self._turns[number]:
                if self._places.get(number) is not dead:
                    return
                new = await self._new(number)
                if isinstance(new, Worker):
                    self._place(number, new)
                    return
            log.error("a worker did not start", worker=number + 1, exit_code=new)

    def _pause(self, short_lives: int) -> float:
        pace = self._pace
        return min(pace.again_max, pace.again * 2.0 ** min(short_lives - 1, 16))

    async def _end_all(self, first: "asyncio.Task[Worker | int]") -> None:
        if not first.done():
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        await asyncio.gather(*(worker.stop(self._pace.stop) for worker in self._begun))
