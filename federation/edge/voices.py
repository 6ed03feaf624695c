"""Two databases that speak for one server are noticed by whoever hears both, and one of them stops.

What a voice is stands in `store/voices.py`. A restored server says so at its start, and is sent
again what it may lack.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from federation.config import HubConfig
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

    async def begin(self) -> None:
        """Count this start."""
        async with self._server.db.write("voice.begin") as session:
            self._hold(await voices.begin(session))

    async def refused(self, entity_id: str, sent: str) -> None:
        """Hear that a server has heard another database after this one, and stop if that counts.

        Another process may have started here meanwhile: then this one speaks with its voice. A node
        believes its hub, the hub more than half of its nodes: none alone can make it stop.
        """
        async with self._server.db.read() as session:
            row = await voices.find_own(session)
        if row is None:
            return
        self._hold(row)
        if self.text != sent or self._is_silenced or entity_id in voices.refused_by(row):
            return
        async with self._server.db.write("voice.refused") as session:
            row = await voices.find_own(session)
            if row is None or voices.voice_of(row).text != sent:
                return
            enough = await self._enough(session)
            await voices.note_refusal(session, row, entity_id, enough, self._server.clock())
        self._hold(row)
        log.error("another database was heard to speak for this server", by=entity_id)

    async def announce(self, peers: PeerClient) -> None:
        """Tell every other server that this one was restored, until each has heard it."""
        if self._held is None or self._held.epoch == 0:
            return
        async with self._server.db.read() as session:
            parties = {row.entity_id: row.url for row in await trust.parties(session)}
        parties.pop(self._server.config.entity_id, None)
        while parties and not self._is_silenced:
            for entity_id, url in list(parties.items()):
                try:
                    inbox = f"{url}/federation/inbox"
                    await peers.post(entity_id, inbox, b"[]", seconds=CALL_SECONDS)
                except PeerAnswerError as error:
                    if not error.is_there:
                        continue
                del parties[entity_id]
            if parties:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _enough(self, session: ReadSession) -> int:
        if not isinstance(self._server.config, HubConfig):
            return 1
        return len(await trust.node_parties(session)) // 2 + 1

    def _hold(self, row: tables.OwnVoice) -> None:
        self._held, self._is_silenced = voices.voice_of(row), row.silenced_at is not None


async def hear(server: Server, sender: Sender, text: str | None) -> None:
    """Note with which voice another server speaks (BAD_VOICE, ANOTHER_VOICE, SILENCED).

    One that says nothing is of an earlier version. What a restored server may lack is sent again.
    """
    if server.voice is not None and server.voice.is_silenced:
        raise SilencedError(retry_after=60)
    if text is None:
        return
    voice = voices.read_voice(text)
    async with server.db.read() as session:
        if await voices.is_heard(session, sender.key_id, voice):
            return
    async with server.db.write("voice.heard") as session:
        if not await voices.hear(session, sender.key_id, voice, server.clock()):
            return
        since = datetime.fromtimestamp(voice.received_until, UTC) - APART
        count = await outbox.send_again(session, sender.entity_id, since=since)
    log.warning("a server was restored", server=sender.code, sent_again=count)
