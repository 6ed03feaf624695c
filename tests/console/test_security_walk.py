"""The security walk: what another site, another party or a planted cookie gets at every door.

Every page and every form is walked by itself, so that a new one is among them. That whatever
stands in a field is text is held in `test_hostile_answers.py`; links back to this server only, in
`test_shell.py` and `tests/signin`.
"""

import re
import secrets
from itertools import cycle

import httpx
import pytest
import pytest_asyncio

from federation.accounts.sessions import proof_of
from federation.console.pages import pages_of
from federation.edge.sessions import SESSION_COOKIE, place_of
from federation.values.party import HUB
from tests.console.foreign import (
    DOORS_OF_A_LAB,
    DOORS_OF_A_MEMBER,
    WITHOUT_ID,
    acts_of_parties,
    of_a_lab,
    of_a_member,
)
from tests.console.visitors import CSP, Form, Visitor, signed_in
from tests.federation.conftest import opened_past  # noqa: F401 - a fixture
from tests.federation.harness import nothing_changes, resumed

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE = "FR"
ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://else.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": ""},
    {"Sec-Fetch-Site": "", "Origin": "null"},
    {"Sec-Fetch-Site": "", "Origin": ""},
)
# What no database decides is asked on one.
once = pytest.mark.parametrize("any_backend", ["sqlite"], indirect=True)
OTHER_HOSTS = (
    "//else.example",
    "/\\else.example",
    "https://else.example",
    "javascript:alert(1)",
    "/\t/else.example",
    "/%0d\nelse.example",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(any_backend, opened_past):  # noqa: F811 - as above
    """A federation that is open for business: its hub and a node are walked."""
    async with resumed(any_backend, opened_past) as small, httpx.AsyncClient(timeout=30) as http:
        small.http = http
        yield small


async def visitor(town, code, subject, role):
    return await signed_in(town.keepers[code].service.server, town.http, subject, role)


def address(page):
    """Return an address of a page, whatever it names."""
    return re.sub(r"{(\w+):str}", lambda found: {"period": "2026-09"}.get(found[1], "x-1"), page)


def form_of(who, path, act, **fields):
    """Return a form as a page would have it, with the session's proof."""
    own = {"csrf_token": proof_of(who.secret), "once": secrets.token_urlsafe(32)}
    return Form(path, {"act": act, **own, **fields})


@once
@pytest.mark.parametrize("code", [HUB, NODE])
async def test_no_form_of_a_page_acts_for_another_site_or_session(town, code):
    who = await visitor(town, code, "auditor", "auditor")
    other = await visitor(town, code, "auditor", "auditor")
    acts = [
        (address(page.path), act.name)
        for page in pages_of("hub" if code == HUB else "node")
        for act in page.acts
    ]
    tried = zip(acts, cycle(ELSEWHERE), cycle(("", "x", proof_of(other.secret))), strict=False)
    async with nothing_changes(town, code):
        for (path, act), headers, proof in tried:
            good = form_of(who, path, act)
            foreign = await who.send(good, headers=headers)
            assert (foreign.status, "CROSS_SITE" in foreign.alert) == (403, True), act
            unproven = await who.send(good, csrf_token=proof)
            assert (unproven.status, unproven.alert[:23]) == (200, "You have signed in anew"), act
            nobody = await Visitor(who.server, town.http).send(good)
            assert (nobody.status, nobody.location) == (401, ""), act
            taken = await who.send(good)  # which shows that nothing else was in the way
            assert taken.status in {400, 403, 404, 422}, act
            assert taken.alert.startswith("Nothing was done."), act

    assert len(acts) > 20


@once
@pytest.mark.parametrize("code", [HUB, NODE])
async def test_no_other_door_that_a_browser_uses_acts_for_another_site(town, code):
    who = await visitor(town, code, "auditor", "auditor")
    proof = proof_of(who.secret)
    own = {"csrf_token": proof, "role": "auditor", "language": "de"}
    forms = ["/session/role", "/session/token", "/session/end"]
    async with nothing_changes(town, code):
        for path in (*forms, "/console/language", "/sign-in", "/sign-in/invitation"):
            for headers in ELSEWHERE:
                assert (await who.send(Form(path, own), headers=headers)).status == 403, path
        for path in forms:
            for said in ({}, {"csrf_token": "x"}):
                assert (await who.send(Form(path, {"role": "auditor", **said}))).status == 403, path
        cookie = f"{place_of(who.server).cookie(SESSION_COOKIE)}={who.secret}"
        doors = {"/graphql": "application/json", "/banking/files": "application/xml"}
        doors |= {"/settlement/rates": "text/csv"} if code == HUB else {}
        same = {"Sec-Fetch-Site": "same-origin", "Origin": who.server.url}
        for path, kind in doors.items():
            sent = {"Cookie": cookie, "Content-Type": kind}
            for headers in (*({"X-CSRF-Token": proof} | each for each in ELSEWHERE), same):
                said = {name: text for name, text in (sent | headers).items() if text}
                answer = await town.http.post(
                    f"{who.server.url}{path}", content=b"{}", headers=said
                )
                assert (answer.status_code, '"CROSS_SITE"' in answer.text) == (403, True), path


@once
@pytest.mark.parametrize("code", [HUB, NODE])
async def test_every_answer_that_a_browser_shows_is_nobodys_frame(town, code):
    who = await visitor(town, code, "auditor", "auditor")
    nobody = Visitor(who.server, town.http)
    pages = [address(page.path) for page in pages_of("hub" if code == HUB else "node")]
    seen = {path: await who.see(path) for path in pages}
    seen["again"] = await nobody.send(Form("/account", {"act": "end-own-session"}))
    seen["refused"] = await who.see("/account?first=1&first=2")
    seen["nowhere"] = await who.see("/no/such/page")
    seen["token"] = await who.see("/account", Authorization="Bearer a.b.c")
    for path, found in seen.items():
        assert found.headers["Content-Security-Policy"] == CSP, path
    for path in ("/sign-in", "/sign-in/invitation", "/session", "/graphql"):
        seen[path] = await who.see(path)
        assert "frame-ancestors 'none'" in seen[path].headers["Content-Security-Policy"], path
    for path, found in seen.items():
        assert found.headers["X-Frame-Options"] == "DENY", path
        assert found.headers["X-Content-Type-Options"] == "nosniff", path
        assert found.headers["Cache-Control"] == "no-store", path
        assert found.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert found.headers["Content-Type"].startswith("text/html"), path


@once
@pytest.mark.parametrize("said", OTHER_HOSTS)
async def test_nothing_that_an_address_says_leads_to_another_host(town, said):
    nobody = Visitor(town.keepers[HUB].service.server, town.http)
    who = await visitor(town, HUB, "auditor", "auditor")
    chosen = await nobody.send(Form("/console/language", {"language": "de", "next": said}))
    page = await nobody.see(f"/sign-in?{httpx.QueryParams(next=said)}")
    led = await nobody.see(f"/people?{httpx.QueryParams(next=said)}")
    back = await nobody.see(led.location)
    town.http.cookies.clear()

    assert (chosen.status, chosen.location) == (303, "/")
    assert 'name="next"' not in page.text
    assert led.location.startswith("/sign-in?next=%2Fpeople%3Fnext%3D")
    assert re.search(r'name="next" value="/people\?next=', back.text)
    for path in ("/console/language", "//else.example/account", "//account"):
        there = await who.see(path)
        assert not re.search(r'(?:href|action|src)="(?!/(?!/)|#|data:,")', there.text), path
    done = await who.send(form_of(who, "//account", "end-own-session", id="none"))
    assert re.search(r'<form method="post" action="/account"', done.text)


async def test_a_planted_cookie_is_nobodys_before_and_after_signing_in(town):
    server = town.keepers[HUB].service.server
    planted = Visitor(server, town.http, "A" * 43)
    before = await planted.see("/account")
    own = await visitor(town, HUB, "auditor", "auditor")
    role = form_of(own, "/session/role", "", role="auditor")
    answer = await own.send(role)
    town.http.cookies.clear()
    after = await planted.see("/account")
    fresh = re.search(r"=([\w-]{43});", answer.headers["Set-Cookie"])[1]

    assert before.location == after.location == "/sign-in?next=%2Faccount"
    assert fresh not in {own.secret, planted.secret}
    assert (await own.see("/account")).location == "/sign-in?next=%2Faccount"
    assert (await Visitor(server, town.http, fresh).see("/account")).status == 200


async def test_what_is_another_labs_answers_as_if_it_did_not_exist(town):
    owner = await visitor(town, HUB, "buyer@lab-one", "lab")
    thief = await visitor(town, HUB, "buyer@lab-two", "lab")
    own = await of_a_lab(town, owner)
    for door in [door for door in DOORS_OF_A_LAB if door.act is None]:
        assert (await owner.see(door.path.format(own[door.what]))).status == 200, door
    await nothing_is_there(town, HUB, thief, DOORS_OF_A_LAB, own)


async def test_what_is_another_members_answers_as_if_it_did_not_exist(town):
    owner = await visitor(town, NODE, "member@fr-a", "member")
    thief = await visitor(town, NODE, "member@fr-b", "member")
    own = await of_a_member(town, NODE, owner)
    await nothing_is_there(town, NODE, thief, DOORS_OF_A_MEMBER, own)
    for path in ("/statement", "/claims", "/opt-outs", "/consents", "/proposals", "/crawlers"):
        for query in ("", "&period=2026-09", "&state=WAITS"):
            theirs = await thief.see(f"{path}?member=fr-a{query}")
            nobodys = await thief.see(f"{path}?member=nobody{query}")
            assert (theirs.status, theirs.words) == (nobodys.status, nobodys.words), path


async def nothing_is_there(town, code, thief, doors, own):
    """Try each door with another's id and with nobody's: both say the same, and nothing is done."""
    await town.silence()
    async with nothing_changes(town, code):
        for door in doors:
            said = []
            for name in (own[door.what], door.nobodys):
                path = door.path.format(name)
                if door.act is None:
                    seen = await thief.see(path)
                else:
                    fields = {key: text.format(name, **own) for key, text in door.fields.items()}
                    seen = await thief.send(form_of(thief, path, door.act, **fields))
                assert (seen.status in {403, 404, 422}, seen.alert is not None) == (True, True), (
                    door
                )
                said.append((seen.status, seen.alert.replace(name, "ID")))
            assert said[0] == said[1], door


async def test_every_act_of_a_lab_or_a_member_that_names_something_is_tried():
    tried = {door.act for door in (*DOORS_OF_A_LAB, *DOORS_OF_A_MEMBER)} - {None}

    assert tried | WITHOUT_ID == acts_of_parties()
