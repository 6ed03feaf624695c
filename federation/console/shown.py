"""Showing a page: its document is asked as the visitor, and its answer becomes HTML, or JSON."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response
from litestar.response import Redirect

from federation.accounts.sessions import proof_of
from federation.console.language import LANGUAGE_COOKIE, SOURCE, language_of, languages
from federation.console.page import Act, Asked, Page
from federation.console.rendering import HEADERS, rendered
from federation.console.words import GROUPS, role_name
from federation.edge.bodies import HttpRequest
from federation.edge.forms import read_fields
from federation.edge.http import REFUSED_STATUS, STATUS, json_response
from federation.edge.sessions import NotHereError, cookie_of, place_of
from federation.schema.context import Context
from federation.schema.in_process import Asking
from federation.server import Server
from federation.trust.principals import Principal

FOUND_NOTHING: Final = 404  # at this address there is no such thing


class Visitor(NamedTuple):
    """Who looks at a page: nobody, or a person by its session's `secret`, or by a token."""

    principal: Principal | None
    asker: str
    secret: str | None = None


@dataclass(frozen=True)
class Sent:
    """A form that was sent and did not act: what was typed stays, and why it did not is said.

    `code` and `message` are the server's refusal; of a `notice` the pages' own words.
    """

    act: str
    form: Mapping[str, str]
    status: int
    code: str | None = None
    message: str = ""
    notice: str = ""

    def is_of(self, act: str, row: str) -> bool:
        """Tell whether this is a form of the page: by its act, and the row it stands in."""
        return self.act == act and self.form.get("row", "") == row


class Shown:
    """Shows the pages of one server."""

    def __init__(self, server: Server, ask: Asking, pages: Sequence[Page]) -> None:
        self.server, self._ask, self.pages = server, ask, pages
        self._done = {act.name: act.done for page in pages for act in page.acts}

    async def ask(self, document: str, variables: Mapping[str, Any], visitor: Visitor) -> Any:
        """Run a document as the visitor; return the answer as a program would get it."""
        context = Context(server=self.server, principal=visitor.principal, asker=visitor.asker)
        return await self._ask(document, variables, context)

    def asked(self, request: HttpRequest, visitor: Visitor) -> Asked:
        """Return what a request asks of a page (BAD_FORM)."""
        return Asked(
            here=quote(request.scope["path"]),
            server=self.server.code,
            name=self.server.config.name,
            principal=visitor.principal,
            language=self.language(request),
            today=self.server.clock().date(),
            params={name: str(value) for name, value in request.path_params.items()},
            query=read_fields(request.scope["query_string"]),
        )

    def language(self, request: HttpRequest) -> str:
        """Return the language that the person chose, or the browser accepts."""
        try:
            chosen = cookie_of(request, place_of(self.server).cookie(LANGUAGE_COOKIE))
        except NotHereError:
            chosen = None
        return language_of(chosen, request.headers.get("accept-language"))

    async def page(
        self, page: Page, request: HttpRequest, visitor: Visitor, sent: Sent | None = None
    ) -> Response[Any]:
        """Return a page; whom it is refused to as nobody is led to sign in and back here."""
        asked = self.asked(request, visitor)
        variables = page.variables(page, asked)
        answer = await self.ask(page.document.text, variables, visitor)
        errors = [_shown(error) for error in answer.get("errors", [])]
        codes = [error["code"] for error in errors]
        # A page for some offices may ask what is everybody's, or nothing yet.
        is_for_somebody = "NOT_AUTHENTICATED" in codes or page.shown_to is not None
        if visitor.principal is None and is_for_somebody:
            return _to_sign_in(asked.link())
        if _wants_json(request):
            return json_response(answer, _status(answer, codes), dict(HEADERS))
        where = page.leads_to(answer.get("data") or {}, asked)
        if where is not None:
            return _elsewhere(where)
        is_whole = _is_whole(answer) or page.is_a_question
        values = self.frame(asked, visitor, title=page.title) | {
            "page": page,
            "sent": sent,
            "errors": errors,
            "is_whole": is_whole,
            "document": page.document.text,
            "variables": msgspec.json.format(msgspec.json.encode(variables), indent=2).decode(),
            "explored": urlencode(
                {"query": page.document.text, "variables": msgspec.json.encode(variables).decode()}
            ),
            "done": self._done.get(asked.query.get("said", "")),
        }
        if is_whole:
            values |= page.view(answer.get("data") or {}, asked)
        status = sent.status if sent is not None else _status(answer, codes)
        template = page.template if is_whole else "shell/unanswered.html"
        return rendered(template, values, asked.language, status=status)

    def answer(
        self, page: Page, act: Act, asked: Asked, visitor: Visitor, data: Mapping[str, Any]
    ) -> Response[Any]:
        """Show what a mutation answered: a secret is on this one page, and nowhere else."""
        values = self.frame(asked, visitor, title=page.title)
        values |= {"answer": data, "done": act.done}
        return rendered(str(act.shows), values, asked.language)

    def frame(self, asked: Asked, visitor: Visitor, *, title: str) -> dict[str, Any]:
        """Return what every page has around what is its own."""
        menu = [
            (
                group,
                [
                    page
                    for page in self.pages
                    if page.group == group and page.is_in_menu_of(visitor.principal)
                ],
            )
            for group in GROUPS
        ]
        who = visitor.principal
        return {
            "title": title,
            "asked": asked,
            "menu": [(group, shown) for group, shown in menu if shown],
            "who": who,
            "office": role_name(who),
            "csrf": "" if visitor.secret is None else proof_of(visitor.secret),
            "once": lambda: secrets.token_urlsafe(32),
            "languages": languages(),
            "source": SOURCE,
        }


def _to_sign_in(here: str) -> Response[Any]:
    """Lead to where one signs in, and from there back."""
    return _elsewhere(f"/sign-in?{urlencode({'next': here})}")


def _elsewhere(where: str) -> Response[Any]:
    """Lead to another page of this server."""
    return Redirect(where, status_code=303, headers={"Cache-Control": "no-store"})


def _shown(error: Mapping[str, Any]) -> dict[str, str]:
    """Return of an error what a page says: where, why, and its code."""
    where = ".".join(str(step) for step in error.get("path") or ())
    code = (error.get("extensions") or {}).get("code", "")
    return {"where": where, "message": error["message"], "code": code}


def _wants_json(request: HttpRequest) -> bool:
    said = request.headers.get("accept", "")
    return request.scope["method"] == "GET" and "json" in said and "html" not in said


def _is_whole(answer: Mapping[str, Any]) -> bool:
    """Tell whether every field at the root was answered; below it, what may be missing is null."""
    data = answer.get("data")
    failed = {error["path"][0] for error in answer.get("errors", []) if error.get("path")}
    return data is not None and all(data.get(name) is not None for name in failed)


def _status(answer: Mapping[str, Any], codes: Sequence[str]) -> int:
    if _is_whole(answer):
        return 200
    if "UNEXPECTED" in codes:
        return 500
    known = [STATUS[code] for code in codes if code in STATUS]
    is_unknown = any(code.startswith("UNKNOWN_") for code in codes)
    return known[0] if known else FOUND_NOTHING if is_unknown else REFUSED_STATUS
