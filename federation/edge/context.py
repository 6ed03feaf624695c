"""From an HTTP request to the context of a GraphQL request, and to its body."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request

from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors, address_of
from federation.edge.http import REFUSED_STATUS, status_of
from federation.edge.sessions import CrossSiteError, TwoCredentialsError, who_asks
from federation.errors import LaterError, RefusalError
from federation.federated.wire import (
    DEADLINE_HEADER,
    DEADLINE_MS_MAX,
    ON_BEHALF_OF_HEADER,
    DeadlineOverError,
    OnBehalfOf,
)
from federation.logs import get_logger
from federation.schema.context import Context
from federation.schema.controller import NotTakenError, ReadBody
from federation.server import Server
from federation.store.messages import KIB
from federation.trust.principals import Principal
from federation.values.roles import PEER, SIGNED_IN

OF_STRANGERS = BodyLimit(64 * KIB, seconds=10)
OF_THE_KNOWN = BodyLimit(512 * KIB, seconds=30)
_MILLISECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
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
        if principal is not None and PEER in principal.roles:
            principal = as_asked(principal, request.headers.get(ON_BEHALF_OF_HEADER))
        asker = principal.subject if principal else address_of(request, server.config.proxies)
        return Context(server=server, principal=principal, asker=asker)

    return context


def as_asked(server: Principal, on_behalf_of: str | None) -> Principal:
    """Return who asks, where another server asks on behalf of somebody who may see less.

    Whoever is not known here sees least.
    """
    if on_behalf_of is None or on_behalf_of == OnBehalfOf.PARTNER:
        return server
    return Principal(server.subject, frozenset({SIGNED_IN}))


def graphql_body(doors: Doors) -> ReadBody:
    """Return what reads the body of a GraphQL request, less of it from who is not known."""

    @asynccontextmanager
    async def read(request: Request[Any, Any, Any], context: Any) -> AsyncGenerator[bytes]:
        who = context.principal
        if who is not None and ON_BEHALF_OF_HEADER in request.headers:
            answered = OnBehalfOf.PARTNER if PEER in who.roles else OnBehalfOf.SIGNED_IN
            request.state.graphql_response.headers[ON_BEHALF_OF_HEADER] = answered.value
        try:
            if who is None:
                sender, limit = doors.stranger(request, "anonymous"), OF_STRANGERS
            else:
                doors.server.quotas.take(who.subject, "graphql")
                sender, limit = who.subject, OF_THE_KNOWN
            async with _deadline(request, who), doors.body(request, sender, limit) as body:
                yield body
        except RefusalError as refusal:
            status = status_of(refusal)
            # GraphQL over HTTP: what is no request is 400.
            raise NotTakenError(400 if status == REFUSED_STATUS else status, refusal) from refusal

    return read


@asynccontextmanager
async def _deadline(request: Request[Any, Any, Any], who: Principal | None) -> AsyncGenerator[None]:
    """Stop working for another server once it does not wait any more, as it says."""
    text = request.headers.get(DEADLINE_HEADER, "")
    is_heard = who is not None and not who.roles.isdisjoint({PEER, SIGNED_IN})
    if not is_heard or not _MILLISECONDS.fullmatch(text):
        yield
        return
    if not int(text):
        raise DeadlineOverError
    limit = asyncio.timeout(min(int(text), DEADLINE_MS_MAX) / 1000)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise  # of something else that was waited for
        raise DeadlineOverError(f"{text} ms") from error
