"""The routes of the console: each page and its forms at its path, the files, the language."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from federation.console.language import LANGUAGE_COOKIE, languages
from federation.console.page import N_, Page
from federation.console.rendering import rendered
from federation.console.sending import BODY, Sending
from federation.console.shown import Shown, Visitor
from federation.console.static_files import FILES_PATH, console_files
from federation.edge.bodies import HttpRequest
from federation.edge.doors import Doors
from federation.edge.explorer import file_route
from federation.edge.forms import read_fields
from federation.edge.http import headers_of, http_response, refusal_response, status_of
from federation.edge.links import own_path
from federation.edge.sessions import (
    place_of,
    require_same_origin,
    session_secret,
    set_cookie,
    who_asks,
)
from federation.errors import RefusalError
from federation.schema.in_process import Asking
from federation.trust.principals import NotAuthenticatedError
from federation.values.plain import require_plain_text

YEAR_SECONDS = 31_536_000


class UnknownPageError(RefusalError):
    """Nothing is at this address."""

    code: ClassVar[str] = "NO_PAGE"


def console_routes(doors: Doors, ask: Asking, pages: Sequence[Page]) -> list[Any]:
    """Return every route of the console; `ask` runs documents of this server's schema."""
    shown = Shown(doors.server, ask, pages)
    sending = Sending(doors, shown)
    under = Router(
        "/",
        route_handlers=[
            *(_show_route(doors, shown, page) for page in pages),
            *(_send_route(sending, page) for page in pages if page.acts),
            _language_route(doors),
        ],
        exception_handlers={RefusalError: _refused(shown)},
    )
    return [file_route(doors, FILES_PATH, console_files), under]


def _show_route(doors: Doors, shown: Shown, page: Page) -> HTTPRouteHandler:
    @get(page.path)
    async def show(request: Request[Any, Any, Any]) -> Response[Any]:
        return await shown.page(page, request, await _visitor(doors, request))

    return show


def _send_route(sending: Sending, page: Page) -> HTTPRouteHandler:
    @post(page.path, status_code=200)
    async def send(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sending.take(page, request)

    return send


def _language_route(doors: Doors) -> HTTPRouteHandler:
    """Keep a language in a cookie; a person, and nobody too, may choose one."""

    @post("/console/language", status_code=200)
    async def choose(request: Request[Any, Any, Any]) -> Response[Any]:
        sender, place = doors.stranger(request, "anonymous"), place_of(doors.server)
        require_same_origin(request, place)
        async with doors.body(request, sender, BODY) as body:
            form = read_fields(body)
        where = own_path(form.get("next")) or "/"
        response: Response[Any] = Redirect(where, status_code=303)
        if form.get("language") in languages():
            set_cookie(response, place, LANGUAGE_COOKIE, form["language"], seconds=YEAR_SECONDS)
        return response

    return choose


async def _visitor(doors: Doors, request: HttpRequest) -> Visitor:
    """Return who looks, within the quota; whose session is over is nobody."""
    try:
        who = await who_asks(doors.server, request)
    except NotAuthenticatedError:
        who = None
    except RefusalError:
        doors.stranger(request, "anonymous")
        raise
    require_plain_text(request.scope["path"], "path")
    if who is None:
        return Visitor(None, doors.stranger(request, "anonymous"))
    doors.server.quotas.take(who.subject, "graphql")
    return Visitor(who, who.subject, session_secret(doors.server, request))


def unknown_page(doors: Doors, ask: Asking, pages: Sequence[Page]) -> Any:
    """Return what answers an address at which nothing is: a browser gets a page, others JSON."""
    show = _refused(Shown(doors.server, ask, pages))

    def answer(request: HttpRequest, error: NotFoundException) -> Response[Any]:
        is_looked_at = request.scope["method"] == "GET" and "html" in request.headers.get(
            "accept", ""
        )
        if not is_looked_at:
            return http_response(request, error)
        try:
            doors.stranger(request, "anonymous")
        except RefusalError as refusal:
            return refusal_response(request, refusal)
        request.scope.setdefault("path_params", {})  # it is no route of ours
        return cast("Response[Any]", show(request, UnknownPageError()))

    return answer


def _refused(shown: Shown) -> Any:
    def answer(request: HttpRequest, refusal: RefusalError) -> Response[Any]:
        """Say as a page why nothing was shown or done."""
        visitor = Visitor(None, "")
        language = shown.language(request)
        try:
            asked = shown.asked(request, visitor)
        except RefusalError:  # of its query
            request.scope["query_string"] = b""
            asked = shown.asked(request, visitor)
        values = shown.frame(asked, visitor, title=N_("Refused")) | {"refusal": refusal}
        status, headers = status_of(refusal), headers_of(refusal)
        return rendered("shell/refused.html", values, language, status=status, headers=headers)

    return answer
