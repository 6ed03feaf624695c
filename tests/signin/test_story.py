"""A person joins, is invited, signs in, changes role and leaves: over HTTP, at hub and node."""

import json

from tests.oauth.conftest import Place
from tests.signin.conftest import (
    ACCOUNT,
    KEEPERS,
    OWN,
    PASSWORD,
    Browser,
    acts,
    invited,
    sent_to_provider,
    with_password,
)

PROPOSE = """mutation($subject: String!, $roles: [Role!]!) { proposePerson(subject: $subject,
  name: "Cara Novak", roles: $roles, reason: "as agreed") {
    ... on Person { id } ... on Refused { code message } } }"""
CONFIRM = """mutation($id: ID!) { confirmPerson(id: $id) {
  ... on Person { state } ... on Refused { code message } } }"""


async def changed(place: Place, role: str, roles: list[str]) -> None:
    first, second = KEEPERS[role]
    row = await place.act(first, PROPOSE, subject="cara", roles=roles)
    assert (await place.act(second, CONFIRM, id=row["id"]))["state"] == "IN_FORCE"


async def test_a_person_joins_signs_in_changes_role_and_leaves(house):
    role, place = house
    first, second = KEEPERS[role]
    await changed(place, role, ["auditor", "settlement_officer"])
    browser = await with_password(place, role, "cara")
    joined = await browser.session_page()
    as_auditor = await browser.graphql(OWN)
    pressed = await browser.press("/session/role", role="settlement_officer")
    as_officer = await browser.graphql(OWN)
    await changed(place, role, ["auditor"])
    lost = await browser.session_page()
    form = {"subject": "cara", "password": PASSWORD}
    again = await browser.open("/sign-in", form)
    signed_out = await browser.press("/session/end")
    await browser.open("/sign-in", form)
    before = (await place.act("ada", ACCOUNT, subject="cara"))["sessions"]
    await changed(place, role, [])
    left, refused = await browser.session_page(), await browser.open("/sign-in", form)

    assert joined.status == 200
    assert "Signed in as <strong>Cara Novak</strong> (cara)" in joined.text
    assert [row["role"] for row in as_auditor["sessions"]] == ["auditor"]
    assert (pressed.status, pressed.location) == (303, "/session")
    assert [row["role"] for row in as_officer["sessions"]] == ["settlement_officer"]
    assert (lost.status, lost.location) == (303, "/sign-in")
    assert (again.status, again.location) == (303, "/session")
    assert (signed_out.status, signed_out.location) == (303, "/sign-in")
    assert [(row["role"], row["way"]) for row in before] == [("auditor", "PASSWORD")]
    assert (left.status, left.location) == (303, "/sign-in")
    assert (refused.status, refused.alert) == (
        401,
        "The name, the password or the one-time code is not right.",
    )
    assert await place.act("ada", ACCOUNT, subject="cara") == {
        "hasPassword": False,
        "hasTotp": False,
        "identities": [],
        "sessions": [],
    }
    assert await acts(place) == [
        (first, "person.propose", "cara"),
        (second, "person.confirm", "cara"),
        (first, "account.invite", "cara"),
        (second, "account.confirm", "cara"),
        ("cara", "account.make", "cara"),
        ("cara", "sign_in", "cara"),
        ("cara", "session.act_as", "cara"),
        (first, "person.propose", "cara"),
        (second, "person.confirm", "cara"),
        (second, "session.end", "cara"),
        ("cara", "sign_in", "cara"),
        ("cara", "sign_out", "cara"),
        ("cara", "sign_in", "cara"),
        (first, "person.propose", "cara"),
        (second, "person.confirm", "cara"),
        (second, "session.end", "cara"),
        (second, "account.close", "cara"),
        ("server:sign-in", "sign_in.refused", "sign-in"),
    ]
    assert PASSWORD not in json.dumps(str(await place.rows()))


async def test_a_person_of_a_provider_joins_and_signs_in_again(house, stub):
    role, place = house
    await changed(place, role, ["auditor"])
    halves = await invited(place, role, "cara")
    browser = Browser(place)
    asked = await sent_to_provider(browser, stub, **halves)
    answer = f"/sign-in/callback?code={asked['code']}&state={asked['state']}"
    joined = await browser.open(answer)
    own = await browser.graphql(OWN)
    await browser.press("/session/end")
    asked = await sent_to_provider(browser, stub)
    again = await browser.open(f"/sign-in/callback?code={asked['code']}&state={asked['state']}")

    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == f"{place.url}/sign-in/callback"
    assert asked["scope"] == "openid"
    assert (joined.status, joined.location) == (303, "/session"), joined.text
    assert [(row["role"], row["way"]) for row in own["sessions"]] == [("auditor", stub.url)]
    assert (again.status, again.location) == (303, "/session")
    shown = await place.act("ada", ACCOUNT, subject="cara")
    assert shown["identities"] == [{"issuer": stub.url, "identity": "sub-of-cara"}]
    assert not shown["hasPassword"]
    assert [act for _, act, _ in await acts(place)][-5:] == [
        "account.confirm",
        "identity.link",
        "sign_in",
        "sign_out",
        "sign_in",
    ]
