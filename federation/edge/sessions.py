"""Who asks by a browser's session: its cookie, and what keeps other sites from using it.

A browser sends a cookie whoever made it ask. So a request that brings one and could change
something has to come from a page of this very server (`Sec-Fetch-Site`, else `Origin`) and show the
session's CSRF token, which only such a page can read; a cookie beside a token is refused.
"""

from datetime import datetime
from typing import ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from litestar import Response

from federation.accounts import sessions, store
from federation.accounts.sessions import SEEN_AFTER
from federation.accounts.tables import PersonSession
from federation.counters import ACCEPTED
from federation.edge.auth import authenticate, person
from federation.edge.bodies import HttpRequest
from federation.errors import RefusalError
from federation.messaging.addresses import literal_of
from federation.server import Server
from federation.trust.principals import NotAuthenticatedError, Principal
from federation.values.roles import PEER

PROOF_HEADER: Final = "x-csrf-token"
COOKIE_LENGTH_MAX: Final = 4_096
_SAFE: Final = frozenset({"GET", "HEAD"})  # of whose requests none changes anything


class TwoCredentialsError(RefusalError):
    """A request shows a session or a token, not both."""

    code: ClassVar[str] = "TWO_CREDENTIALS"


class CrossSiteError(RefusalError):
    """With a session something is changed from this server's own pages only."""

    code: ClassVar[str] = "CROSS_SITE"


class SessionOverError(NotAuthenticatedError):
    """Your session is over: sign in again."""


class NotHereError(RefusalError):
    """People sign in over https, or over http on this machine itself: configure `public_url`."""

    code: ClassVar[str] = "SIGN_IN_OVER_HTTPS"


class Place(NamedTuple):
    """Where browsers find a server: what its cookies are called, and whether they are secure."""

    origin: str
    suffix: str
    is_secure: bool

    def cookie(self, name: str) -> str:
        """Return the whole name of a cookie.

        `__Host-` makes browsers refuse one that another host or plain http set; on http at this
        machine, for development, it cannot be. The port tells servers of one host apart, as
        browsers send cookies to every port.
        """
        return f"{'__Host-' if self.is_secure else ''}{name}{self.suffix}"


def place_of(server: Server) -> Place:
    """Return where browsers find a server, or refuse plain http across a network."""
    parts = urlsplit(server.url)
    host = parts.hostname or ""
    address = literal_of(host)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    if parts.scheme == "https":
        suffix = "" if parts.port in {None, 443} else f"-{parts.port}"
        return Place(origin.removesuffix(":443"), suffix, is_secure=True)
    if host == "localhost" or (address is not None and address.is_loopback):
        return Place(origin.removesuffix(":80"), f"-{parts.port or 80}", is_secure=False)
    raise NotHereError(server.url)


SESSION_COOKIE: Final = "federation"


def cookie_of(request: HttpRequest, name: str) -> str | None:
    """Return the value of a cookie that a request brings once, None where it brings none."""
    found = [
        value.decode("latin-1")
        for header, value in request.scope["headers"]
        if header.lower() == b"cookie"
    ]
    if not found or sum(map(len, found)) > COOKIE_LENGTH_MAX:
        return None
    pairs = [pair.strip().partition("=") for text in found for pair in text.split(";")]
    values = [value for known, _, value in pairs if known == name]
    return values[0] if len(values) == 1 else None


def set_cookie(
    response: Response[bytes], place: Place, name: str, value: str, *, seconds: int | None = None
) -> None:
    """Have the browser keep a cookie for so long, or until it closes; it is shown to no script."""
    _write(response, place, name, value, *(() if seconds is None else (f"Max-Age={seconds}",)))


def drop_cookie(response: Response[bytes], place: Place, name: str) -> None:
    """Have the browser forget a cookie."""
    _write(response, place, name, "", "Max-Age=0")


def _write(response: Response[bytes], place: Place, name: str, value: str, *more: str) -> None:
    parts = [f"{place.cookie(name)}={value}", "Path=/", "HttpOnly", "SameSite=Lax", *more]
    if place.is_secure:
        parts.append("Secure")
    response.headers["Set-Cookie"] = "; ".join(parts)


def require_same_origin(request: HttpRequest, place: Place) -> None:
    """Refuse what a page of another site makes a browser send (CROSS_SITE)."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        raise CrossSiteError("neither Sec-Fetch-Site nor Origin says where it comes from")
    if site not in {None, "same-origin"}:
        raise CrossSiteError("another site's page")
    if origin is not None and origin.lower() != place.origin:
        raise CrossSiteError("another origin's page")


def session_secret(server: Server, request: HttpRequest) -> str | None:
    """Return what a request's session cookie holds, None where it brings none."""
    if "cookie" not in request.headers:
        return None
    try:
        place = place_of(server)
    except NotHereError:
        return None  # no cookie was ever set
    return cookie_of(request, place.cookie(SESSION_COOKIE))


async def who_asks(server: Server, request: HttpRequest) -> Principal | None:
    """Return who asks, by a token or by a session, None for nobody; refuse what is not good."""
    try:
        who = await _who_asks(server, request)
    except RefusalError as refusal:
        server.counters.verdict(refusal.code)
        raise
    if who is not None:
        server.counters.verdict(ACCEPTED)
        if PEER in who.roles and who.party:
            server.counters.seen(who.party)
    return who


async def _who_asks(server: Server, request: HttpRequest) -> Principal | None:
    authorization, secret = request.headers.get("authorization"), session_secret(server, request)
    if secret is None:
        return await authenticate(server, authorization)
    if authorization:
        raise TwoCredentialsError
    if request.scope["method"] not in _SAFE:
        require_same_origin(request, place_of(server))
        if not sessions.proves(secret, request.headers.get(PROOF_HEADER, "")):
            raise CrossSiteError(f"no {PROOF_HEADER}, or not this session's")
    row = await live_session(server, secret)
    if row is None:
        raise SessionOverError
    return await person(server, row.person, row.role)


async def live_session(server: Server, secret: str) -> PersonSession | None:
    """Return the live session of a cookie, and note its use; what its person may do is not said."""
    now = server.clock()
    async with server.db.read() as session:
        row = await sessions.find(session, secret, now)
    if row is not None and now - row.seen_at >= SEEN_AFTER:
        await _note_seen(server, row, now)
    return row


async def _note_seen(server: Server, row: PersonSession, now: datetime) -> None:
    async with server.db.write("session.seen") as session:
        await store.note_seen(session, row.digest, now)
