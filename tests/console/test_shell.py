"""The shell of the console: who sees what, in which words, and what leads where."""

import re

import pytest

from federation.console.pages import PAGES
from federation.edge.links import own_path
from federation.values.party import HUB
from tests.console.visitors import CSP

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nobody_sees_public_pages_and_is_led_to_sign_in_and_back_from_others(nobody):
    start = await nobody.see("/")
    prices = ["/tariff", "/calculator"] if nobody.server.code == HUB else []
    public = ["/", *prices, "/rights", "/how"]
    asked = await nobody.see("/people?state=ENDED")
    form = await nobody.see(asked.location)

    assert (start.status, start.menu) == (200, public)
    assert "What waits" not in start.text
    assert f"This is the server of {nobody.server.config.name}." in start.words
    assert asked.status == 303
    assert asked.location == "/sign-in?next=%2Fpeople%3Fstate%3DENDED"
    assert '<input type="hidden" name="next" value="/people?state=ENDED">' in form.text


async def test_the_menu_is_of_the_office_and_the_rules_are_the_servers(sign_in):
    auditor, registry = await sign_in("ada", "auditor"), await sign_in("rosa", "registry_officer")
    shown, refused = await auditor.see("/people"), await registry.see("/people")

    assert "/people" in shown.menu
    assert (shown.status, "olga" in shown.words) == (200, True)
    assert "/people" not in refused.menu
    assert (refused.status, "NOT_ALLOWED" in refused.alert) == (403, True)
    assert "omar" not in refused.text


async def test_a_page_says_its_question_and_answers_programs_as_graphql_does(sign_in):
    auditor = await sign_in("ada", "auditor")
    page = await auditor.see("/people/olga")
    answer = await auditor.see("/people/olga", Accept="application/json")
    refused = await (await sign_in("rosa", "registry_officer")).see(
        "/people/olga", Accept="application/json"
    )

    assert "query Person($subject: String!, $first: Int!, $after: String)" in page.text
    assert "&#34;subject&#34;: &#34;olga&#34;" in page.text
    assert 'href="/graphql#query=query+Person' in page.text
    assert re.search(r'"subject":"olga","name":"olga"', answer.text)
    assert (refused.status, '"code":"NOT_ALLOWED"' in refused.text) == (403, True)


async def test_every_answer_has_the_policy_and_no_style_or_script_of_its_own(sign_in, nobody):
    auditor = await sign_in("ada", "auditor")
    for seen in (
        await nobody.see("/"),
        await auditor.see("/people"),
        await auditor.see("/people?state=NO_STATE"),
        await auditor.see("/people?state=ENDED&state=ENDED"),
    ):
        assert seen.headers["Content-Security-Policy"] == CSP
        assert seen.headers["Cache-Control"] == "no-store"
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=\"/)", seen.text
        )
        assert not re.search(r"(?:href|src|action)=\"(?!/|#|data:,\")", seen.text)


async def test_what_the_address_says_is_checked_by_the_server_and_shown_as_text(sign_in):
    auditor = await sign_in("ada", "auditor")
    wrong = await auditor.see("/people?state=%3Cscript%3E")
    twice = await auditor.see("/people?state=ENDED&state=ENDED")
    hostile = await auditor.see("/people/%3Cscript%3Ealert(1)%3C%2Fscript%3E")

    assert (wrong.status, "This page could not be answered" in wrong.alert) == (422, True)
    assert (twice.status, "BAD_FORM" in twice.alert) == (400, True)
    assert hostile.status == 404  # a path has one part more
    for seen in (wrong, twice):
        assert "<script>" not in seen.text


async def test_a_page_speaks_the_language_of_the_browser_or_the_one_that_was_chosen(nobody):
    german = await nobody.see("/", **{"Accept-Language": "de-AT,en;q=0.5"})
    other = await nobody.see("/", **{"Accept-Language": "xx-, fr;q=x, *, =;"})
    page = await nobody.see("/")
    chosen = await nobody.http.post(
        f"{nobody.server.url}/console/language",
        data={"language": "de", "next": "/people?state=ENDED"},
        headers={"Origin": nobody.server.url},
    )
    elsewhere = await nobody.http.post(
        f"{nobody.server.url}/console/language",
        data={"language": "xx", "next": "//else.example"},
        headers={"Origin": nobody.server.url},
    )

    assert ('<html lang="de">' in german.text, "Übersicht" in german.text) == (True, True)
    assert german.headers["Content-Language"] == "de"
    assert '<html lang="en">' in other.text
    assert '<html lang="en">' in page.text
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/people?state=ENDED")
    cookie = chosen.headers["Set-Cookie"].partition(";")[0]
    assert '<html lang="de">' in (await nobody.see("/", Cookie=cookie)).text
    assert (elsewhere.headers["Location"], "Set-Cookie" in elsewhere.headers) == ("/", False)
    nobody.http.cookies.clear()


@pytest.mark.parametrize(
    ("said", "leads"),
    [
        ("/people?state=ENDED", "/people?state=ENDED"),
        ("//else.example", None),
        ("/\\else.example", None),
        ("/a\\b", None),
        ("/\tb", None),
        ("https://else.example", None),
        ("javascript:alert(1)", None),
        ("/" + "a" * 2_000, None),
        ("/\u00e9", None),
        ("", None),
        (None, None),
    ],
)
async def test_one_is_led_back_to_this_server_only(said, leads):
    assert own_path(said) == leads


async def test_acts_have_one_name_each_and_pages_one_path_on_a_server():
    names = [act.name for page in PAGES for act in page.acts]
    for role in ("hub", "node"):
        paths = [page.path for page in PAGES if role in page.at]
        assert len(paths) == len(set(paths))

    assert len(names) == len(set(names))


async def test_where_nothing_is_a_browser_gets_a_page_and_a_program_json(nobody):
    page = await nobody.see("/no/such/%3Cscript%3E")
    answer = await nobody.see("/no/such", Accept="application/json")

    assert (page.status, page.alert) == (404, "Nothing is at this address. NO_PAGE")
    assert page.headers["Content-Security-Policy"] == CSP
    assert "<script>" not in page.text
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.text == '{"code":"HTTP","message":"Not Found"}'
