"""From an HTTP request to the context of a GraphQL request."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request

from federation.edge.auth import authenticate
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.schema.context import Context
from federation.server import Server

log = get_logger("graphql")


def context_getter(server: Server) -> Callable[..., Awaitable[Context]]:
    """Return the dependency that says who asks; a token that is not good is nobody's."""

    async def context(request: Request[Any, Any, Any]) -> Context:
        try:
            principal = await authenticate(server, request.headers.get("authorization"))
        except RefusalError as refusal:
            log.info("token refused", reason=refusal.message)
            principal = None
        return Context(server=server, principal=principal)

    return context
