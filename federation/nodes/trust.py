"""The hub's trust document as a node holds it: pulled once for all, used till it ends."""

import asyncio
import time
from collections.abc import Callable
from typing import ClassVar, Final, NamedTuple

from federation.edge.auth import party_key
from federation.edge.peers import PeerAnswerError, PeerClient
from federation.errors import LaterError, RefusalError
from federation.server import Server, node_config
from federation.trust.jose import InvalidTokenError
from federation.trust.parties import NotAdmittedError
from federation.trust.policy import TrustDocument, read_trust_document
from federation.trust.store import find_party
from federation.values.party import HUB

PULL_SECONDS: Final = 20.0  # how old a document may be before it is pulled again
_FIRST_PAUSE_SECONDS: Final = 1.0
PAUSE_SECONDS_MAX: Final = 60.0


class NoTrustDocumentError(NotAdmittedError):
    """The hub's trust document has not come yet."""


class TrustOverError(RefusalError):
    """The hub's trust document is past its time, and no newer one has come."""

    code: ClassVar[str] = "TRUST_OVER"


class Trust(NamedTuple):
    """A trust document as the hub signed it, and what it says."""

    text: str
    document: TrustDocument


class TrustHolder:
    """Holds the last good document; `monotonic` seconds time the pulls, business time its end.

    Whoever asks while a pull is under way shares it. A hub that fails is asked again after 1, 2, 4
    … 60 seconds, and meanwhile nobody waits for it who can be served from what is held.
    """

    def __init__(
        self, server: Server, peers: PeerClient, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._server, self._peers, self._monotonic = server, peers, monotonic
        self._held: Trust | None = None
        self._due = float("-inf")
        self._pause = 0.0
        self._flight: asyncio.Task[None] | None = None

    async def current(self) -> Trust:
        """Return the document in force, or refuse: NoTrustDocumentError, TrustOverError."""
        flight = self._pull_if_due()
        if flight is not None and not (self._pause and self._is_in_force()):
            await asyncio.shield(flight)
        if self._held is None:
            raise NoTrustDocumentError
        if not self._is_in_force():
            raise TrustOverError
        return self._held

    def _is_in_force(self) -> bool:
        return self._held is not None and self._server.clock().timestamp() < self._held.document.exp

    def _pull_if_due(self) -> asyncio.Task[None] | None:
        """Return the pull that is under way, begun now if one is due; None if none is."""
        if self._flight is not None and not self._flight.done():
            return self._flight
        is_over = not self._pause and not self._is_in_force()
        if not is_over and self._monotonic() < self._due:
            return None
        self._flight = asyncio.create_task(self._pull())
        return self._flight

    async def _pull(self) -> None:
        try:
            found = await self._asked()
        except (PeerAnswerError, InvalidTokenError, LaterError):
            found = None
        if found is None:
            self._pause = min(self._pause * 2 or _FIRST_PAUSE_SECONDS, PAUSE_SECONDS_MAX)
            self._due = self._monotonic() + self._pause
            return
        self._held = found
        self._pause, self._due = 0.0, self._monotonic() + PULL_SECONDS

    async def _asked(self) -> Trust | None:
        """Return what the hub signed, if it is in force and not older than what is held."""
        async with self._server.db.read() as session:
            hub = await find_party(session, HUB)
        if hub is None:
            return None
        text = await self._peers.get_text(f"{node_config(self._server).hub.url}/trust")
        key = party_key(hub)
        document = read_trust_document(text, {key.kid: key})
        is_older = self._held is not None and document.iat < self._held.document.iat
        is_over = self._server.clock().timestamp() >= document.exp
        return None if is_older or is_over else Trust(text, document)
