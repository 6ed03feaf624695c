"""A node's way into the federation: it applies at its hub and asks until there is an answer."""

import asyncio
import contextlib
import time

import msgspec

from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.server import Server, node_config
from federation.trust import admission
from federation.trust import store as trust
from federation.trust.grants import open_grant
from federation.trust.membership import Answer, Apply, CollectiveTerms
from federation.trust.tables import Application

ASK_SECONDS = 10.0  # of one call
PAUSE_SECONDS, PAUSE_MAX = 0.2, 60.0
log = get_logger("joining")


class AdmissionWorker:
    """Sends this node's application and asks where it stands, less and less often."""

    def __init__(self, server: Server, peers: PeerClient) -> None:
        self._server, self._peers = server, peers
        self._wake = asyncio.Event()
        self._pause = PAUSE_SECONDS

    def wake(self) -> None:
        """Ask now: this node has applied, or its hub has called."""
        self._pause = PAUSE_SECONDS
        self._wake.set()

    async def run(self) -> None:
        """Work until the hub has decided; then wait for another application."""
        while True:
            self._wake.clear()
            started = time.monotonic()
            try:
                waits = await self.ask()
            except Exception:
                log.exception("the application was not sent")
                waits = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause if waits else None):
                    await self._wake.wait()
            self._pause = min(PAUSE_MAX, self._pause * 1.5)
            # Whoever calls in the hub's name makes this node ask at most so often.
            await asyncio.sleep(max(0.0, started + PAUSE_SECONDS - time.monotonic()))

    async def ask(self) -> bool:
        """Apply, or ask for the answer, once; tell whether there is still none."""
        async with self._server.db.read() as session:
            row = await trust.own_application(session)
        if row is None or row.state != "SENT":
            return False
        config = node_config(self._server)
        try:
            body = await self._peers.post(
                config.hub.entity_id,
                f"{config.hub.url}/federation/admission",
                msgspec.json.encode(_message(row)),
                seconds=ASK_SECONDS,
            )
            answer = msgspec.json.decode(body, type=Answer)
        except (PeerAnswerError, msgspec.MsgspecError) as error:
            log.info("the hub did not take the application", reason=str(error)[:300])
            await self._note(str(error)[:300])
            return True
        return await self._follow(config, answer)

    async def _follow(self, config: NodeConfig, answer: Answer) -> bool:
        """Do what the hub has decided; a grant that is not its own is left alone."""
        server = self._server
        if answer.state == "REFUSED":
            async with server.db.write("admission.refused") as session:
                await admission.receive_refusal(session, answer.reason or "", server.clock())
            return False
        if answer.granted is None:
            return True
        try:
            granted = open_grant(
                answer.granted,
                hub=config.hub.entity_id,
                thumbprint=config.hub.key_thumbprint,
                applicant=config.entity_id,
                now=server.clock(),
            )
        except RefusalError as refusal:
            log.warning("the grant is not from our hub", code=refusal.code, reason=refusal.message)
            return True
        async with server.db.write("admission.granted") as session:
            await admission.receive_grant(session, granted, server.clock())
        return False

    async def _note(self, reason: str) -> None:
        async with self._server.db.write("admission.note") as session:
            row = await trust.own_application(session)
            if row is not None and row.state == "SENT":
                row.reason = reason


def _message(row: Application) -> Apply:
    return Apply(
        entity_id=row.entity_id,
        url=row.url,
        jwk=msgspec.json.decode(row.jwk, type=dict[str, str]),
        terms=msgspec.json.decode(row.terms, type=CollectiveTerms),
        invitation=row.invitation or "",
    )
