"""A node's work at the end of a month: it needs the hub's claim index, so it is no transaction."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import msgspec

from federation.addresses.urls import UrlKey
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.metering import lines as usage_lines
from federation.metering import node_month, routing, store
from federation.metering.tables import MeteringPeriod
from federation.nodes.index import ask_index
from federation.server import Server
from federation.store.sessions import ReadSession
from federation.values.month import Month

IDLE_SECONDS = 30.0  # each process is woken by what it did itself
RETRY_SECONDS = 0.5
FAILED: Final = "month.failed"
_SAID_MAX: Final = 100  # months
log = get_logger("month")


class MonthWorker:
    """Moves every month of a node forward: CUT_OFF to FORWARDED, COMPLETE to REPORTED.

    The state is in the database; after a crash the step is done again, in one transaction.
    """

    def __init__(self, server: Server, peers: PeerClient) -> None:
        self._server, self._peers = server, peers
        self._wake = asyncio.Event()
        self._has_said = False  # to the other processes that no month fails
        server.db.listen_text(FAILED, self._hear)

    def wake(self) -> None:
        """Look for a month to move forward now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again."""
        while True:
            self._wake.clear()
            pause = RETRY_SECONDS
            try:
                if await self.advance():
                    pause = IDLE_SECONDS
            except PeerAnswerError as error:
                log.info("the claim index did not answer", reason=str(error)[:200])
            except Exception:
                log.exception("months not looked for")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for may lose a cancel
                    await self._wake.wait()

    async def advance(self) -> bool:
        """Take every month one step forward that can go, each in its own transaction.

        Returns False if one could not: that stops no other, and stands in the work-list with its
        reason until it can. Where the claim index does not answer, PeerAnswerError ends the round.
        """
        async with self._server.db.read() as session:
            due = await store.periods_in(session, ["CUT_OFF", "COMPLETE"])
        failed = self._server.failed_months
        for row in due:
            try:
                if row.state == "CUT_OFF":
                    await self._forward(row)
                else:
                    await self._close(row)
            except PeerAnswerError:
                raise
            except Exception as error:
                log.exception("month not advanced", period=row.period)
                code = error.code if isinstance(error, RefusalError) else type(error).__name__
                failed[row.period] = code
            else:
                failed.pop(row.period, None)
        for period in failed.keys() - {row.period for row in due}:
            del failed[period]  # another process led, and took it forward
        self._say(failed)
        return not failed

    def _say(self, failed: dict[Month, str]) -> None:
        """Let the other processes of this node know which months fail, and why."""
        if failed or not self._has_said:
            few = dict(sorted(failed.items())[:_SAID_MAX])
            self._server.db.say(FAILED, msgspec.json.encode(few).decode())
        self._has_said = not failed

    def _hear(self, text: str) -> None:
        """Take over what the process that leads said; where that is unknown, it says it again."""
        heard = msgspec.json.decode(text, type=dict[Month, str]) if text else {}
        self._server.failed_months.clear()
        self._server.failed_months.update(heard)

    async def _forward(self, row: MeteringPeriod) -> None:
        server, period = self._server, row.period
        async with server.db.read() as session:
            urls = await usage_lines.undecided_urls(session, period, routed=False)
        index = await self._index(routing.url_keys(urls))
        async with server.db.write("month.forward") as session:
            if not await _stands_where_it_did(session, row):
                return
            terms = await server.terms(session)
            placer = await routing.placer_of(session, server.code, index, terms)
            now = server.clock()
            sent = await routing.forward_entered(session, period, placer, now)
            await node_month.finish_forwarding(session, period, sent, now)

    async def _close(self, row: MeteringPeriod) -> None:
        server, period = self._server, row.period
        async with server.db.read() as session:
            urls = await usage_lines.undecided_urls(session, period, routed=True)
            again = await node_month.lines_to_test_again(session, period, server.code)
        index = await self._index(routing.url_keys(urls.union(line.url for line in again)))
        async with server.db.write("month.close") as session:
            if not await _stands_where_it_did(session, row):
                return
            terms = await server.terms(session)
            placer = await routing.placer_of(session, server.code, index, terms)
            await node_month.close_month(session, period, again, placer, server.clock())

    async def _index(self, keys: Sequence[UrlKey]) -> ClaimIndex:
        return index_store.claim_index(await ask_index(self._server, self._peers, keys))


async def _stands_where_it_did(session: ReadSession, row: MeteringPeriod) -> bool:
    """Tell whether the lines read for a step are still those it is for.

    Once a month is cut off, only a step or a later round changes which lines are undecided.
    """
    now = await store.find_period(session, row.period)
    return now is not None and (now.state, now.round) == (row.state, row.round)
