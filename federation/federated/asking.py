"""One question to one node: within a deadline, few at once, and not to a node that is down.

Whoever asks the same at the same time shares one request. Where an answer is slower than nearly all
before, a second request is sent beside the first, for one question in twenty at most. A node that
failed five times within ten seconds is left alone for five, then asked once to see how it is.
It has not failed where it was sent nothing, or had less time to answer than most give it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from federation.federated.documents import DocumentNotKnownError, document_id
from federation.federated.lines import Line
from federation.federated.wire import (
    DEADLINE_HEADER,
    DEADLINE_MS,
    ON_BEHALF_OF_HEADER,
    ON_ITS_WAY_MS,
    DeadlineOverError,
    OnBehalfOf,
)
from federation.quotas import QuotaExceededError

SOONER: Final = 0.1
"""By so much of one's own time a request that one joins may end before it.

Whoever comes later waits until later: without this nobody could join anybody.
"""
FAIR_SECONDS: Final = 0.8 * DEADLINE_MS / 1000
"""A node that is given less time and does not answer in it has not failed: a client chose it.

Of the deadline of whoever names none, a part is over before a node is asked.
"""
PAGES_MAX: Final = 8  # that are put together for one caller at once

TOO_LONG, REFUSED = "TOO_LONG", "REFUSED"
"""Codes of a node that is there: it answers more than is read, or does not take the question.

Whoever asks wrote the question: neither is a failure of the node.
"""
NO_ANSWER = "NO_ANSWER"
"""Code of a node that cannot be reached, fails, or has no time."""
SENT_AWAY = "SENT_AWAY"
"""Code of a node that is there and refuses whoever asks, or does not answer as a node does."""
OK, TIMEOUT, ERROR, BREAKER_OPEN = "OK", "TIMEOUT", "ERROR", "BREAKER_OPEN"
STALE = "STALE"  # it gives no answer now: what it answered earlier is told


class Node(NamedTuple):
    """An admitted node: its code, its entity id, and where it is."""

    code: str
    entity_id: str
    url: str


class Question(NamedTuple):
    """What a node is asked: a document of GraphQL and its variables, and on whose behalf.

    One that `is_shared` may be answered with what the same one is, put before it and on its way.
    One that is not is sent for itself: its answer has all that was so when it was put.
    """

    document: str
    variables: Mapping[str, Any]
    on_behalf_of: OnBehalfOf
    is_shared: bool = True


class TooManyPagesError(QuotaExceededError):
    """Too many lists over all nodes are put together for the same caller at once."""


class CallError(Exception):
    """A node gave no answer: one of the states above, a code for programs, and why."""

    def __init__(self, state: str, code: str, message: str) -> None:
        self.state, self.code, self.message = state, code, message
        super().__init__(message)


class Call(Protocol):
    """Sends a body to a node and returns what it answers; raises CallError.

    Not more than `bytes_max` are read, and no longer than `seconds` waited.
    """

    async def __call__(
        self,
        node: Node,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float,
        bytes_max: int,
    ) -> bytes:
        """Return the body of the answer."""
        ...


Wait = Callable[[asyncio.Task[bytes], float], Awaitable[object]]
"""Returns once a task is done, or after so many seconds; whatever comes of the task."""


async def _wait(task: asyncio.Task[bytes], seconds: float) -> None:
    await asyncio.wait([task], timeout=seconds)


async def no_call(
    node: Node, body: bytes, headers: Mapping[str, str], *, seconds: float, bytes_max: int
) -> bytes:
    """Reach nobody: a server that asks no nodes."""
    del body, headers, seconds, bytes_max
    raise CallError(ERROR, "NOT_ASKED", node.code)


_Key = tuple[str, str, int, bytes]
"""By what a request is the same as another: node, for whom, bytes at most, and question."""


@dataclass(slots=True)
class _Flight:
    """A request on its way, until when the node may answer, and how many wait for it."""

    task: asyncio.Task[bytes]
    deadline: float
    waiting: int = 0

    def serves(self, deadline: float, now: float) -> bool:
        """Tell whether it is as good as a request of one's own, or nearly so."""
        return self.deadline >= deadline - (deadline - now) * SOONER


class Asker:
    """Asks the nodes of one hub. `call` is how a request is sent, `wait` how one is waited for."""

    def __init__(
        self, call: Call, monotonic: Callable[[], float] = time.monotonic, wait: Wait = _wait
    ) -> None:
        self._call, self._now, self._wait = call, monotonic, wait
        self._lines: dict[str, Line] = {}
        self._pages: Counter[str] = Counter()
        self.nodes = 0
        """How many nodes there were when all of them were asked last."""
        self._flights: dict[_Key, _Flight] = {}

    @contextmanager
    def page_for(self, asker: str) -> Iterator[None]:
        """Count a page that is put together for somebody, or refuse (TOO_MANY_REQUESTS).

        What nodes send for it is in memory meanwhile.
        """
        if self._pages[asker] >= PAGES_MAX:
            raise TooManyPagesError(f"at most {PAGES_MAX}")
        self._pages[asker] += 1
        try:
            yield
        finally:
            self._pages[asker] -= 1
            if not self._pages[asker]:
                del self._pages[asker]

    def keep(self, codes: Sequence[str]) -> None:
        """Forget what is known of nodes that are admitted no more."""
        self.nodes = len(codes)
        for code in self._lines.keys() - set(codes):
            del self._lines[code]

    async def ask(
        self, node: Node, question: Question, *, deadline: float, bytes_max: int
    ) -> bytes:
        """Return what a node answers before a deadline in monotonic seconds (CallError)."""
        key = (node.code, question.on_behalf_of.value, bytes_max, _digest(question))
        flight = self._flights.get(key) if question.is_shared else None
        if flight is None or not flight.serves(deadline, self._now()):
            line = self._lines.setdefault(node.code, Line())
            if not line.opens(self._now()):
                raise CallError(BREAKER_OPEN, BREAKER_OPEN, "it failed too often just now")
            sent = self._send(line, node, question, deadline, bytes_max)
            flight = _Flight(asyncio.ensure_future(sent), deadline)
            if question.is_shared:
                self._flights[key] = flight
            flight.task.add_done_callback(partial(self._landed, key, flight))
        return await self._answer(key, flight, deadline)

    def _landed(self, key: _Key, flight: _Flight, task: asyncio.Task[bytes]) -> None:
        """Let nobody join a request that is over."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if task.done() and not task.cancelled():
            task.exception()  # it is known, even where nobody waits for it any more

    async def _answer(self, key: _Key, flight: _Flight, deadline: float) -> bytes:
        """Wait for a request on its way; the last who gives up ends it."""
        flight.waiting += 1
        try:
            await self._wait(flight.task, max(0.0, deadline - self._now()))
            if not flight.task.done():
                raise too_late()
            return flight.task.result()
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                flight.task.cancel()
                self._landed(key, flight, flight.task)

    async def _send(
        self, line: Line, node: Node, question: Question, deadline: float, bytes_max: int
    ) -> bytes:
        learned: Callable[[], None] = line.forgo
        try:
            async with line.places:  # who waits here has not been sent
                line.asked += 1
                began = self._now()
                is_fair = deadline - began >= FAIR_SECONDS
                try:
                    found = await self._hedged(
                        line, lambda: self._named(line, node, question, deadline, bytes_max)
                    )
                except CallError as error:
                    is_ours = error.code in {TOO_LONG, REFUSED}
                    if not is_ours and (is_fair or error.state != TIMEOUT):
                        learned = partial(line.failed, self._now())
                    raise
                except asyncio.CancelledError:  # the deadline is over, or the client went away
                    if is_fair and self._now() >= deadline:
                        learned = partial(line.failed, self._now())
                    raise
                learned = partial(line.answered, self._now() - began)
                return found
        finally:
            learned()

    async def _named(
        self, line: Line, node: Node, question: Question, deadline: float, bytes_max: int
    ) -> bytes:
        """Ask by the document's id once the node has it, else send the document along."""
        name = document_id(question.document)
        once = partial(
            self._once,
            node,
            on_behalf_of=question.on_behalf_of,
            deadline=deadline,
            bytes_max=bytes_max,
        )
        asked = {"documentId": name, "variables": question.variables}
        if name in line.known:
            line.known.move_to_end(name)
            try:
                return await once(msgspec.json.encode(asked))
            except CallError as error:
                if error.code != DocumentNotKnownError.code:
                    raise
        found = await once(msgspec.json.encode({"query": question.document, **asked}))
        line.keep(name)
        return found

    async def _once(
        self, node: Node, body: bytes, on_behalf_of: OnBehalfOf, deadline: float, bytes_max: int
    ) -> bytes:
        seconds = deadline - self._now()
        left = int(seconds * 1000) - ON_ITS_WAY_MS
        if left <= 0:
            raise too_late()
        headers = {ON_BEHALF_OF_HEADER: on_behalf_of.value, DEADLINE_HEADER: str(left)}
        return await self._call(node, body, headers, seconds=seconds, bytes_max=bytes_max)

    async def _hedged(self, line: Line, once: Callable[[], Any]) -> bytes:
        """Send a request, and a second one beside it where the first takes unusually long.

        The second takes a place of its own, if one is free: nobody waits for it.
        """
        patience = line.patience()
        if patience is None:
            found: bytes = await once()
            return found
        first = asyncio.ensure_future(once())
        tasks = {first}
        try:
            await self._wait(first, patience)
            if not first.done() and not line.places.locked():
                await line.places.acquire()
                line.hedged += 1
                second = asyncio.ensure_future(once())
                second.add_done_callback(lambda _: line.places.release())
                tasks.add(second)
            return await _first_answer(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _first_answer(tasks: set[asyncio.Task[bytes]]) -> bytes:
    """Return the first answer of several requests, or fail as the last of them."""
    waiting = set(tasks)
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        good = [task for task in done if task.exception() is None]
        if good or not waiting:
            return (good or list(done))[0].result()


def _digest(question: Question) -> bytes:
    """Return by what a question is the same as another."""
    return sha256(msgspec.json.encode((question.document, question.variables))).digest()


def too_late() -> CallError:
    """Return what is raised where a node did not answer within the deadline."""
    return CallError(TIMEOUT, DeadlineOverError.code, "it did not answer in time")
