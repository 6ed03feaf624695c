"""The member's terms: pulled from the node, checked, kept, and served to everybody."""

import pytest

from federation.access.wire import Answer, UnreachableError
from federation.gate.refusals import SiteRefusalError
from federation.site.terms import MalformedTermsError, TermsNotServedError, TermsSource

GOOD = b'<?xml version="1.0"?><rsl xmlns="https://rslstandard.org/rsl"><content url="/"/></rsl>'
BOT = [("User-Agent", "GPTBot/1.2")]


class Node:
    def __init__(self):
        self.answer, self.calls = Answer(200, {"etag": '"1"'}, GOOD), []

    def __call__(self, call):
        self.calls.append(call)
        if self.answer is None:
            raise UnreachableError("down")
        return self.answer


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def make(node, tmp_path):
    path = tmp_path / "state" / "license.xml"
    return lambda: TermsSource("https://node.example/", "M 17", path=path, fetch=node)


def body(source):
    return None if source.current() is None else source.current().body


def test_terms_are_kept_asked_for_by_their_etag_and_survive_a_restart(make, node):
    source = make()
    assert source.current() is None
    source.refresh()
    node.answer = Answer(304, {}, b"")
    source.refresh()

    assert body(source) == body(make()) == GOOD
    first, second = node.calls
    assert first.url == "https://node.example/sites/M%2017/license.xml"
    assert (first.headers.get("If-None-Match"), second.headers["If-None-Match"]) == (None, '"1"')


def test_a_process_without_terms_takes_what_another_one_has_on_disk(make, node):
    cold = make()
    assert cold.current() is None
    make().refresh()
    node.answer = None

    assert body(cold) == GOOD


WRONG = {
    "nothing": b"",
    "a page": b"<html><body>Not here</body></html>",
    "another namespace": b'<rsl xmlns="https://rsl.example/"/>',
    "no namespace": b"<rsl/>",
    "two roots": GOOD + GOOD,
    "a torn one": GOOD[:-3],
    "entities": b'<!DOCTYPE rsl [<!ENTITY a "b">]>' + GOOD.partition(b"?>")[2],
    "another encoding": GOOD.replace(b"url", b"\xff"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_document_of_terms_changes_nothing(make, node, name):
    source = make()
    source.refresh()
    node.answer = Answer(200, {}, WRONG[name])

    with pytest.raises(MalformedTermsError):
        source.refresh()
    assert body(source) == body(make()) == GOOD


def test_a_node_that_serves_none_leaves_what_is_held(make, node):
    source = make()
    source.refresh()
    node.answer = Answer(404, {}, b"")
    source.refresh()
    for answer, kind in ((Answer(500, {}, b""), TermsNotServedError), (None, UnreachableError)):
        node.answer = answer
        with pytest.raises(kind):
            source.refresh()

    assert body(source) == GOOD


def test_terms_on_disk_that_were_tampered_with_are_set_aside(make, tmp_path):
    make().refresh()
    (tmp_path / "state" / "license.xml").write_bytes(b"<html/>")

    assert make().current() is None


@pytest.mark.parametrize("headers", [[], BOT, [("User-Agent", "Mozilla/5.0")]])
async def test_the_gate_answers_with_the_terms_whoever_asks(site, make, headers):
    source = make()
    source.refresh()
    gate = site.make_gate(terms=source)

    answer = await site.get("/license.xml", headers=headers, gate=gate)

    assert (answer.status_code, answer.content) == (200, GOOD)
    assert answer.headers["content-type"] == "application/rsl+xml"
    assert (site.visits, site.events()) == ([], [])


async def test_before_any_terms_have_come_the_application_is_asked(site, make):
    answer = await site.get("/license.xml", headers=BOT, gate=site.make_gate(terms=make()))

    assert (answer.status_code, site.visits) == (200, ["/license.xml"])


async def test_a_site_that_has_its_terms_elsewhere_answers_itself(site, make):
    source = make()
    source.refresh()
    gate = site.make_gate(terms=source, licence_xml="https://pub.example/legal/terms.xml")

    await site.get("/license.xml", gate=gate)
    assert site.visits == ["/license.xml"]


def test_the_refusals_here_are_no_answers_to_crawlers():
    assert not issubclass(TermsNotServedError, SiteRefusalError)
