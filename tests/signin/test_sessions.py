"""Sessions: what ends them, what another site cannot do with them, and one credential at a time."""

import json

from federation.config import SignIn
from federation.people import store as people_store
from federation.quotas import Quota
from tests.oauth.conftest import running
from tests.signin.conftest import (
    ACCOUNT,
    KEEPERS,
    OWN,
    PASSWORD,
    Browser,
    acts,
    open_house,
    people,
    with_password,
)

END = """mutation { endSession(id: "%s") {
  ... on SignInAccount { sessions { id } } ... on Refused { code } } }"""
END_OWN = END.replace("endSession", "endOwnSession")
FORM = {"subject": "ada", "password": PASSWORD}


async def test_a_session_ends_when_it_is_not_used_and_after_twelve_hours(hub):
    browser = await with_password(hub, "hub", "ada")
    hub.later(minutes=29)
    used = await browser.graphql(OWN)
    hub.later(minutes=29)
    still = await browser.graphql(OWN)
    hub.later(minutes=30)
    idle = await browser.session_page()
    await browser.open("/sign-in", FORM)
    for _ in range(24):
        hub.later(minutes=29)
        assert (await browser.session_page()).status == 200
    hub.later(minutes=24)
    over = await browser.session_page()

    assert used["subject"] == still["subject"] == "ada"
    assert (idle.location, over.location) == ("/sign-in", "/sign-in")
    await browser.open("/sign-in", FORM)  # which forgets those that are over
    assert len((await hub.rows())["accounts_session"]) == 1


async def test_what_another_site_makes_a_browser_send_is_refused(hub):
    browser = await with_password(hub, "hub", "ada")
    [own] = (await browser.graphql(OWN))["sessions"]
    proof, mutation = await browser.proof(), END_OWN % own["id"]
    before = await hub.rows()
    elsewhere = {"Origin": "https://else.example", "Sec-Fetch-Site": "cross-site"}
    for headers in (
        elsewhere,
        {"Sec-Fetch-Site": "same-site", "Origin": ""},
        {"Sec-Fetch-Site": "", "Origin": "https://else.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": ""},
        {"Sec-Fetch-Site": "none", "Origin": ""},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": proof[:-1] + ("A" if proof[-1] != "A" else "B")},
    ):
        assert await browser.graphql(mutation, **headers) == "CROSS_SITE", headers
        if "X-CSRF-Token" not in headers:
            for path in ("/session/end", "/session/role", "/session/token"):
                sent = {"csrf_token": proof, "role": "auditor"}
                assert (await browser.open(path, sent, **headers)).status == 403, (path, headers)
            assert (await browser.open("/sign-in", FORM, **headers)).status == 403
    for path in ("/session/end", "/session/role", "/session/token"):
        assert (await browser.open(path, {"role": "auditor"})).status == 403
        assert (await browser.open(path, {"csrf_token": "x", "role": "auditor"})).status == 403
    asked = await browser.open(f"/graphql?query={mutation}")
    assert asked.status == 405
    assert await hub.rows() == before
    assert (await browser.graphql(mutation)) == {"sessions": []}


async def test_a_session_and_a_token_together_are_refused(hub):
    browser = await with_password(hub, "hub", "ada")
    token = {"Authorization": f"Bearer {hub.staff('ada')}"}

    assert await browser.graphql(OWN, **token) == "TWO_CREDENTIALS"
    seen = await browser.open("/documents/NONE", **token)
    assert (seen.status, json.loads(seen.text)["code"]) == (400, "TWO_CREDENTIALS")
    assert json.loads((await browser.open("/documents/NONE")).text)["code"] == "UNKNOWN_DOCUMENT"
    stranger = Browser(hub, dict.fromkeys(browser.cookies, "x" * 43))
    assert (await stranger.open("/documents/NONE")).status == 401


async def test_a_person_and_an_operator_end_sessions(house):
    role, place = house
    first, _ = KEEPERS[role]
    one = await with_password(place, role, "ada")
    place.later(seconds=1)
    two = Browser(place)
    await two.open("/sign-in", FORM)
    other = await with_password(place, role, "liam")
    ids = [row["id"] for row in (await two.graphql(OWN))["sessions"]]
    [foreign] = (await other.graphql(OWN))["sessions"]

    assert await two.graphql(END_OWN % foreign["id"]) == {"code": "UNKNOWN_SESSION"}
    assert await two.graphql(END % ids[0]) == {"code": "NOT_ALLOWED"}
    assert await two.graphql(END_OWN % ids[0]) == {"sessions": [{"id": ids[1]}]}
    assert (await one.session_page()).location == "/sign-in"
    assert await place.act(first, END % ids[1]) == {"sessions": []}
    assert (await two.session_page()).location == "/sign-in"
    assert await place.act(first, END % ids[1]) == {"code": "UNKNOWN_SESSION"}
    ended = [act for act in await acts(place) if act[1] == "session.end"]
    assert ended == [("ada", "session.end", "ada"), (first, "session.end", "ada")]


async def test_a_session_says_who_it_is_and_the_directory_what_that_allows(hub):
    browser = await with_password(hub, "hub", "ada")
    proof = await browser.proof()
    server = hub.service.server
    async with server.db.write("test") as session:  # as another process might, ending no session
        (await people_store.person_in_force(session, "ada")).roles = '["lab"]'
    server.people.forget()
    asked = await browser.open("/documents/NONE")
    page = await browser.session_page()
    pressed = await browser.open("/session/token", {"csrf_token": proof})

    assert (asked.status, json.loads(asked.text)["code"]) == (401, "NOT_AUTHENTICATED")
    assert [(seen.status, seen.alert) for seen in (page, pressed)] == [
        (401, "Your session is over: sign in again.")
    ] * 2


async def test_a_script_of_this_server_is_told_the_proof_of_its_session(hub):
    browser, nobody = await with_password(hub, "hub", "ada"), Browser(hub)
    asked = {"Accept": "application/json"}
    told, proof = await browser.open("/session", **asked), await browser.proof()
    stranger = await nobody.open("/session", **asked)
    await browser.press("/session/end")
    over = await browser.open("/session", **asked)

    assert json.loads(told.text) == {"csrf_token": proof}
    assert [(seen.status, json.loads(seen.text)) for seen in (stranger, over)] == [
        (200, {"csrf_token": None})
    ] * 2
    assert told.headers["Cache-Control"] == "no-store"


async def test_a_person_has_so_many_sessions_at_most(hub):
    first = await with_password(hub, "hub", "ada")
    for _ in range(20):
        hub.later(seconds=1)
        await Browser(hub).open("/sign-in", FORM)

    assert (await first.session_page()).location == "/sign-in"
    assert len((await hub.act("olga", ACCOUNT, subject="ada"))["sessions"]) == 20


async def test_the_cookie_is_new_at_each_sign_in_and_role_and_only_a_digest_is_kept(hub):
    browser = await with_password(hub, "hub", "omar")
    held = [*browser.cookies.values()]
    await browser.press("/session/role", role="federation_operator")
    held += browser.cookies.values()
    lost = Browser(hub, dict.fromkeys(browser.cookies, held[0]))
    await browser.open("/sign-in", {**FORM, "subject": "omar"})
    held += browser.cookies.values()

    assert len({*held}) == 3
    assert len((await hub.act("olga", ACCOUNT, subject="omar"))["sessions"]) == 1
    assert (await lost.session_page()).location == "/sign-in"
    rows = str(await hub.rows())
    assert not any(secret in rows for secret in held)
    wrong = await browser.press("/session/role", role="lab")
    assert wrong.status == 422


async def test_the_shells_token_of_a_session_ends_with_it(hub):
    browser = await with_password(hub, "hub", "ada")
    hub.later(minutes=29)
    seen = await browser.press("/session/token")
    token = seen.text.partition("FEDERATION_TOKEN=")[2].partition("<")[0]

    assert (await hub.graphql(token, OWN))["subject"] == "ada"
    hub.later(hours=11, minutes=33)
    assert await hub.graphql(token, OWN) == "NOT_AUTHENTICATED"


async def test_a_person_fills_no_log_with_roles_and_tokens(backend, tmp_path, stub):
    few = {"session": Quota(2, 1)}
    async with open_house("hub", backend, tmp_path / "hub", stub, quotas=few) as place:
        ada = await with_password(place, "hub", "ada")
        omar = await with_password(place, "hub", "omar")
        first = await omar.press("/session/token")
        await omar.press("/session/role", role="federation_operator")
        before = await place.rows()
        token = await omar.press("/session/token")
        role = await omar.press("/session/role", role="auditor")
        after = await place.rows()
        another = await ada.press("/session/token")
        out = await omar.press("/session/end")

    assert [seen.status for seen in (first, token, role, another)] == [200, 429, 429, 200]
    assert after == before
    assert out.location == "/sign-in"


async def test_pages_run_no_script_and_are_nobodys_frame(hub):
    browser = Browser(hub)
    for path in ("/sign-in", "/sign-in/invitation"):
        seen = await browser.open(path)
        policy = seen.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
        assert seen.headers["Cache-Control"] == "no-store"
        assert "<script" not in seen.text
        assert seen.text.count("<label") == seen.text.count("<input")
    assert "Sign in at Example &amp; Co" in (await browser.open("/sign-in")).text
    marked = await browser.open("/sign-in", {"subject": '"><script>', "password": "x"})
    assert "<script" not in marked.text


async def test_behind_a_proxy_the_cookie_is_secure_and_over_plain_http_there_is_none(
    backend, tmp_path, stub
):
    for public, name in {
        "https://hub.example": "__Host-federation",
        "https://hub.example:443": "__Host-federation",
        "https://hub.example:8443": "__Host-federation-8443",  # beside another server of the host
    }.items():
        folder = tmp_path / name[-4:] / public[-4:]
        folder.parent.mkdir(exist_ok=True)
        async with open_house("hub", backend, folder, stub, public_url=public) as place:
            answer = await Browser(place).open("/session")
            assert answer.headers["Set-Cookie"] == (
                f"{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
            )
    async with open_house(
        "hub", backend, tmp_path / "h", stub, public_url="http://hub.example"
    ) as place:
        for path in ("/sign-in", "/session", "/sign-in/provider"):
            assert (await Browser(place).open(path)).status == 403


async def test_a_server_without_passwords_or_provider_says_so(backend, tmp_path):
    options = {"principal": people("hub"), "sign_in": SignIn(local=False)}
    async with running("hub", backend, tmp_path / "hub", **options) as place:
        browser = Browser(place)
        assert "password" not in (await browser.open("/sign-in")).text.replace("forgot my pass", "")
        said = {(await browser.open("/sign-in", FORM)).status}
        said |= {(await browser.open("/sign-in/provider")).status}
        assert said == {422}


async def test_signing_in_leads_back_to_a_page_of_this_server_only(hub):
    browser = await with_password(hub, "hub", "ada")
    asked = ("/people?state=ENDED", "//else.example", "/\\else.example", "https://else.example")
    led = [(await browser.open("/sign-in", FORM | {"next": each})).location for each in asked]
    wrong = await browser.open("/sign-in", {"subject": "ada", "password": "x", "next": asked[0]})

    assert led == ["/people?state=ENDED", "/session", "/session", "/session"]
    assert '<input type="hidden" name="next" value="/people?state=ENDED">' in wrong.text
