"""How a request to an OAuth endpoint is answered: read, looked up, judged, written down.

What costs something comes after what is cheap to refuse, and nothing is written for a request that
is refused: a used assertion and a revoked token are noted in one transaction before the answer
leaves.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from federation.clients import store
from federation.clients.proving import find_bearer, look_up
from federation.edge.auth import published_keys
from federation.edge.bodies import BodyLimit, HttpRequest
from federation.edge.doors import Doors
from federation.logs import get_logger
from federation.oauth.asked import INVALID_CLIENT, OAuthError, check_head, read_asked
from federation.oauth.core import Answered, Core, Exchange
from federation.server import Server
from federation.signing.client_tokens import check_access_token, is_over_at
from federation.signing.jose import InvalidTokenError
from federation.store.messages import KIB

FORM: Final = BodyLimit(16 * KIB, seconds=10)
FAILED_COST: Final = 60  # a request counts as so many until it has succeeded
log = get_logger("oauth")


class Endpoint(StrEnum):
    """An endpoint by its name in the metadata (RFC 8414)."""

    TOKEN = "token"  # noqa: S105 - a name
    INTROSPECTION = "introspection"
    REVOCATION = "revocation"

    def url(self, server: Server) -> str:
        """Return where a client finds it."""
        return f"{server.url}/oauth/{_PATHS[self]}"


_PATHS: Final = {
    Endpoint.TOKEN: "token",
    Endpoint.INTROSPECTION: "introspect",
    Endpoint.REVOCATION: "revoke",
}


class Endpoints:
    """The OAuth endpoints of one server."""

    def __init__(self, doors: Doors) -> None:
        self._doors, self._server = doors, doors.server
        self._core = Core(doors.server.config.entity_id)

    async def answer(self, request: HttpRequest, endpoint: Endpoint) -> Answered:
        """Answer one request, or refuse it (OAuthError, TOO_MANY_REQUESTS and those of a body).

        Whoever guesses soon waits: a request costs its address the most until it has succeeded.
        """
        quotas, address = self._server.quotas, self._doors.address(request)
        quotas.take(address, "oauth", FAILED_COST)
        exchange = await self._exchange(request, address)
        found = self._core.answer(endpoint, endpoint.url(self._server), exchange)
        await self._write(exchange, endpoint)
        quotas.give_back(address, "oauth", FAILED_COST - 1)
        assert exchange.proven is not None  # noqa: S101 - the core answers nobody else
        client = exchange.proven.client.client_id
        self._server.last_use.note(client, exchange.now)
        log.info("answered", endpoint=endpoint, client=client, id=exchange.proven.credential.id)
        return found

    async def _exchange(self, request: HttpRequest, address: str) -> Exchange:
        """Read a request and look up whom and what it is about."""
        check_head(request)
        async with self._doors.body(request, address, FORM) as body:
            asked = read_asked(request, body)
        server, now = self._server, self._server.clock()
        keys = await published_keys(server)
        async with server.db.read() as session:
            known = await look_up(session, asked.presented.client_id)
            exchange = Exchange(server, asked, known, now)
            if "token" not in asked.form:
                return exchange
            try:
                token = check_access_token(
                    asked.form["token"],
                    keys=keys,
                    server=server.config.entity_id,
                    now=now,
                )
            except InvalidTokenError:
                return exchange
            if await find_bearer(session, token, now) is None:
                return exchange
        return replace(exchange, token=token)

    async def _write(self, exchange: Exchange, endpoint: Endpoint) -> None:
        """Note what must not happen twice; of two that use an assertion at once one is refused."""
        assert exchange.proven is not None  # noqa: S101 - the core answers nobody else
        assertion, now = exchange.proven.assertion, exchange.now
        revoked = exchange.token if endpoint is Endpoint.REVOCATION else None
        if assertion is None and revoked is None:
            return
        client = exchange.proven.client.client_id
        async with self._server.db.write(f"oauth.{endpoint}") as session:
            if assertion is not None:
                until = is_over_at(assertion.expires_at)
                if not await store.use_assertion(session, client, assertion.jti, until, now):
                    raise OAuthError(INVALID_CLIENT, "REPLAYED")
            if revoked is not None:
                await store.revoke_token(session, revoked.jti, is_over_at(revoked.expires_at), now)
