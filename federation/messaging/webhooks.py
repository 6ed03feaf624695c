"""Delivers events to webhooks: side by side, a turn for each, so that none waits for another.

A webhook has one attempt at a time and a few of them per turn; a party has two turns at a time, a
server 128, of which half are for those whose last attempt did not fail. What hangs takes 15 seconds
of its own turn; whoever was served longest ago is next.
"""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from functools import partial
from typing import Final

from federation.logs import get_logger
from federation.messaging.addresses import networks
from federation.messaging.webhook_calls import Caller, WebhookCalls
from federation.server import Server
from federation.trust.key_secret import get_secret
from federation.webhooks import attempts, store
from federation.webhooks.recording import DUE, recorder
from federation.webhooks.schedule import JITTER_PARTS, KEPT_FOR

TURNS_MAX: Final = 128
FAILING_MAX: Final = TURNS_MAX // 2
TURNS_OF_A_PARTY: Final = 2
IN_A_TURN: Final = 20
IDLE_SECONDS: Final = 2.0
PRUNE_SECONDS: Final = 600.0
Party = tuple[str, str | None]
log = get_logger("webhooks")


def webhooks_of(server: Server) -> "WebhookWorker":
    """Have a server keep what its webhooks are told, and return what delivers it.

    What a transaction says has happened is kept by the last of its followers: they may say more.
    """
    server.db.follow(recorder(server.code))
    worker = WebhookWorker(server, WebhookCalls(networks(server.config.peer_networks)))
    server.db.listen(DUE, worker.wake)
    return worker


class WebhookWorker:
    """One per server process; two at one database do no harm, since an attempt is taken first."""

    def __init__(self, server: Server, caller: Caller) -> None:
        self._server, self._caller = server, caller
        self._wake = asyncio.Event()
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._parties: Counter[Party] = Counter()
        self._failing: set[str] = set()
        self._served_at: dict[str, float] = {}
        self._pruned_at = float("-inf")

    def wake(self) -> None:
        """Look for what is due now instead of at the next turn."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._begin_turns()
                    await self._prune()
                except Exception:
                    log.exception("webhooks not looked at")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._wake.wait()
        finally:
            for task in self._turns.values():
                task.cancel()
            await asyncio.gather(*self._turns.values(), return_exceptions=True)
            await self._caller.close()

    async def _begin_turns(self) -> None:
        """Begin a turn for each webhook with something due, as far as there is room."""
        async with self._server.db.read() as session:
            due = await store.due(session, self._server.clock())
        for gone in self._served_at.keys() - {one.webhook for one in due}:
            del self._served_at[gone]
        for one in sorted(due, key=lambda each: self._served_at.get(each.webhook, 0.0)):
            if len(self._turns) >= TURNS_MAX:
                return
            if one.webhook not in self._turns and self._has_room(one):
                self._begin(one)

    def _has_room(self, one: store.Due) -> bool:
        """Tell whether a webhook's party, and those that fail, have turns left."""
        if one.is_failing and len(self._failing) >= FAILING_MAX:
            return False
        return self._parties[one.role, one.party] < TURNS_OF_A_PARTY

    def _begin(self, one: store.Due) -> None:
        self._parties[one.role, one.party] += 1
        if one.is_failing:
            self._failing.add(one.webhook)
        self._served_at[one.webhook] = time.monotonic()
        task = asyncio.create_task(self._turn(one.webhook))
        self._turns[one.webhook] = task
        task.add_done_callback(partial(self._ended, one))

    def _ended(self, one: store.Due, _: asyncio.Task[None]) -> None:
        party = one.role, one.party
        del self._turns[one.webhook]
        self._failing.discard(one.webhook)
        self._parties[party] -= 1
        if not self._parties[party]:
            del self._parties[party]
        self._wake.set()

    async def _turn(self, webhook: str) -> None:
        """Deliver some of what is due for a webhook, until there is no more or one fails."""
        try:
            for _ in range(IN_A_TURN):
                if not await self.deliver_one(webhook):
                    return
        except Exception:
            log.exception("a webhook's turn broke off", webhook=webhook)
            await asyncio.sleep(IDLE_SECONDS)  # it would break off again at once

    async def deliver_one(self, webhook: str) -> bool:
        """Make one attempt; return whether it was good, and another may follow at once."""
        server = self._server
        keys = get_secret(server.config)
        async with server.db.write("webhooks.take") as session:
            attempt = await attempts.take(session, webhook, keys, server.clock())
        if attempt is None:
            return False
        outcome = await self._caller.call(attempt)
        async with server.db.write("webhooks.write_down") as session:
            part = secrets.randbelow(JITTER_PARTS + 1)
            await attempts.write_down(session, attempt, outcome, server.clock(), part)
        if not outcome.is_good:
            log.info("not told", webhook=webhook, status=outcome.status, reason=outcome.error)
        return outcome.is_good

    async def _prune(self) -> None:
        """Forget what is older than it is kept, every ten minutes."""
        seconds, now = time.monotonic(), self._server.clock()
        if seconds - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = seconds
        before = now - KEPT_FOR
        async with self._server.db.read() as session:
            if not await store.has_older(session, before, now):
                return
        async with self._server.db.write("webhooks.prune") as session:
            if await store.prune(session, before, now) >= store.PRUNED_AT_ONCE:
                self._pruned_at = float("-inf")  # there may be more
