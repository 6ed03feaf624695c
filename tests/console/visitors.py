"""Who looks at the console in tests: a browser without scripts, at one server, of one person."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx

from federation.accounts import sessions
from federation.edge.sessions import SESSION_COOKIE, place_of
from federation.people import store as people

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@dataclass
class Form:
    """A form of a page: where it goes, and what is in its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Reads the forms of a page whose method is POST."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._area: str | None = None

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag == "form":
            self.found.append(Form(said.get("action", "")))
        elif self.found and tag == "input" and said.get("type") not in {"checkbox", "radio"}:
            self.found[-1].fields[said["name"]] = said.get("value") or ""
        elif self.found and tag == "textarea":
            self._area = said["name"]
            self.found[-1].fields[self._area] = ""

    def handle_data(self, data):
        if self._area is not None:
            self.found[-1].fields[self._area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None


@dataclass
class Seen:
    """What a visitor was answered."""

    status: int
    text: str
    location: str
    headers: httpx.Headers

    @property
    def words(self) -> str:
        """Return what a person reads, without the API at its foot."""
        body = self.text.partition("<main")[2].partition('<details class="api">')[0]
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body))).strip()

    @property
    def alert(self) -> str | None:
        """Return what a person reads of a refusal."""
        found = re.search(r'<(p|div)[^>]*role="alert">(.*?)</\1>', self.text, re.DOTALL)
        return None if found is None else unescape(re.sub(r"<[^>]*>", "", found[2])).strip()

    @property
    def menu(self) -> list[str]:
        """Return the paths of the menu."""
        return re.findall(r'<li><a href="([^"]+)"', self.text.partition('<nav id="menu"')[2])

    def form(self, act: str, row: str = "") -> Form:
        """Return the form of an act, in a row."""
        reader = _Forms()
        reader.feed(self.text)
        [found] = [
            each
            for each in reader.found
            if each.fields.get("act") == act and row in {"", each.fields.get("row")}
        ]
        return found


@dataclass
class Visitor:
    """A browser at one server. `server` is the running one, `secret` what its cookie holds."""

    server: Any
    http: httpx.AsyncClient
    secret: str | None = None
    subject: str = ""
    office: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def see(self, path: str, **headers: str) -> Seen:
        """Open a page."""
        return await self._asked("GET", path, None, headers)

    async def send(self, form: Form, *, headers: dict[str, str] | None = None, **more: str) -> Seen:
        """Send a form with what is typed into it."""
        sent = {"Sec-Fetch-Site": "same-origin", "Origin": self.server.url, **(headers or {})}
        return await self._asked("POST", form.action, form.fields | more, sent)

    async def _asked(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Seen:
        own = {"Accept": "text/html", **self.headers}
        if self.secret is not None:
            own["Cookie"] = f"{place_of(self.server).cookie(SESSION_COOKIE)}={self.secret}"
        sent = {name: text for name, text in {**own, **headers}.items() if text}
        answer = await self.http.request(
            method, f"{self.server.url}{path}", data=data, headers=sent, follow_redirects=False
        )
        location = answer.headers.get("Location", "")
        return Seen(answer.status_code, answer.text, location, answer.headers)


async def signed_in(server: Any, http: httpx.AsyncClient, subject: str, role: str) -> Visitor:
    """Return the browser of a person who has signed in, in one of its roles."""
    async with server.db.write("test.sign_in") as session:
        person = await people.person_in_force(session, subject)
        now = server.clock()
        secret, row = await sessions.begin(session, person, sessions.PASSWORD, now=now)
        if row.role != role:
            secret = await sessions.act_as(session, row, person, role)
    return Visitor(server, http, secret, subject, role)
