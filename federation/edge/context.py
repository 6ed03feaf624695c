"""From an HTTP request to the context of a GraphQL request, and to its body."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request

from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors, address_of
from federation.edge.http import REFUSED_STATUS, status_of
from federation.edge.sessions import CrossSiteError, TwoCredentialsError, who_asks
from federation.errors import LaterError, RefusalError
from federation.logs import get_logger
from federation.schema.context import Context
from federation.schema.controller import NotTakenError, ReadBody
from federation.server import Server
from federation.store.messages import KIB

OF_STRANGERS = BodyLimit(64 * KIB, seconds=10)
OF_THE_KNOWN = BodyLimit(512 * KIB, seconds=30)
log = get_logger("graphql")


def context_getter(server: Server) -> Callable[..., Awaitable[Context]]:
    """Return the dependency that says who asks; a token that is not good is nobody's.

    What a browser sends for another site is refused whole, and a session beside a token.
    """

    async def context(request: Request[Any, Any, Any]) -> Context:
        try:
            principal = await who_asks(server, request)
        except (LaterError, CrossSiteError, TwoCredentialsError):
            raise
        except RefusalError as refusal:
            log.info("token refused", code=refusal.code, reason=refusal.message)
            principal = None
        asker = principal.subject if principal else address_of(request, server.config.proxies)
        return Context(server=server, principal=principal, asker=asker)

    return context


def graphql_body(doors: Doors) -> ReadBody:
    """Return what reads the body of a GraphQL request, less of it from who is not known."""

    @asynccontextmanager
    async def read(request: Request[Any, Any, Any], context: Any) -> AsyncGenerator[bytes]:
        who = context.principal
        try:
            if who is None:
                sender, limit = doors.stranger(request, "anonymous"), OF_STRANGERS
            else:
                doors.server.quotas.take(who.subject, "graphql")
                sender, limit = who.subject, OF_THE_KNOWN
            async with doors.body(request, sender, limit) as body:
                yield body
        except RefusalError as refusal:
            status = status_of(refusal)
            # GraphQL over HTTP: what is no request is 400.
            raise NotTakenError(400 if status == REFUSED_STATUS else status, refusal) from refusal

    return read
