"""Two databases that speak for one server are noticed by whoever hears both, and one of them stops.

What a voice is stands in `store/voices.py`. A restored server says so at its start, and is sent
again what it may lack.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.messaging.senders import Sender
from federation.server import Server
from federation.store import outbox, tables, voices
from federation.store.sessions import ReadSession
from federation.store.voices import SilencedError, Voice
from federation.trust import store as trust

APART: Final = timedelta(hours=1)  # that the clocks of two servers may be, and more
AGAIN_SECONDS: Final = 30.0
FOLLOW_SECONDS: Final = 5.0
CALL_SECONDS: Final = 10.0
log = get_logger("voices")


class Speaker:
    """With which voice this process speaks; processes on one database speak with one."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._held: Voice | None = None
        self._is_silenced = False

    @property
    def is_silenced(self) -> bool:
        """Tell whether this server stopped, since others heard another database."""
        return self._is_silenced

    @property
    def text(self) -> str:
        """Return the voice as it is sent; empty before the start was counted."""
        return "" if self._held is None else self._held.text

    async def begin(self, *, counts: bool = True) -> None:
        """Count this start; or, as a further worker of it, speak with the voice that it has."""
        if not counts:
            async with self._server.db.read() as session:
                await self.look(session)
            if self._held is not None:
                return
        async with self._server.db.write("voice.begin") as session:
            self._hold(await voices.begin(session))

    async def look(self, session: ReadSession) -> None:
        """Learn what other processes of this server were told, and with which voice they speak."""
        row = await voices.find_own(session)
        if row is not None:
            self._hold(row)

    async def follow(self) -> None:
        """Learn what other workers of this server were told, until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            with contextlib.suppress(RefusalError):  # the log says once that the database is away
                async with self._server.db.read() as session:
                    await self.look(session)

    async def refused(self, entity_id: str, sent: str) -> None:
        """Hear that a server has heard another database after this one, and stop if that counts.

        Another process may have started here meanwhile: then this one speaks with its voice. Only
        the word of `_believed` is noted.
        """
        async with self._server.db.read() as session:
            row = await voices.find_own(session)
            believed = await self._believed(session)
        if row is None:
            return
        self._hold(row)
        if self.text != sent or self._is_silenced or entity_id not in believed:
            return
        if entity_id in voices.refused_by(row):
            return
        async with self._server.db.write("voice.refused") as session:
            row = await voices.find_own(session)
            if row is None or voices.voice_of(row).text != sent:
                return
            believed = await self._believed(session)
            await voices.note_refusal(session, row, entity_id, believed, self._server.clock())
        self._hold(row)
        log.error("another database was heard to speak for this server", by=entity_id)

    async def announce(self, peers: PeerClient) -> None:
        """Tell whom this server writes to that it was restored, until each has heard it.

        At a node that is its hub alone: nodes never write to each other.
        """
        if self._held is None or self._held.epoch == 0:
            return
        told = set[str]()
        while not self._is_silenced:
            try:
                if await self._tell(peers, told):
                    return
            except Exception:
                log.exception("others were not told that this server was restored")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _tell(self, peers: PeerClient, told: set[str]) -> bool:
        """Tell who was not `told` yet; return whether all were. Servers move: each turn looks."""
        others = await self._others()
        for entity_id in sorted(others.keys() - told):
            try:
                inbox = f"{others[entity_id]}/federation/inbox"
                await peers.post(entity_id, inbox, b"[]", seconds=CALL_SECONDS)
            except PeerAnswerError as error:
                if not error.is_there:
                    continue
            told.add(entity_id)
        return others.keys() <= told

    async def _others(self) -> Mapping[str, str]:
        """Return {entity id: URL} of the servers that this one writes to."""
        config = self._server.config
        if isinstance(config, NodeConfig):
            return {config.hub.entity_id: config.hub.url}
        async with self._server.db.read() as session:
            return {party.entity_id: party.url for party in await trust.node_parties(session)}

    async def _believed(self, session: ReadSession) -> Collection[str]:
        """Return whose word that another was heard counts: their entity ids.

        A node believes its hub alone, the hub its nodes that are not suspended.
        """
        config = self._server.config
        if isinstance(config, NodeConfig):
            return [config.hub.entity_id]
        return [party.entity_id for party in await trust.trusted_nodes(session)]

    def _hold(self, row: tables.OwnVoice) -> None:
        self._held, self._is_silenced = voices.voice_of(row), row.silenced_at is not None


async def hear(server: Server, sender: Sender, text: str | None) -> None:
    """Note with which voice another server speaks (BAD_VOICE, ANOTHER_VOICE, SILENCED).

    One that says nothing is of an earlier version. What a restored server may lack is sent again:
    as often as its quota lets it say so (TOO_MANY_REQUESTS), since that may be all of the outbox.
    """
    voice = None if text is None else voices.read_voice(text)
    is_news = voice is not None and await _is_news(server, sender, voice)
    if server.voice is not None and server.voice.is_silenced:
        raise SilencedError(retry_after=60)
    if voice is None or not is_news:
        return
    async with server.db.write("voice.heard") as session:
        if not await voices.hear(session, sender.key_id, voice, server.clock()):
            return
        server.quotas.take(sender.entity_id, "restores")  # else its voice is not kept either
        since = datetime.fromtimestamp(voice.received_until, UTC) - APART
        count = await outbox.send_again(session, sender.entity_id, since=since)
    log.warning("a server was restored", server=sender.code, sent_again=count)


async def _is_news(server: Server, sender: Sender, voice: Voice) -> bool:
    """Tell whether a server did not speak with this voice last; look at our own beside it."""
    async with server.db.read() as session:
        if server.voice is not None:
            await server.voice.look(session)
        return not await voices.is_heard(session, sender.key_id, voice)
