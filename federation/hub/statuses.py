"""The status lists of every admitted node, as the hub holds them for all the others."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from federation.edge.status_lists import OwnLists, SignedList, keep_newer, lists_named
from federation.logs import get_logger
from federation.messaging.peers import PeerClient
from federation.messaging.pulls import Pull
from federation.server import Server
from federation.signing.keys import key_set
from federation.signing.statuslist import STATUS_BYTES_MAX
from federation.trust.parties import token_jwks
from federation.trust.store import trusted_nodes
from federation.trust.tables import Party

WAIT_SECONDS: Final = 2.0  # less than a node waits for the hub
AT_ONCE: Final = 16  # nodes asked at the same time
ROOM_BYTES: Final = 4 << 20  # of all nodes' lists: within a site's policy, which encodes them again
NAMES_BYTES_MAX: Final = 64 * 1024
Lists = dict[str, SignedList]
log = get_logger("status")


class StatusHolder:
    """Holds the lists of every node, pulled from each as `Pull` says, and the hub's own."""

    def __init__(
        self,
        server: Server,
        peers: PeerClient,
        own: OwnLists,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._server, self._peers, self._own = server, peers, own
        self._monotonic = monotonic
        self._pulls: dict[str, Pull[Lists]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def all(self) -> list[SignedList]:
        """Return the hub's own lists, and those of the nodes that are in force.

        All of them go into every site's policy. A list of some percent revoked licences has a few
        kilobytes, and whoever signs others fills the room for its own only: the largest are left
        out first. A node that is slow is not waited for beyond `WAIT_SECONDS`: whoever asks would
        give up, and have nobody's lists.
        """
        async with self._server.db.read() as session:
            nodes = await trusted_nodes(session)
        self._pulls = {
            node.code: self._pulls.get(node.code)
            or Pull(partial(self._asked, node.code), self._is_in_force, self._seconds)
            for node in nodes
        }
        pulls = list(self._pulls.values())
        if asked := [asyncio.ensure_future(pull.current()) for pull in pulls]:
            _, late = await asyncio.wait(asked, timeout=WAIT_SECONDS)
            for task in late:
                task.cancel()  # its pull goes on, for who asks next
        held = [pull.held or {} for pull in pulls]
        found = [item for lists in held for item in lists.values() if self._holds(item)]
        kept, room = await self._own.all(), ROOM_BYTES
        for item in sorted(found, key=lambda item: (len(item.text), item.read.uri)):
            room -= len(item.text)
            if room < 0:
                log.warning("no room for a status list", uri=item.read.uri, size=len(item.text))
            else:
                kept.append(item)
        return kept

    def _holds(self, item: SignedList) -> bool:
        return self._server.clock().timestamp() < item.read.expires_at

    def _seconds(self) -> float:
        return (self._monotonic or self._server.monotonic)()

    def _is_in_force(self, lists: Lists) -> bool:
        return all(map(self._holds, lists.values()))

    async def _asked(self, code: str, held: Lists | None) -> Lists | None:
        """Return what a node serves, of each list the newer; None if one that is due is missing."""
        async with self._turns:
            async with self._server.db.read() as session:
                node = next((p for p in await trusted_nodes(session) if p.code == code), None)
            return None if node is None else await self._lists_of(node, held or {})

    async def _lists_of(self, node: Party, held: Lists) -> Lists | None:
        names = await self._peers.get_text(f"{node.url}/statuslists", bytes_max=NAMES_BYTES_MAX)
        issuers, found = {node.entity_id: key_set(token_jwks(node))}, dict(held)
        for number in range(lists_named(names)):
            text = await self._peers.get_text(
                f"{node.url}/statuslists/{number}", bytes_max=STATUS_BYTES_MAX
            )
            keep_newer(found, text, issuers)
        return found if self._is_in_force(found) else None
