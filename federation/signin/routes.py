"""The routes by which people sign in, choose their role and sign out: of hub and node alike."""

import secrets
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.response import Redirect
from msgspec import Struct

from federation.accounts import sessions
from federation.accounts.inviting import BadCodeError, Halves
from federation.accounts.passwords import WeakPasswordError
from federation.edge.bodies import BodyLimit, HttpRequest
from federation.edge.doors import Doors
from federation.edge.encoding import BadBodyError
from federation.edge.forms import FORM, BadFormError, read_fields
from federation.edge.http import decoded, json_response, status_of
from federation.edge.links import own_path
from federation.edge.sessions import (
    SESSION_COOKIE,
    cookie_of,
    place_of,
    require_same_origin,
    session_secret,
    set_cookie,
)
from federation.errors import RefusalError
from federation.signin import pages
from federation.signin.at_provider import AtProvider
from federation.signin.by_password import ByPassword, Shown, WayClosedError
from federation.signin.provider import Provider
from federation.signin.refused import Refused
from federation.signin.session_pages import session_routes
from federation.signing.tokens import STAFF_SECONDS_MAX
from federation.store.messages import KIB

BODY: Final = BodyLimit(8 * KIB, seconds=10)
BROWSER_COOKIE: Final = "federation-begun"
BROWSER_LENGTH: Final = 43
CALLBACK: Final = "/sign-in/callback"
JSON: Final = "application/json"
NO_STORE: Final = {"Cache-Control": "no-store"}


class TokenAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the shell sends for a token."""

    subject: str
    password: str
    code: str = ""
    role: str | None = None


class SignIn:
    """The ways of signing in of one server process; `refused` is to be run beside it."""

    def __init__(self, doors: Doors) -> None:
        self.doors, self.server = doors, doors.server
        server = doors.server
        self.refused = Refused(server)
        self.by_password = ByPassword(server, self.refused)
        oidc = server.config.sign_in.oidc
        self.at_provider: AtProvider | None = None
        if oidc is not None:
            provider = Provider(oidc, f"{server.url}{CALLBACK}", server.clock)
            self.at_provider = AtProvider(server, provider, self.refused)

    @property
    def label(self) -> str | None:
        """Return what the provider's button says, None where there is no provider."""
        return None if self.at_provider is None else self.at_provider.provider.label

    def page(
        self, refusal: RefusalError | None = None, subject: str = "", back: str | None = None
    ) -> Response[bytes]:
        """Return the page on which people sign in, to come `back` to a page of this server."""
        local = self.server.config.sign_in.local
        parts = pages.sign_in_parts(local=local, provider=self.label, subject=subject, back=back)
        status = 200 if refusal is None else status_of(refusal)
        return pages.page("Sign in", parts, status=status, refusal=refusal)

    def invitation_page(self, refusal: RefusalError | None = None) -> Response[bytes]:
        """Return the page on which people use an invitation."""
        config = self.server.config
        parts = pages.invitation_parts(
            server=config.name, local=config.sign_in.local, provider=self.label
        )
        status = 200 if refusal is None else status_of(refusal)
        return pages.page("Use an invitation", parts, status=status, refusal=refusal)

    async def form(self, request: HttpRequest) -> dict[str, str]:
        """Return the fields that a form of our own pages sent."""
        sender = self.doors.stranger(request, "anonymous")
        require_same_origin(request, place_of(self.server))
        if not is_of(request, FORM):
            raise BadFormError("CONTENT_TYPE")
        async with self.doors.body(request, sender, BODY) as body:
            return read_fields(body)

    async def signed_in(
        self, request: HttpRequest, secret: str, back: str | None = None
    ) -> Response[Any]:
        """Return what sends a browser on with its new session; the one it had before ends.

        It goes to the page that was asked for, else to that of the session.
        """
        old = session_secret(self.server, request)
        if old is not None:
            async with self.server.db.write("session.replaced") as session:
                row = await sessions.find(session, old, self.server.clock())
                if row is not None:
                    await sessions.sign_out(session, row)
        response: Response[Any] = Redirect(back or "/session", status_code=303, headers=NO_STORE)
        set_cookie(response, place_of(self.server), SESSION_COOKIE, secret)
        return response

    def provider(self) -> AtProvider:
        """Return the way by the provider, or refuse where there is none."""
        if self.at_provider is None:
            raise WayClosedError("no provider is configured")
        return self.at_provider


def sign_in_routes(way: SignIn) -> list[Any]:
    """Return every route of signing in, of the session and of the shell's token."""

    @post("/sign-in/token", status_code=200)
    async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give the shell a token of 12 hours for a password: JSON, no cookie, no page."""
        place_of(way.server)
        address = way.doors.stranger(request, "anonymous")
        if not is_of(request, JSON):  # what another site's page may send unasked is none
            raise BadBodyError(f"Content-Type: {JSON}")
        async with way.doors.body(request, address, BODY) as body:
            asked = decoded(body, TokenAsked)
        shown = Shown(asked.subject, asked.password, asked.code)
        text, role = await way.by_password.token(address, shown, asked.role)
        answer = {"token": text, "role": role, "expires_in": STAFF_SECONDS_MAX}
        return json_response(answer, headers=NO_STORE)

    under = Router(
        "/",
        route_handlers=[
            *_password_routes(way),
            *_provider_routes(way),
            *session_routes(way.doors, BODY),
        ],
        exception_handlers={RefusalError: _refused(way)},
    )
    return [token, under]


def _password_routes(way: SignIn) -> list[Any]:
    @get("/sign-in")
    async def show(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Show the page on which people sign in."""
        way.doors.stranger(request, "anonymous")
        place_of(way.server)
        return way.page(back=_asked_for(request))

    @post("/sign-in", status_code=200)
    async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
        """Sign somebody in by a password; a form that is wrong is shown again."""
        form = await way.form(request)
        shown = Shown(form.get("subject", ""), form.get("password", ""), form.get("code", ""))
        try:
            secret, _ = await way.by_password.session(way.doors.address(request), shown)
        except RefusalError as refusal:
            return way.page(refusal, shown.subject, own_path(form.get("next")))
        return await way.signed_in(request, secret, own_path(form.get("next")))

    @get("/sign-in/invitation")
    async def invitation(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Show the page on which people use an invitation."""
        way.doors.stranger(request, "anonymous")
        place_of(way.server)
        return way.invitation_page()

    @post("/sign-in/invitation", status_code=200)
    async def redeem(request: Request[Any, Any, Any]) -> Response[Any]:
        """Use an invitation: for a password here, or for an account at the provider."""
        form, address = await way.form(request), way.doors.address(request)
        halves = Halves(form.get("first", "").strip(), form.get("second", "").strip())
        try:
            if form.get("way") == "provider":
                return await _begun(way, request, halves)
            secret, _ = await way.by_password.redeem(address, halves, form.get("password", ""))
        except (BadCodeError, WeakPasswordError) as refusal:
            return way.invitation_page(refusal)
        return await way.signed_in(request, secret)

    return [show, sign_in, invitation, redeem]


def _provider_routes(way: SignIn) -> list[Any]:
    @get("/sign-in/provider")
    async def begin(request: Request[Any, Any, Any]) -> Response[Any]:
        """Send a browser to the provider."""
        way.doors.stranger(request, "anonymous")
        return await _begun(way, request, None, _asked_for(request))

    @get(CALLBACK)
    async def callback(request: Request[Any, Any, Any]) -> Response[Any]:
        """Take the provider's answer, which a browser brings."""
        address = way.doors.stranger(request, "anonymous")
        browser = cookie_of(request, place_of(way.server).cookie(BROWSER_COOKIE))
        query = request.scope["query_string"].decode("latin-1")
        secret, back = await way.provider().finish(address, query, browser)
        return await way.signed_in(request, secret, back)

    return [begin, callback]


async def _begun(
    way: SignIn, request: HttpRequest, halves: Halves | None, back: str | None = None
) -> Response[Any]:
    """Begin at the provider in this browser.

    With an invitation the way goes on by a link: a redirect after a form would have to be one that
    the page's policy (`form-action`) names, and nobody knows where a provider sends people.
    """
    place = place_of(way.server)
    browser = cookie_of(request, place.cookie(BROWSER_COOKIE)) or ""
    if len(browser) != BROWSER_LENGTH:
        browser = secrets.token_urlsafe(32)
    url = await way.provider().begin(way.doors.address(request), browser, halves, back)
    response: Response[Any]
    if halves is None:
        response = Redirect(url, status_code=303, headers=NO_STORE)
    else:
        response = pages.page("Use an invitation", pages.onward_parts(url, way.label or ""))
    set_cookie(response, place, BROWSER_COOKIE, browser)
    return response


def _asked_for(request: HttpRequest) -> str | None:
    """Return the page of this server to come back to, None where none is named (BAD_FORM)."""
    return own_path(read_fields(request.scope["query_string"]).get("next"))


def is_of(request: HttpRequest, media_type: str) -> bool:
    """Tell whether a request says that its body is of a media type."""
    said = request.headers.get("content-type", "")
    return said.partition(";")[0].strip().lower() == media_type


def _refused(way: SignIn) -> Any:
    def answer(request: HttpRequest, refusal: RefusalError) -> Response[bytes]:
        """Show a refusal as a page on which the person can go on."""
        del request
        return way.page(refusal)

    return answer
