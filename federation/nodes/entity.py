"""A node tells its hub who it is now, hears what the hub says of it, and follows the hub's keys."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import msgspec

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.peers import QUERY_SECONDS, PeerAnswerError, PeerClient
from federation.oauth.entity import CONFIGURATION_PATH, LISTED_PATH, own_configuration
from federation.people.audit import Act, record
from federation.server import Server, node_config
from federation.signing.entity_statements import (
    STATEMENT_BYTES_MAX,
    Signed,
    read_configuration,
)
from federation.store.sessions import ReadSession
from federation.trust import moves, store
from federation.trust.key_life import Purpose
from federation.trust.membership import Listed
from federation.trust.own_keys import KeyRing, unvouched, vouch
from federation.trust.parties import entity_keys, former_keys
from federation.trust.tables import Party
from federation.values.party import HUB

LOOK_SECONDS: Final = 2.0  # how soon a change of this node is seen
OTHERS_SECONDS: Final = 10.0  # and one that another process of it made, or that is due by now
ASK_SECONDS: Final = 60.0  # how soon one of the hub is
PAUSE_SECONDS: Final = 0.2
log = get_logger("entity")


class EntityWorker:
    """One per node; `monotonic` seconds time what it asks."""

    def __init__(
        self, server: Server, peers: PeerClient, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._server, self._peers, self._monotonic = server, peers, monotonic
        self._wake = asyncio.Event()
        self._told: tuple[str, frozenset[str]] | None = None
        self._kids: set[str] = set()  # of all that is published, when last looked
        self._due, self._pause = float("-inf"), PAUSE_SECONDS
        self._asked = float("-inf")
        self._looked = -1, float("-inf")  # after how many writes of this process, and when
        self._is_known = False  # that the hub says of this node what it says itself

    def wake(self) -> None:
        """Ask the hub soon: it called with a key that this node does not know.

        Whoever calls in the hub's name makes this node ask once in `LOOK_SECONDS` at most.
        """
        self._due = min(self._due, self._asked + LOOK_SECONDS)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                if self._may_have_changed():
                    await self.tell(await self._ring())
                if self._monotonic() >= self._due:
                    await self.ask()
            except Exception:
                log.exception("the hub was not told, or not asked, who is who")
                self._looked = -1, float("-inf")
            wait = min(LOOK_SECONDS, max(self._due - self._monotonic(), PAUSE_SECONDS))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            await asyncio.sleep(PAUSE_SECONDS if self._wake.is_set() else 0)

    def _may_have_changed(self) -> bool:
        """Tell whether to look at this node's keys: something was written, or some time is over."""
        writes, when = self._looked
        now = self._monotonic()
        if writes == self._server.db.writes and now < when + OTHERS_SECONDS:
            return False
        self._looked = self._server.db.writes, now
        return True

    async def _ring(self) -> KeyRing:
        """Return the keys of this node; where others are published, the hub is asked soon."""
        ring, now = await self._server.keys.current(), self._server.clock()
        kids = {kid for purpose in Purpose for kid in ring.published(purpose, now)}
        if kids != self._kids:
            self._kids, self._due, self._pause = kids, float("-inf"), PAUSE_SECONDS
        return ring

    async def tell(self, ring: KeyRing) -> None:
        """Tell the hub of this node's address and FEDERATION keys, where they are others now."""
        server, now = self._server, self._server.clock()
        kids = ring.published(Purpose.FEDERATION, now).keys()
        state = server.url, frozenset(kids)
        if state == self._told:
            return
        async with server.db.read() as session:
            if not await self._is_news(session, state):
                return
        signed = (await own_configuration(server, {}, now)).text
        async with server.db.write("entity.told") as session:
            if await moves.tell(session, server.code, server.url, sorted(kids), signed, now):
                log.info("the hub is told who this node is now", url=server.url, keys=len(kids))
        self._told = state

    async def _is_news(self, session: ReadSession, state: tuple[str, frozenset[str]]) -> bool:
        """Tell whether the hub was told something else; False as well before it can be told."""
        hub, row = await store.find_party(session, HUB), await store.own_application(session)
        if hub is None or row is None:
            return False
        if moves.told(row) == moves.said(*state):
            self._told = state
            return False
        return True

    async def ask(self) -> None:
        """Follow the hub's keys, and hear which of this node's keys it lists by now."""
        server = self._server
        async with server.db.read() as session:
            hub = await store.find_party(session, HUB)
        ring = await server.keys.current()
        self._asked = self._monotonic()
        self._due = self._asked + ASK_SECONDS
        if hub is None:
            self._due = self._monotonic() + LOOK_SECONDS
            return
        try:
            await self._follow(hub)
            is_open = await self._hear(hub, ring)
        except (PeerAnswerError, RefusalError, msgspec.MsgspecError) as error:
            log.info("the hub did not say who is who", reason=str(error)[:300])
            is_open = True
        if is_open:  # somebody waits for it to activate a key
            self._due = self._monotonic() + self._pause
            self._pause = min(self._pause * 2, ASK_SECONDS)
        else:
            self._pause = PAUSE_SECONDS

    async def _follow(self, hub: Party) -> None:
        """Hold the keys that the hub names now, in a statement signed with one that is held."""
        server, url = self._server, node_config(self._server).hub.url
        text = await self._peers.get_text(url + CONFIGURATION_PATH, bytes_max=STATEMENT_BYTES_MAX)
        says = self._configuration(text, hub).says
        if says.keys().keys() == entity_keys(hub).keys():
            return
        async with server.db.write("entity.hub") as session:
            party = await store.find_party(session, HUB)
            if party is not None and await moves.follow_hub(session, party, says):
                detail = {"keys": " ".join(entity_keys(party))}
                await record(session, f"server:{HUB}", Act.HUB_KEYS, HUB, detail)
        server.known_peers.pop(hub.entity_id, None)
        log.info("the hub has other keys now", keys=" ".join(says.keys()))

    def _configuration(self, text: str, hub: Party) -> Signed:
        """Return the hub's own word, signed with a key that is known for it.

        A node that was away while the hub changed its keys is told the new one's thumbprint by a
        second channel, as at its admission: one that was the hub's before is none of these.
        """
        pinned: str | None = node_config(self._server).hub.key_thumbprint
        if pinned in former_keys(hub):
            pinned = None
        known, now = entity_keys(hub), self._server.clock()
        return read_configuration(text, hub.entity_id, known, now, pinned=pinned)

    async def _hear(self, hub: Party, ring: KeyRing) -> bool:
        """Note which keys the hub lists for this node; tell whether one is still missing."""
        server, config = self._server, node_config(self._server)
        if self._is_known and not unvouched(ring, hub, server.clock()):
            return False
        body = await self._peers.post(
            hub.entity_id, config.hub.url + LISTED_PATH, b"", seconds=QUERY_SECONDS
        )
        says, now = msgspec.json.decode(body, type=Listed), server.clock()
        if not self._is_known:
            await self._require_known(ring, says)
        if not unvouched(ring, hub, now):
            return False
        async with server.db.write("entity.heard") as session:
            party = await store.find_party(session, HUB)
            assert party is not None  # noqa: S101 - nobody leaves
            vouch(party, {*says.keys, *says.token_keys})
            return bool(unvouched(ring, party, now))

    async def _require_known(self, ring: KeyRing, says: Listed) -> None:
        """Once after a start: tell the hub again where it says something else of this node."""
        server, self._is_known = self._server, True
        own = ring.published(Purpose.FEDERATION, server.clock()).keys()
        if (says.url, set(says.keys)) == (server.url, set(own)):
            return
        async with server.db.write("entity.again") as session:
            await moves.tell_again(session)
        self._told = None
