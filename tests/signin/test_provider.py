"""What a provider, or whoever pretends to be one, may not say: nobody is signed in by it."""

import asyncio
import base64
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from joserfc.jwk import ECKey, RSAKey

from federation.config import Provider as Configured
from federation.quotas import Quota
from federation.signin.fetching import BYTES_MAX, ProviderDownError, fetched
from federation.signin.id_tokens import UnknownKeyError
from federation.signin.provider import FETCH_AGAIN_SECONDS, HELD_SECONDS, Provider
from tests.oauth.conftest import NOW
from tests.signin.conftest import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    CONFIRM,
    LINK,
    PASSWORD,
    Browser,
    acts,
    invited,
    open_house,
    sent_to_provider,
    signed,
)

BUYER = "buyer@lab-one"


@pytest.fixture
async def known(hub, stub):
    """A hub at which the provider's subject is a lab's buyer, linked by two people."""
    made = await hub.act("olga", LINK, subject=BUYER, issuer=stub.url, identity="sub-of-cara")
    alone = await hub.act("olga", CONFIRM, id=made["id"])
    linked = await hub.act("omar", CONFIRM, id=made["id"])
    assert (made["state"], alone, linked["half"]) == (
        "PROPOSED",
        {"__typename": "Refused", "code": "SAME_PERSON"},
        None,
    )
    return hub


async def answered(browser, stub, **changes):
    """Begin, and bring back the provider's answer, changed."""
    asked = await sent_to_provider(browser, stub)
    answer = {"code": asked["code"], "state": asked["state"], **changes}
    query = "&".join(f"{name}={value}" for name, value in answer.items() if value is not None)
    return await browser.open(f"/sign-in/callback?{query}"), answer


async def nobody(hub):
    found = await hub.act("ada", ACCOUNT, subject=BUYER)
    return found["sessions"] == []


def unsigned(claims):
    head = '{"alg":"none"}'
    parts = (jwt_part(head), jwt_part(json.dumps(claims)), "")
    return ".".join(parts)


def jwt_part(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def by_public_key(stub):
    """Sign with HMAC under the provider's public key, as text, as everybody can."""

    def sign(claims):
        head = jwt_part('{"alg":"HS256","kid":"r1"}')
        text = f"{head}.{jwt_part(json.dumps(claims))}"
        mac = hmac.digest(stub.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    return sign


WRONG_CLAIMS = {
    "another issuer": {"iss": "https://else.example"},
    "no issuer": {"iss": None},
    "another client": {"aud": "somebody else's"},
    "another client, naming this one": {"aud": "somebody else's", "azp": CLIENT_ID},
    "no audience": {"aud": None},
    "several audiences, nobody named": {"aud": [CLIENT_ID, "another"]},
    "several audiences, another named": {"aud": [CLIENT_ID, "another"], "azp": "another"},
    "another named": {"azp": "another"},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "over": {"exp": 1},
    "no end": {"exp": None},
    "an end in words": {"exp": "tomorrow"},
    "not begun": {"nbf": 4_000_000_000},
    "of the future": {"iat": 4_000_000_000},
    "old": {"iat": 1_700_000_000},
    "another access token's": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "nobody": {"sub": None},
    "nobody, in an empty text": {"sub": ""},
    "a number": {"sub": 7},
    "a list": {"sub": ["sub-of-cara"]},
}


async def test_claims_that_are_not_for_this_sign_in_are_refused(known, stub):
    good, heard = dict(stub.claims), {}
    browser = Browser(known)
    for name, wrong in WRONG_CLAIMS.items():
        stub.claims = {**good, **wrong}
        seen, _ = await answered(browser, stub)
        heard[name] = (seen.status, seen.alert.partition(".")[0])
        assert "federation" not in "".join(set(browser.cookies) - {next(iter(browser.cookies))})

    said = (422, "What the provider says of you cannot be believed")
    assert heard == dict.fromkeys(WRONG_CLAIMS, said)
    assert await nobody(known)
    stub.claims = {**good, "aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert (await answered(browser, stub))[0].location == "/session"


async def test_signatures_that_are_not_the_providers_are_refused(known, stub, rsa):
    other = RSAKey.generate_key(2048, {"kid": "r1"})
    curve = ECKey.generate_key("P-256", {"kid": "r1"})
    forged = {
        "none": unsigned,
        "HMAC by the public key": by_public_key(stub),
        "another key of the same name": lambda claims: signed(other, claims),
        "another kind of key": lambda claims: signed(curve, claims),
        "an unknown key": lambda claims: signed(rsa, claims, kid="x"),
        "another type": lambda claims: signed(rsa, claims, typ="at+jwt"),
        "critical": lambda claims: signed(rsa, claims, crit=["b64"], b64=True),
        "no token": lambda _: "a.b.c",
        "none at all": lambda _: None,
        "too large": lambda claims: signed(rsa, {**claims, "more": "x" * 16_384}),
        "cut": lambda claims: signed(rsa, claims)[:-4],
        "altered": lambda claims: signed(rsa, claims).replace(".", ".e", 1),
    }
    browser, heard = Browser(known), {}
    for name, sign in forged.items():
        stub.sign = sign
        seen, _ = await answered(browser, stub)
        heard[name] = seen.status

    assert heard == dict.fromkeys(forged, 422)
    assert await nobody(known)


async def test_a_state_is_used_once_and_in_the_browser_that_began(known, stub):
    victim, stranger = Browser(known), Browser(known)
    await sent_to_provider(stranger, stub)  # so it has a cookie of its own
    asked = await sent_to_provider(victim, stub)
    answer = f"/sign-in/callback?code={asked['code']}&state={asked['state']}"
    elsewhere = await stranger.open(answer)
    nowhere = await Browser(known).open(answer)
    other_state = await victim.open(f"/sign-in/callback?code={asked['code']}&state=x")
    twice = await victim.open(f"{answer}&state={asked['state']}")
    right = await victim.open(answer)
    replayed = await victim.open(answer)

    said = "This sign-in was not begun in this browser, is finished, or took over ten minutes."
    for seen in (elsewhere, nowhere, other_state, replayed):
        assert (seen.status, seen.alert) == (422, said)
    assert (twice.status, right.location) == (400, "/session")
    assert len((await known.act("ada", ACCOUNT, subject=BUYER))["sessions"]) == 1


async def test_others_behind_the_same_proxy_spoil_no_sign_in(known, stub):
    browser = Browser(known)
    asked = await sent_to_provider(browser, stub)
    for _ in range(30):
        await Browser(known).open("/sign-in/provider")
    seen = await browser.open(f"/sign-in/callback?code={asked['code']}&state={asked['state']}")

    assert seen.location == "/session"


async def test_of_a_proxy_that_the_server_was_told_of_each_browser_is_one(backend, tmp_path, stub):
    few = {"sign_in": Quota(20, 1), "password": Quota(1, 1), "account": Quota(2, 1)}
    async with open_house("hub", backend, tmp_path / "hub", stub, proxies=1, quotas=few) as place:
        bogus = "/sign-in/callback?code=x&state=x"
        rude, fair, past = (
            Browser(place, headers={"X-Forwarded-For": written} if written else {})
            for written in ("203.0.113.9, 198.51.100.1:4711", "198.51.100.1, 203.0.113.9", "")
        )
        tried = [(await browser.open(bogus)).status for browser in (rude, rude, fair, past, past)]
        form = await rude.open("/sign-in", {"subject": "ada", "password": PASSWORD})

    assert tried == [422, 429, 422, 422, 429]
    assert form.status == 429


async def test_a_code_of_another_sign_in_is_not_taken(known, stub):
    browser = Browser(known)
    first = await sent_to_provider(browser, stub)
    second = await sent_to_provider(browser, stub)
    seen = await browser.open(f"/sign-in/callback?code={first['code']}&state={second['state']}")

    assert (seen.status, seen.alert.partition(".")[0]) == (
        422,
        "The provider did not confirm who you are",
    )
    assert await nobody(known)


async def test_another_providers_answer_is_refused(known, stub):
    browser = Browser(known)
    stub.metadata = {"authorization_response_iss_parameter_supported": True}
    missing, _ = await answered(browser, stub)
    other, _ = await answered(browser, stub, iss="https://else.example")
    denied, _ = await answered(browser, stub, iss=stub.url, code=None, error="access_denied")
    right, _ = await answered(browser, stub, iss=stub.url)

    assert [seen.status for seen in (missing, other, denied)] == [422, 422, 422]
    assert right.location == "/session"


async def test_who_is_not_linked_is_nobody_and_an_invitation_links_one_person(hub, stub):
    browser = Browser(hub)
    stranger, _ = await answered(browser, stub)
    halves = await invited(hub, "hub", BUYER)
    asked = await sent_to_provider(browser, stub, **halves)
    answer = f"/sign-in/callback?code={asked['code']}&state={asked['state']}"
    linked = await browser.open(answer)
    used = await browser.open("/sign-in/invitation", {**halves, "way": "provider"})
    taken = await hub.act("olga", LINK, subject="ada", issuer=stub.url, identity="sub-of-cara")

    assert (stranger.status, stranger.alert) == (
        401,
        "Nobody here is known by this account: ask for an invitation.",
    )
    assert (linked.location, used.status) == ("/session", 401)
    assert used.alert == "This code is not right, was used, or its time is over."
    assert taken["code"] == "IDENTITY_TAKEN"
    assert [act for act in await acts(hub) if act[1] == "identity.link"] == [
        (BUYER, "identity.link", BUYER)
    ]


async def slow(_):
    await asyncio.Event().wait()


def answers(**changes):
    async def answer(_):
        return web.json_response(**changes)

    return answer


def whole(stub, **changes):
    """Return metadata that nothing is wrong with but what is changed."""
    return {
        "issuer": stub.url,
        "authorization_endpoint": f"{stub.url}/authorize",
        "token_endpoint": f"{stub.url}/token",
        "jwks_uri": f"{stub.url}/jwks",
        **changes,
    }


BAD_METADATA = {
    "another issuer": lambda stub: answers(data=whole(stub, issuer="https://else.example")),
    "the issuer and a slash": lambda stub: answers(data=whole(stub, issuer=f"{stub.url}/")),
    "no token endpoint": lambda stub: answers(data=whole(stub, token_endpoint=None)),
    "an address within": lambda stub: answers(
        data=whole(stub, token_endpoint="http://169.254.169.254/token")
    ),
    "a list": lambda _: answers(data=[]),
    "an error": lambda stub: answers(data=whole(stub), status=500),
    "elsewhere": lambda stub: answers(data=whole(stub), status=302, headers={"Location": "/jwks"}),
}


@pytest.mark.parametrize("name", BAD_METADATA)
async def test_metadata_that_is_not_the_issuers_stops_the_way(stub, name, tmp_path):
    provider = provider_of(stub, tmp_path)
    stub.answers = {"/.well-known/openid-configuration": BAD_METADATA[name](stub)}
    for _ in range(3):
        with pytest.raises(ProviderDownError) as refusal:
            await provider.url_to_begin("state", "nonce", "v" * 43)
        assert refusal.value.retry_after == 10

    assert stub.asked == ["/.well-known/openid-configuration"]  # it is left in peace


async def test_while_the_provider_is_down_the_page_says_so(hub, stub):
    stub.answers = {"/.well-known/openid-configuration": answers(data={}, status=500)}
    before = await hub.rows()
    seen = await Browser(hub).open("/sign-in/provider")

    assert (seen.status, seen.headers["Retry-After"]) == (503, "10")
    assert seen.alert == (
        "The provider at which you sign in does not answer as it should. Try again in 10 seconds."
    )
    assert await hub.rows() == before


def provider_of(stub, folder, monotonic=lambda: 0.0):
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(CLIENT_SECRET, encoding="utf-8")
    configured = Configured(stub.url, CLIENT_ID, client_secret_file=secret)
    return Provider(configured, "https://hub.example/sign-in/callback", lambda: NOW, monotonic)


async def test_an_answer_that_does_not_come_or_does_not_end_is_given_up(stub):
    url = f"{stub.url}/jwks"
    stub.answers["/jwks"] = slow
    with pytest.raises(ProviderDownError) as late:
        await fetched(url, seconds=0.05)
    stub.answers["/jwks"] = answers(data={"x": "x" * BYTES_MAX})
    with pytest.raises(ProviderDownError) as large:
        await fetched(url)

    assert (late.value.detail, large.value.detail) == (
        "TimeoutError",
        f"more than {BYTES_MAX} bytes",
    )


async def test_an_unknown_key_has_the_list_asked_for_once_in_a_while(stub, rsa, tmp_path):
    seconds = [0.0]
    provider = provider_of(stub, tmp_path, lambda: seconds[0])
    now = int(NOW.timestamp())
    stub.claims = {"iss": stub.url, "sub": "s", "aud": CLIENT_ID, "iat": now, "exp": now + 60}

    async def said():
        where = await provider.url_to_begin("state", "nonce", "v" * 43)
        asked = {name: value for name, [value] in parse_qs(urlsplit(where).query).items()}
        stub.codes["c"] = asked
        try:
            return await provider.subject_of("c", "nonce", "v" * 43)
        except UnknownKeyError:
            return None

    first = await said()
    fresh = RSAKey.generate_key(2048, {"kid": "r2"})
    stub.keys, stub.sign = [rsa, fresh], lambda claims: signed(fresh, claims)
    soon = [await said() for _ in range(3)]
    seconds[0] += FETCH_AGAIN_SECONDS
    later = await said()
    stub.sign = lambda claims: signed(fresh, claims, kid="r3")
    unknown = [await said() for _ in range(3)]

    assert (first, soon, later, unknown) == ("s", [None] * 3, "s", [None] * 3)
    assert stub.asked.count("/jwks") == 2
    assert stub.asked.count("/.well-known/openid-configuration") == 1
    seconds[0] += HELD_SECONDS
    stub.sign = None
    assert await said() == "s"
    assert stub.asked.count("/.well-known/openid-configuration") == 2


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(known, stub):
    page = await Browser(known).open("/sign-in?next=%2Fpeople%3Fstate%3DENDED")
    led = {}
    for back in ("", "?next=%2Fpeople%3Fstate%3DENDED", "?next=%2F%2Felse.example", "?next=x"):
        browser = Browser(known)
        asked = await sent_to_provider(browser, stub, back)
        seen = await browser.open(f"/sign-in/callback?code={asked['code']}&state={asked['state']}")
        led[back] = seen.location

    assert 'href="/sign-in/provider?next=%2Fpeople%3Fstate%3DENDED"' in page.text
    assert list(led.values()) == ["/session", "/people?state=ENDED", "/session", "/session"]
