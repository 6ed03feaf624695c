"""Whatever stands in any field that a page shows, or was typed into any form, is text there.

The answers are made up by the schema, so that a new field or page is among them by itself.
"""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from federation.console.pages import PAGES, pages_of
from federation.console.shown import Sent, Shown, Visitor
from federation.schema.hub import schema as hub
from federation.schema.node import schema as node
from federation.trust.principals import Principal
from federation.values.roles import Role
from tests.console.made_answers import Made

SCHEMAS = {"hub": hub._schema, "node": node._schema}
MARKUP = """'"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"""
LINKS = ("javascript:alert(1)//", "//else.example/", "https://else.example/")
QUERY = {
    "urls": "https://news.example/",
    "url": "https://news.example/",
    "uses.TRAIN": "on",
    "number": "INV-1",
    "of-1": "GB",
    "for-1": "TRAIN|standard",
    "units-1": "1",
    "period": "2026-09",
    "old": "a",
    "kind": MARKUP,
    "q": MARKUP,
}
WHO = Principal("ann", frozenset(Role), "m-1")
SHOWN = [(role, page) for role in ("hub", "node") for page in pages_of(role)]


class Parts(HTMLParser):
    """What a page is made of: its tags, attributes that act, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.acting, self.leads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        is_ours = tag == "script" and re.fullmatch(r"/console/files/\w+\.js", said.get("src", ""))
        self.tags.add("a script of ours" if is_ours else tag)
        self.acting += [name for name in said if name.startswith("on") or name == "style"]
        wanted = ("href", "src", "action", "formaction", "data-to", "data", "srcset", "content")
        self.leads += [said[name] for name in wanted if name in said and tag != "meta"]

    def require_harmless(self):
        assert self.tags.isdisjoint({"script", "img", "iframe", "object", "style", "base"})
        assert self.acting == []
        assert [each for each in self.leads if not re.match(r"/(?![/\\])|#|data:,$", each)] == []


def place_of_tests(role, answer):
    async def ask(document, variables, _):
        return {"data": answer(document, variables)}

    server = SimpleNamespace(
        code="HUB" if role == "hub" else "GB",
        config=SimpleNamespace(name=MARKUP),
        url="http://127.0.0.1:1",
        clock=lambda: datetime(2026, 9, 20, 12, tzinfo=UTC),
    )
    return Shown(server, ask, pages_of(role))


def asked_for(page):
    names = re.findall(r"{(\w+):str}", page.path)
    params = {name: QUERY["period"] if name == "period" else MARKUP for name in names}
    scope = {
        "path": re.sub(r"{(\w+):str}", lambda found: params[found[1]], page.path),
        "query_string": urlencode(QUERY).encode(),
        "method": "GET",
        "headers": [],
    }
    return SimpleNamespace(scope=scope, path_params=params, headers={"accept": "text/html"})


def typed(act):
    lines = [f"{name}.0" for name in ("kind", "ref", "amount", "note")]
    names = [*act.document.variables, *lines, "row", "party", "name", "url", "reason", "days"]
    return dict.fromkeys(names, MARKUP) | {"act": act.name}


async def seen(role, page, made, sent=None):
    shown = place_of_tests(role, made.answer)
    answer = await shown.page(page, asked_for(page), Visitor(WHO, "ann", "S" * 43), sent)
    assert answer.status_code == (200 if sent is None else sent.status), page.path
    return answer.content.decode()


@pytest.mark.parametrize(("role", "page"), SHOWN, ids=lambda of: getattr(of, "path", of))
async def test_what_a_field_says_is_text_on_every_page(role, page):
    words = Made(SCHEMAS[role], MARKUP)
    for turn in range(words.turns(page.document.text)):
        text = await seen(role, page, Made(SCHEMAS[role], MARKUP, turn))
        Parts(text).require_harmless()
        assert "<script>alert" not in text
    for link in LINKS:
        Parts(await seen(role, page, Made(SCHEMAS[role], link))).require_harmless()
    Parts(await seen(role, page, Made(SCHEMAS[role], MARKUP, nulls=True))).require_harmless()


@pytest.mark.parametrize(("role", "page"), SHOWN, ids=lambda of: getattr(of, "path", of))
async def test_what_was_typed_and_why_it_was_refused_is_text_on_every_page(role, page):
    made = Made(SCHEMAS[role], "a")
    for act in page.acts:
        sent = Sent(act.name, typed(act), 422, MARKUP, MARKUP)
        Parts(await seen(role, page, made, sent)).require_harmless()
        if act.shows is not None:
            shown, request = place_of_tests(role, made.answer), asked_for(page)
            visitor = Visitor(WHO, "ann", "S" * 43)
            [found] = Made(SCHEMAS[role], MARKUP).answer(act.document.text, {}).values()
            answer = shown.answer(page, act, shown.asked(request, visitor), visitor, found)
            Parts(answer.content.decode()).require_harmless()


def test_there_are_pages_and_acts_of_both_servers():
    assert {page.path for _, page in SHOWN} == {page.path for page in PAGES}
    assert sum(bool(page.acts) for _, page in SHOWN) > 20
