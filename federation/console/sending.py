"""Sending a form of a page: one act, one mutation, once; whatever was typed is never lost."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Response
from litestar.response import Redirect

from federation.accounts.sessions import SECRET_LENGTH, proves
from federation.console import store
from federation.console.page import N_, Act, Asked, Page
from federation.console.rendering import rendered
from federation.console.shown import Sent, Shown, Visitor
from federation.edge.auth import person
from federation.edge.bodies import BodyLimit, HttpRequest
from federation.edge.doors import Doors
from federation.edge.forms import FORM, BadFormError, read_fields
from federation.edge.http import REFUSED_STATUS, STATUS
from federation.edge.links import LENGTH_MAX
from federation.edge.sessions import live_session, place_of, require_same_origin, session_secret
from federation.errors import LaterError, RefusalError
from federation.schema.guards import UNEXPECTED
from federation.server import Server
from federation.store.failures import DatabaseDownError
from federation.store.messages import KIB
from federation.trust.principals import NotAuthenticatedError, Principal

BODY: Final = BodyLimit(512 * KIB, seconds=30)
FIELDS_MAX: Final = 1_024
# After which nobody knows whether a mutation was committed.
ENDS_NOT_KNOWN: Final = frozenset({UNEXPECTED, DatabaseDownError.code})
SENT_BEFORE: Final = N_(
    "This form was sent before, and how that ended is not known. Look whether it was done before "
    "you send it again."
)
NOT_KNOWN: Final = N_(
    "Whether this was done is not known. Look before you send it again, so that nothing is done "
    "twice."
)
SIGNED_IN_ANEW: Final = N_(
    "You have signed in anew. What you typed is here: look at it, and send it."
)


class Outcome(NamedTuple):
    """How a form ended: where the browser goes, or the server's code and words for why not.

    A `notice` says that nobody knows. `answer` is what the mutation answered just now.
    """

    led_to: str | None
    code: str = ""
    message: str = ""
    notice: str = ""
    answer: Mapping[str, Any] | None = None

    @property
    def status(self) -> int:
        """Return the HTTP status of one that leads nowhere."""
        if self.code == UNEXPECTED:
            return 500
        return STATUS.get(self.code, 409 if self.notice else REFUSED_STATUS)


class Sending:
    """Takes the forms of the pages of one server process."""

    def __init__(self, doors: Doors, shown: Shown) -> None:
        self._doors, self._shown = doors, shown
        self._running: dict[tuple[str, str], asyncio.Future[Outcome]] = {}

    @property
    def server(self) -> Server:
        """Return whose pages these are."""
        return self._shown.server

    async def take(self, page: Page, request: HttpRequest) -> Response[Any]:
        """Carry out what a form of a page says, or show it again with what was typed.

        Refuses what no page of this server sent (CROSS_SITE, BAD_FORM), before it is read.
        """
        form = await self._read(request)
        secret = session_secret(self.server, request)
        principal = await self._who(secret)
        if principal is None or secret is None:
            return self._again(request, form)
        self.server.quotas.take(principal.subject, "graphql")
        visitor = Visitor(principal, principal.subject, secret)
        act = page.acts_by_name.get(form.get("act", ""))
        if act is None:
            raise BadFormError("act")
        if not proves(secret, form.get("csrf_token", "")):
            sent = Sent(act.name, form, 200, notice=SIGNED_IN_ANEW)
            return await self._shown.page(page, request, visitor, sent)
        asked = self._shown.asked(request, visitor)
        try:
            outcome = await self._once(act, asked, visitor, form)
        except RefusalError as refusal:
            outcome = Outcome(None, refusal.code, refusal.message)
        if act.shows is not None and outcome.answer is not None:
            return self._shown.answer(page, act, asked, visitor, outcome.answer)
        if outcome.led_to is not None:
            return Redirect(outcome.led_to, status_code=303, headers={"Cache-Control": "no-store"})
        sent = Sent(act.name, form, outcome.status, outcome.code, outcome.message, outcome.notice)
        return await self._shown.page(page, request, visitor, sent)

    async def _read(self, request: HttpRequest) -> dict[str, str]:
        sender = self._doors.stranger(request, "anonymous")
        require_same_origin(request, place_of(self.server))
        said = request.headers.get("content-type", "")
        if said.partition(";")[0].strip().lower() != FORM:
            raise BadFormError("CONTENT_TYPE")
        async with self._doors.body(request, sender, BODY) as body:
            return read_fields(body, fields_max=FIELDS_MAX)

    async def _who(self, secret: str | None) -> Principal | None:
        row = None if secret is None else await live_session(self.server, secret)
        try:
            return None if row is None else await person(self.server, row.person, row.role)
        except NotAuthenticatedError:
            return None  # the role was taken away

    def _again(self, request: HttpRequest, form: Mapping[str, str]) -> Response[Any]:
        """Keep what was typed while somebody whose session is over signs in again."""
        visitor = Visitor(None, self._doors.address(request))
        asked = self._shown.asked(request, visitor)
        values = self._shown.frame(asked, visitor, title=N_("Your session is over"))
        values["typed"] = {name: text for name, text in form.items() if name != "csrf_token"}
        return rendered("shell/again.html", values, asked.language, status=401)

    async def _once(
        self, act: Act, asked: Asked, visitor: Visitor, form: Mapping[str, str]
    ) -> Outcome:
        """Do an act once for each one-time key: who sends it twice gets the same outcome twice."""
        key = form.get("once", "")
        if len(key) != SECRET_LENGTH:
            raise BadFormError("once")
        name = (visitor.asker, key)
        if name in self._running:
            return await asyncio.shield(self._running[name])
        running = self._running[name] = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._claimed(act, asked, visitor, form)
            running.set_result(outcome)
        except BaseException as error:
            running.set_exception(error)
            running.exception()  # looked at: nobody else may be waiting
            raise
        finally:
            del self._running[name]
        return outcome

    async def _claimed(
        self, act: Act, asked: Asked, visitor: Visitor, form: Mapping[str, str]
    ) -> Outcome:
        db, key = self.server.db, form["once"]
        variables = act.filled({**form, "key": key}, asked)
        async with db.write("console.claim") as session:
            before = await store.claim(session, visitor.asker, key, self.server.clock())
            if before is not None:
                return Outcome(before.led_to, notice=SENT_BEFORE)
        try:
            answer = await self._shown.ask(act.document.text, variables, visitor)
            outcome = outcome_of(act, answer, asked)
        except RefusalError as refusal:  # over a quota: nothing ran
            outcome = Outcome(None, refusal.code, refusal.message)
        with suppress(LaterError):  # what is not noted is not known to who sends the form again
            await self._note(visitor.asker, key, outcome)
        return outcome

    async def _note(self, person: str, key: str, outcome: Outcome) -> None:
        """Note where a form led to, or that nothing was done by it."""
        async with self.server.db.write("console.sent") as session:
            if outcome.led_to is not None:
                await store.done(session, person, key, outcome.led_to)
            elif not outcome.notice:
                await store.refused(session, person, key)


def outcome_of(act: Act, answer: Mapping[str, Any], asked: Asked) -> Outcome:
    """Return how a mutation ended, by its answer."""
    for error in answer.get("errors", []):
        code = (error.get("extensions") or {}).get("code", "")
        notice = NOT_KNOWN if code in ENDS_NOT_KNOWN else ""
        return Outcome(None, code, error["message"], notice)
    data = answer["data"]
    found = next(iter(data.values()))
    if isinstance(found, dict) and found.get("__typename") == "Refused":
        return Outcome(None, found["code"], found["message"])
    led_to = _with(asked.link() if act.then is None else act.then(data, asked), act.name)
    if len(led_to) > LENGTH_MAX:  # it is kept for a day
        led_to = _with(asked.here, act.name)
    return Outcome(led_to, answer=found if isinstance(found, dict) else None)


def _with(where: str, said: str) -> str:
    """Add to an address what is said there."""
    parts = urlsplit(where)
    pairs = [pair for pair in parse_qsl(parts.query) if pair[0] != "said"]
    return parts._replace(query=urlencode([*pairs, ("said", said)])).geturl()
