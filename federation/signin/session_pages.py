"""The pages of who is signed in: as whom, in which role, a token for the shell, the way out."""

from datetime import datetime
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.response import Redirect

from federation import quotas
from federation.accounts import sessions
from federation.accounts.tables import PersonSession
from federation.edge.bodies import BodyLimit, HttpRequest
from federation.edge.doors import Doors
from federation.edge.forms import read_fields
from federation.edge.sessions import (
    SESSION_COOKIE,
    CrossSiteError,
    SessionOverError,
    drop_cookie,
    live_session,
    place_of,
    require_same_origin,
    session_secret,
    set_cookie,
)
from federation.people import store as people
from federation.people.audit import Act, record
from federation.people.directory import roles_of
from federation.people.tables import PersonVersion
from federation.server import Server
from federation.signin import pages
from federation.signing.tokens import mint_staff_token
from federation.store.sessions import ReadSession

NO_STORE = {"Cache-Control": "no-store"}
CSRF_FIELD = "csrf_token"


class SessionForms:
    """Reads the forms of a session's own pages, and refuses any other."""

    def __init__(self, doors: Doors, limit: BodyLimit) -> None:
        self.server = doors.server
        self._doors, self._limit = doors, limit

    async def read(
        self, request: HttpRequest, act: quotas.Act | None = None
    ) -> tuple[str, dict[str, str]]:
        """Return the session's secret and the fields of the form (CROSS_SITE, TOO_MANY_REQUESTS).

        An `act` counts for the person, whatever the address.
        """
        server = self.server
        sender = self._doors.stranger(request, "anonymous")
        require_same_origin(request, place_of(server))
        secret = session_secret(server, request)
        who = None if secret is None else await live_session(server, secret)
        if secret is None or who is None:
            raise SessionOverError
        async with self._doors.body(request, sender, self._limit) as body:
            form = read_fields(body)
        if not sessions.proves(secret, form.get(CSRF_FIELD, "")):
            raise CrossSiteError(f"no {CSRF_FIELD}, or not this session's")
        if act is not None:
            server.quotas.take(who.person, act)
        return secret, form


def session_routes(doors: Doors, limit: BodyLimit) -> list[Any]:
    """Return the routes of a session: its page, its role, a token for the shell, its end."""
    return [_page_route(doors), *_form_routes(SessionForms(doors, limit))]


def _page_route(doors: Doors) -> Any:
    server = doors.server

    @get("/session")
    async def show(request: Request[Any, Any, Any]) -> Response[Any]:
        """Say who is signed in, or lead to where one signs in.

        A script that asks for JSON is told what proves that a page of this server asks with the
        session: `{"csrf_token": "..."}`, null without a session.
        """
        doors.stranger(request, "anonymous")
        secret = session_secret(server, request)
        if secret is not None and await live_session(server, secret) is None:
            secret = None
        if request.headers.get("accept") == MediaType.JSON:
            proof = None if secret is None else sessions.proof_of(secret)
            return Response({CSRF_FIELD: proof}, headers=NO_STORE)
        if secret is None:
            return _to_sign_in(server)
        async with server.db.read() as session:
            row, person = await _own(session, secret, server.clock())
        parts = pages.session_parts(
            name=person.name,
            subject=row.person,
            role=row.role,
            others=[role for role in roles_of(person) if role != row.role],
            proof=sessions.proof_of(secret),
        )
        return pages.page("Signed in", parts)

    return show


def _form_routes(forms: SessionForms) -> list[Any]:
    server = forms.server

    @post("/session/role", status_code=200)
    async def act_as(request: Request[Any, Any, Any]) -> Response[Any]:
        """Go on in another role, under a new cookie."""
        secret, form = await forms.read(request, "session")
        async with server.db.write("session.role") as session:
            row, person = await _own(session, secret, server.clock())
            fresh = await sessions.act_as(session, row, person, form.get("role", ""))
        response: Response[Any] = Redirect("/session", status_code=303, headers=NO_STORE)
        set_cookie(response, place_of(server), SESSION_COOKIE, fresh)
        return response

    @post("/session/token", status_code=200)
    async def token(request: Request[Any, Any, Any]) -> Response[Any]:
        """Show a token for the shell, in the session's role, for as long as it would last."""
        secret, _ = await forms.read(request, "session")
        now, key = server.clock(), (await server.keys.current()).token
        async with server.db.write("session.token") as session:
            row, _ = await _own(session, secret, now)
            detail = {"way": row.way, "session": row.number, "token_role": row.role}
            await record(session, row.person, Act.SIGN_IN, row.person, detail)
            text = mint_staff_token(
                key,
                server=server.config.entity_id,
                subject=row.person,
                role=row.role,
                now=await sessions.signed_from(session, row.person, now),
                seconds=max(1, int((row.ends_at - now).total_seconds())),
            )
        return pages.page("A token for the shell", pages.token_parts(text, server.url))

    @post("/session/end", status_code=200)
    async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
        """End the session."""
        secret, _ = await forms.read(request)
        async with server.db.write("session.end") as session:
            row, _ = await _own(session, secret, server.clock())
            await sessions.sign_out(session, row)
        return _to_sign_in(server)

    return [act_as, token, sign_out]


async def _own(
    session: ReadSession, secret: str, now: datetime
) -> tuple[PersonSession, PersonVersion]:
    """Return a session and its person, as they stand in this transaction."""
    row = await sessions.find(session, secret, now)
    person = None if row is None else await people.person_in_force(session, row.person)
    if row is None or person is None or row.role not in roles_of(person):
        raise SessionOverError
    return row, person


def _to_sign_in(server: Server) -> Response[Any]:
    response: Response[Any] = Redirect("/sign-in", status_code=303, headers=NO_STORE)
    drop_cookie(response, place_of(server), SESSION_COOKIE)
    return response
