"""What every HTTP door does before it opens: who asks, how often by now, and then the body."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from federation.access.callers import caller_of
from federation.edge.bodies import Bodies, BodyLimit, HttpRequest
from federation.edge.sessions import CrossSiteError, TwoCredentialsError, who_asks
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

    async def known(self, request: HttpRequest, act: Act, *roles: str, count: int = 1) -> Principal:
        """Return who asks, holding one of the roles and within its quota, or refuse.

        What is asked for counts as so many of the act.
        """
        require_plain_text(request.scope["path"], "path")
        try:
            who = await who_asks(self.server, request)
        except (NotAuthenticatedError, InvalidTokenError, TwoCredentialsError, CrossSiteError):
            self.stranger(request, "anonymous")
            raise
        if who is None:
            self.stranger(request, "anonymous")
            raise NotAuthenticatedError
        self.server.quotas.take(who.subject, act, count)
        if roles:
            who.require(*roles)
        return who

    def stranger(self, request: HttpRequest, act: Act) -> str:
        """Return the name of somebody without a token: the address, within its quota."""
        require_plain_text(request.scope["path"], "path")
        name = self.address(request)
        self.server.quotas.take(name, act)
        return name

    def address(self, request: HttpRequest) -> str:
        """Return by which address a request counts (`address_of`)."""
        return address_of(request, self.server.config.proxies)

    def body(
        self, request: HttpRequest, sender: str, limit: BodyLimit
    ) -> AbstractAsyncContextManager[bytes]:
        """Give the body of a request whose sender is known by now (`Bodies.read`)."""
        return self.bodies.read(request, sender, limit)

    def body_parts(
        self, request: HttpRequest, sender: str, limit: BodyLimit
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give the body of a request whose sender is known by now, part by part."""
        return self.bodies.stream(request, sender, limit)


def address_of(request: HttpRequest, proxies: int) -> str:
    """Return the network address a request comes from; of IPv6 the subscriber's network.

    Behind so many `proxies` it is what the outermost of them wrote, else the connection's own.
    """
    written = request.headers.getall("x-forwarded-for", []) if proxies else []
    connection = network_of(request.client.host) if request.client else ""
    return caller_of(written, proxies) or connection
