"""Whom to trust and what does not count, as a node holds it: pulled from the hub, once for all."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from federation.edge.status_lists import BUNDLE_BYTES_MAX, BUNDLE_PATH, SignedList, read_bundle
from federation.errors import RefusalError
from federation.messaging.peers import PeerClient
from federation.messaging.pulls import Pull
from federation.server import Server, node_config
from federation.signing.keys import Keys
from federation.signing.policy import TrustDocument, read_trust_document
from federation.trust.parties import NotAdmittedError, entity_keys
from federation.trust.store import find_party
from federation.values.party import HUB


class NoTrustDocumentError(NotAdmittedError):
    """The hub's trust document has not come yet."""


class TrustOverError(RefusalError):
    """The hub's trust document is past its time, and no newer one has come."""

    code: ClassVar[str] = "TRUST_OVER"


class Trust(NamedTuple):
    """A trust document as the hub signed it, what it says, and the licensors' status lists.

    `issuers` are the keys in it by entity id, `lists` {address: list}, each the newest that has
    come and good by these keys.
    """

    text: str
    document: TrustDocument
    issuers: dict[str, Keys]
    lists: dict[str, SignedList]


class TrustHolder:
    """Holds the last good documents of the hub, pulled as `Pull` says."""

    def __init__(
        self, server: Server, peers: PeerClient, monotonic: Callable[[], float] | None = None
    ) -> None:
        self._server, self._peers = server, peers
        self._monotonic = monotonic
        self._pull = Pull(self._asked, self._are_all_in_force, self._seconds)

    async def current(self) -> Trust:
        """Return the documents in force, or refuse: NoTrustDocumentError, TrustOverError."""
        held = await self._pull.current()
        if held is None:
            raise NoTrustDocumentError
        if not self._is_in_force(held):
            raise TrustOverError
        return held

    def _seconds(self) -> float:
        return (self._monotonic or self._server.monotonic)()

    def _is_in_force(self, held: Trust) -> bool:
        return self._server.clock().timestamp() < held.document.exp

    def _are_all_in_force(self, held: Trust) -> bool:
        now = self._server.clock().timestamp()
        ends = [held.document.exp, *(item.read.expires_at for item in held.lists.values())]
        return now < min(ends)

    async def _asked(self, held: Trust | None) -> Trust | None:
        """Return what the hub serves, if it is in force and not older than what is held."""
        async with self._server.db.read() as session:
            hub = await find_party(session, HUB)
        if hub is None:
            return None
        url = node_config(self._server).hub.url
        text = await self._peers.get_text(f"{url}/trust")
        document = read_trust_document(text, entity_keys(hub))
        now = self._server.clock()
        is_older = held is not None and document.iat < held.document.iat
        if is_older or now.timestamp() >= document.exp:
            return None
        bundle = await self._peers.get_text(url + BUNDLE_PATH, bytes_max=BUNDLE_BYTES_MAX)
        known = held.lists if held else {}
        issuers = document.issuer_keys()
        return Trust(text, document, issuers, read_bundle(bundle, issuers, known, now))
