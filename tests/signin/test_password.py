"""Passwords: what is refused says nothing, guessing gets slow, and one-time codes count once."""

import asyncio
from html import escape

import pyotp
import pytest

from federation.accounts.passwords import NOBODYS, Hasher, HashingBusyError
from federation.quotas import QuotaExceededError
from federation.scenario.client import nodes_of
from tests.signin.conftest import (
    ACCOUNT,
    CONFIRM,
    INVITE,
    KEEPERS,
    LOG,
    OWN,
    PASSWORD,
    Browser,
    acts,
    invited,
    with_password,
)

WRONG = "The name, the password or the one-time code is not right."
ADA = {"subject": "ada", "password": PASSWORD}
CLOSE = """mutation($subject: String!) { closeAccount(subject: $subject, reason: "stolen") {
  __typename ... on SignInAccount { hasPassword sessions { id } } ... on Refused { code } } }"""
BEGIN = """mutation { beginTotp(password: "%s") {
  ... on TotpSecret { secret uri } ... on Refused { code } } }"""
FIRST = """mutation { confirmTotp(code: "%s") {
  ... on SignInAccount { hasTotp } ... on Refused { code } } }"""
REMOVE = """mutation { removeTotp(password: "%s") {
  ... on SignInAccount { hasTotp } ... on Refused { code } } }"""


async def shell(place, **said):
    """Ask for a token as the shell does; return the status and the answer."""
    async with place.http.post(f"{place.url}/sign-in/token", json=said) as answer:
        return answer.status, await answer.json()


async def test_a_wrong_password_an_unknown_name_and_one_without_account_say_the_same(hub):
    await with_password(hub, "hub", "ada")
    before = await hub.rows()
    browser = Browser(hub)
    for form in (
        {"subject": "ada", "password": "another long one"},
        {"subject": "nobody", "password": PASSWORD},
        {"subject": "liam", "password": PASSWORD},
        {"subject": "ADA", "password": PASSWORD},
        {"subject": "ada" * 1_000, "password": PASSWORD},
        {"subject": "ada", "password": PASSWORD * 100},
        {"subject": "ada"},
        {},
    ):
        seen = await browser.open("/sign-in", form)
        assert (seen.status, seen.alert) == (401, WRONG), form

    strange = [
        await browser.open("/sign-in", {"subject": "a\0da", "password": PASSWORD}),
        await browser.open("/sign-in", b"subject=ada&subject=ada&password=x"),
        await browser.open("/sign-in", b"subject=%ff&password=x"),
        await browser.open("/sign-in", b"password=" + b"x" * 9_000),
        await browser.open("/sign-in", ADA, **{"Content-Type": "text/plain"}),
    ]
    after = await hub.rows()
    assert [seen.status for seen in strange] == [400, 400, 400, 413, 400]
    assert browser.cookies == {}
    assert {name for name in after if after[name] != before[name]} == {"people_act"}


async def test_guessing_slows_down_the_guesser_and_not_the_person(hub):
    at_home = await with_password(hub, "hub", "ada")
    await at_home.press("/session/end")
    quotas = hub.service.server.quotas
    guesses = [
        (await Browser(hub).open("/sign-in", {**ADA, "password": f"guess {n:20}"})).status
        for n in range(7)
    ]
    slowed = await Browser(hub).open("/sign-in", ADA)

    assert guesses == [401] * 6 + [429]
    assert slowed.alert.startswith("Too many requests of one kind. Try again in ")
    assert int(slowed.headers["Retry-After"]) <= 30
    # From elsewhere: many addresses use up what all of them have together, ...
    quotas.take("ada", "account", 30)
    with pytest.raises(QuotaExceededError):
        quotas.take("ada", "account")
    # ... and the address from which she signed in before is not counted among them.
    quotas.give_back("127.0.0.1 ada", "password", 6)
    assert (await Browser(hub).open("/sign-in", ADA)).location == "/session"


async def test_refused_sign_ins_are_counted_in_the_log_not_listed(hub):
    await with_password(hub, "hub", "ada")
    quotas = hub.service.server.quotas
    quotas._buckets["password"] = quotas._buckets["usage"]
    for number in range(5):
        await Browser(hub).open("/sign-in", {"subject": "ada", "password": f"guess {number:20}"})
        await Browser(hub).open("/sign-in", {"subject": f"<b>{number}", "password": PASSWORD})
    found = [row for row in await acts(hub) if row[1] == "sign_in.refused"]
    assert found == [("server:sign-in", "sign_in.refused", "sign-in")]
    [refused] = {work.__self__ for work in hub.service.parts.in_each if "Refused" in repr(work)}
    refused._written -= 900
    await refused.write_if_due()
    await refused.write_if_due()

    shown = nodes_of(await hub.act("ada", LOG))[0]
    detail = {each["name"]: each["value"] for each in shown["detail"]}
    assert detail == {"BAD_SIGN_IN": "9", "people": "ada: 4"}


async def test_one_time_codes_are_asked_for_once_set_up_and_count_once(hub):
    browser = await with_password(hub, "hub", "ada")
    wrong = await browser.graphql(BEGIN % "not the password")
    made = await browser.graphql(BEGIN % PASSWORD)
    totp = pyotp.TOTP(made["secret"])
    now = hub.clock().timestamp()
    early = await Browser(hub).open("/sign-in", ADA)  # not yet confirmed: none is asked for
    bad = await browser.graphql(FIRST % "000000")
    confirmed = await browser.graphql(FIRST % totp.at(now))
    needed = await Browser(hub).open("/sign-in", ADA)
    replayed = await Browser(hub).open("/sign-in", {**ADA, "code": totp.at(now)})
    hub.later(seconds=30)
    code = totp.at(hub.clock().timestamp())
    right = await Browser(hub).open("/sign-in", {**ADA, "code": f"{code[:3]} {code[3:]}"})
    again = await Browser(hub).open("/sign-in", {**ADA, "code": code})
    hub.later(seconds=90)
    old = await Browser(hub).open(
        "/sign-in", {**ADA, "code": totp.at(hub.clock().timestamp() - 60)}
    )

    assert wrong == {"code": "BAD_SIGN_IN"}
    assert made["uri"].startswith("otpauth://totp/Hub:ada?secret=")
    assert (early.location, bad, confirmed) == (
        "/session",
        {"code": "BAD_SIGN_IN"},
        {"hasTotp": True},
    )
    assert (needed.status, needed.alert) == (401, "This account needs a one-time code as well.")
    assert [seen.alert for seen in (replayed, again, old)] == [WRONG] * 3
    assert right.location == "/session"
    assert made["secret"] not in str(await hub.rows())
    assert (await browser.graphql(REMOVE % "not the password")) == {"code": "BAD_SIGN_IN"}
    assert (await browser.graphql(REMOVE % PASSWORD)) == {"hasTotp": False}
    assert [act for act in await acts(hub) if act[1].startswith("totp")] == [
        ("ada", "totp.enrol", "ada"),
        ("ada", "totp.remove", "ada"),
    ]


async def test_who_lost_the_telephone_is_let_in_by_two_people(hub):
    browser = await with_password(hub, "hub", "ada")
    made = await browser.graphql(BEGIN % PASSWORD)
    await browser.graphql(FIRST % pyotp.TOTP(made["secret"]).at(hub.clock().timestamp()))
    halves = await invited(hub, "hub", "ada")
    fresh = Browser(hub)
    seen = await fresh.open("/sign-in/invitation", {**halves, "password": "a green kettle hums"})
    old = await Browser(hub).open("/sign-in", ADA)
    shells = (await shell(hub, subject="ada", password="a green kettle hums"))[1]["token"]
    page = (await fresh.press("/session/token")).text
    pages = page.partition("FEDERATION_TOKEN=")[2].partition("<")[0]

    assert seen.location == "/session"
    for token in (shells, pages):  # of the second in which the old ones ended, and signed since
        assert (await hub.graphql(token, OWN))["subject"] == "ada"
    await hub.act("olga", CLOSE, subject="ada")  # within the same second
    assert [await hub.graphql(token, OWN) for token in (shells, pages)] == [
        "NOT_AUTHENTICATED",
        "NOT_AUTHENTICATED",
    ]
    hub.later(seconds=2)
    assert (old.alert, (await browser.session_page()).location) == (WRONG, "/sign-in")
    assert (await hub.act("olga", ACCOUNT, subject="ada"))["hasTotp"] is False
    assert ("ada", "account.reset", "ada") in await acts(hub)


async def test_half_a_code_is_none_and_one_is_used_once_and_for_three_days(house):
    role, place = house
    halves = await invited(place, role, "ada")
    other = await invited(place, role, "liam")
    before = await place.rows()
    browser = Browser(place)
    good = {**halves, "password": PASSWORD}
    wrong = (
        {**good, "second": halves["first"]},
        {**good, "first": halves["second"]},
        {**good, "second": other["second"]},
        {"first": halves["first"], "password": PASSWORD},
        {"password": PASSWORD},
    )
    said = [(await browser.open("/sign-in/invitation", form)).status for form in wrong]
    page = await browser.open("/sign-in/invitation")
    assert f"Two people of {escape(place.service.server.config.name)} gave you half" in page.text
    weak = await browser.open("/sign-in/invitation", {**good, "password": "password1234"})
    after = await place.rows()
    assert {name for name in after if after[name] != before[name]} == {"people_act"}
    used = await browser.open("/sign-in/invitation", good)
    twice = await browser.open("/sign-in/invitation", good)
    place.later(days=3)
    late = await browser.open("/sign-in/invitation", {**other, "password": PASSWORD})

    assert (said, weak.status) == ([401] * 5, 422)
    assert weak.alert.startswith("This password is too short, too long or too easy to guess.")
    assert (used.location, twice.status, late.status) == ("/session", 401, 401)


async def test_one_person_closes_an_account_and_nobody_confirms_his_own(house):
    role, place = house
    first, second = KEEPERS[role]
    browser = await with_password(place, role, "ada")
    token = (await shell(place, **ADA))[1]["token"]
    held = await place.graphql(token, OWN)
    halves = await invited(place, role, "ada")
    closed = await place.act(first, CLOSE, subject="ada")
    lost = await place.graphql(token, OWN)  # of the very second in which it ended
    place.later(seconds=1)
    again = await place.act(first, CLOSE, subject="ada")
    seen = await Browser(place).open("/sign-in", ADA)
    form = {**halves, "password": "a green kettle hums"}
    code = await Browser(place).open("/sign-in/invitation", form)

    assert code.status == 401  # whoever has her things may have a code as well
    assert closed == {"__typename": "SignInAccount", "hasPassword": False, "sessions": []}
    assert (held["subject"], lost) == ("ada", "NOT_AUTHENTICATED")
    assert (await place.act("ada", OWN))["subject"] == "ada"  # of the machine, signed since
    assert (again["code"], seen.status) == ("NO_ACCOUNT", 401)
    assert (await browser.session_page()).location == "/sign-in"
    own = await place.act(second, INVITE, subject=second)
    assert (await place.act(second, CONFIRM, id=own["invitation"]["id"]))["code"] == "SAME_PERSON"
    other = await place.act(first, INVITE, subject=second)
    assert (await place.act(second, CONFIRM, id=other["invitation"]["id"]))["code"] == "SAME_PERSON"
    right = await place.act(first, CONFIRM, id=own["invitation"]["id"])
    assert right["invitation"]["state"] == "CONFIRMED"
    nobody = await place.act(first, INVITE, subject="stranger")
    assert nobody["code"] == "NOT_IN_THE_DIRECTORY"


async def test_the_shell_gets_a_token_for_a_password(house):
    role, place = house
    keeper = KEEPERS[role][1]
    await with_password(place, role, keeper)
    roles = place.service.config.principal
    several = next(len(person.roles) > 1 for person in roles if person.subject == keeper)
    said = {"subject": keeper, "password": PASSWORD}
    status, answer = await shell(place, **said)
    chosen = "federation_operator" if role == "hub" else "node_operator"
    named = await shell(place, **said, role=chosen)
    other = await shell(place, **said, role="lab")
    wrong = await shell(place, subject=keeper, password="another long one")
    more = await shell(place, **said, more="x")

    assert (status, answer.get("code")) == ((422, "ROLE_NEEDED") if several else (200, None))
    assert (named[0], named[1]["role"], named[1]["expires_in"]) == (200, chosen, 43_200)
    assert [found[1]["code"] for found in (other, wrong, more)] == [
        "UNKNOWN_CHOICE",
        "BAD_SIGN_IN",
        "BAD_BODY",
    ]
    account = await place.graphql(named[1]["token"], ACCOUNT, subject=keeper)
    assert account["hasPassword"] is True


async def test_another_sites_page_tries_no_password_at_the_shells_door(hub):
    """It may send plain text unasked: from a person's own address, whose tries it would use up."""
    await with_password(hub, "hub", "ada")
    before, said = await hub.rows(), f'{{"subject": "ada", "password": "{PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"):
        where, headers = f"{hub.url}/sign-in/token", {"Content-Type": kind}
        async with hub.http.post(where, data=said, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (422, "BAD_BODY")

    assert await hub.rows() == before
    assert (await shell(hub, subject="ada", password=PASSWORD))[0] == 200


async def test_hashing_is_bounded():
    hasher = Hasher()
    found = await asyncio.gather(
        *(hasher.hashed(PASSWORD) for _ in range(20)), return_exceptions=True
    )

    assert sum(isinstance(each, HashingBusyError) for each in found) == 4
    [kept, *_] = [each for each in found if isinstance(each, str)]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.confirms(PASSWORD, kept)
    assert not await hasher.confirms(PASSWORD + "x", kept)
    assert not await hasher.confirms(PASSWORD, None)
    assert not hasher._argon2.check_needs_rehash(NOBODYS)  # so it takes as long
