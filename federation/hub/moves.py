"""The hub asks a node at the address it says it has, before its messages go there."""

import asyncio
import contextlib
import time

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.oauth.entity import CONFIGURATION_PATH
from federation.people import moves as people
from federation.server import Server
from federation.signing.entity_statements import STATEMENT_BYTES_MAX, read_configuration
from federation.signing.jose import InvalidTokenError, Reason
from federation.trust import moves
from federation.trust.parties import entity_keys, get_party
from federation.trust.tables import Party

PAUSE_SECONDS, PAUSE_MAX = 0.2, 300.0
log = get_logger("moves")


class MoveWorker:
    """Asks every node that says it moved, each less and less often while it does not answer."""

    def __init__(self, server: Server, peers: PeerClient) -> None:
        self._server, self._peers = server, peers
        self._wake = asyncio.Event()
        self._tried: dict[tuple[str, str], tuple[float, float]] = {}  # {move: (not before, pause)}

    def wake(self) -> None:
        """Ask now: a node said that it moved."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.try_due()
            except Exception:
                log.exception("the new addresses were not asked")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    async def try_due(self) -> None:
        """Ask at each new address whose time has come, all at once."""
        async with self._server.db.read() as session:
            found = await moves.moving(session)
        waiting = {(party.code, party.moving_to or ""): party for party in found}
        self._tried = {move: when for move, when in self._tried.items() if move in waiting}
        now = time.monotonic()
        due = [m for m in waiting if self._tried.get(m, (0.0, 0.0))[0] <= now]
        await asyncio.gather(*(self._try(move, waiting[move]) for move in due))

    def _pause(self) -> float:
        """Return how long to sleep unless woken: until the next address is due.

        Another process of this hub may have heard of one, and be gone: so never for good.
        """
        now = time.monotonic()
        return min((max(when - now, 0.01) for when, _ in self._tried.values()), default=PAUSE_MAX)

    async def _try(self, move: tuple[str, str], party: Party) -> None:
        _, pause = self._tried.get(move, (0.0, PAUSE_SECONDS))
        self._tried[move] = (time.monotonic() + pause, min(pause * 2, PAUSE_MAX))
        try:
            await self._ask(party, move[1])
        except (RefusalError, PeerAnswerError) as error:
            await self._note(move, str(error))
        else:
            await self._arrive(move)

    async def _ask(self, party: Party, url: str) -> None:
        """Refuse an address at which not this very node answers, with the keys it told of.

        No redirect is followed, the name is resolved once, and what it is resolved to is an address
        that this hub calls (`messaging/addresses.py`).
        """
        text = await self._peers.get_text(
            f"{url}{CONFIGURATION_PATH}", bytes_max=STATEMENT_BYTES_MAX
        )
        keys = entity_keys(party)
        says = read_configuration(text, party.entity_id, keys, self._server.clock()).says
        if says.keys().keys() != keys.keys():
            raise InvalidTokenError(Reason.KEY, "other keys than it told of")
        if moves.address_in(says) != url:
            raise moves.BadAddressError(f"it says it is at {moves.address_in(says)}")

    async def _arrive(self, move: tuple[str, str]) -> None:
        code, url = move
        async with self._server.db.write("entity.moved") as session:
            party = await get_party(session, code)
            if party.moving_to == url:
                await people.arrive(session, party, self._server.clock())
        log.info("a node moved", code=code, url=url)

    async def _note(self, move: tuple[str, str], reason: str) -> None:
        """Keep why a node is not followed, for people to read."""
        code, url = move
        reason = reason[: moves.REASON_LENGTH_MAX]
        log.warning("a node is not where it says", code=code, url=url, reason=reason)
        async with self._server.db.write("entity.not_there") as session:
            party = await get_party(session, code)
            if party.moving_to == url:
                party.moving_because = reason
