"""What every HTTP door does before it opens: who asks, how often by now, and then the body."""

from contextlib import AbstractAsyncContextManager

from federation.edge.auth import authenticate
from federation.edge.bodies import Bodies, BodyLimit, HttpRequest
from federation.quotas import Act, network_of
from federation.server import Server
from federation.signing.jose import InvalidTokenError
from federation.trust.principals import NotAuthenticatedError, Principal
from federation.values.plain import require_plain_text


class Doors:
    """The doors of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.bodies = Bodies(server.config.data_dir)

    async def known(self, request: HttpRequest, act: Act, *roles: str) -> Principal:
        """Return who asks, holding one of the roles and within its quota, or refuse."""
        require_plain_text(request.scope["path"], "path")
        try:
            who = await authenticate(self.server, request.headers.get("authorization"))
        except (NotAuthenticatedError, InvalidTokenError):
            self.stranger(request, "anonymous")
            raise
        if who is None:
            self.stranger(request, "anonymous")
            raise NotAuthenticatedError
        self.server.quotas.take(who.subject, act)
        if roles:
            who.require(*roles)
        return who

    def stranger(self, request: HttpRequest, act: Act) -> str:
        """Return the name of somebody without a token: the address, within its quota."""
        require_plain_text(request.scope["path"], "path")
        name = address_of(request)
        self.server.quotas.take(name, act)
        return name

    def body(
        self, request: HttpRequest, sender: str, limit: BodyLimit
    ) -> AbstractAsyncContextManager[bytes]:
        """Give the body of a request whose sender is known by now (`Bodies.read`)."""
        return self.bodies.read(request, sender, limit)


def address_of(request: HttpRequest) -> str:
    """Return the network address a request comes from; of IPv6 the subscriber's network."""
    return network_of(request.client.host) if request.client else ""
