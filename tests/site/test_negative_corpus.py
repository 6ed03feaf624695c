"""Tokens and headers nobody may pass with: what is answered, and that nothing else happens."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from federation.quotas import Quota
from federation.signing.statuslist import Status, StatusReference
from federation.site.guesses import Guesses

LINK = '<https://pub.example/license.xml>; rel="license"; type="application/rsl+xml"'


def assert_refused(site, answer, status, error, code):
    challenge, body = answer.headers["www-authenticate"], answer.json()
    found = (answer.status_code, challenge.partition(",")[0], body["error"], body["code"])

    assert found == (status, f'License error="{error}"', error, code)
    assert answer.headers.get("link") == (LINK if status in {401, 402, 403} else None)
    assert body["buy_at"] == "https://hub.example/buy"
    assert (site.visits, site.events()) == ([], [])


def unsigned(site):
    header, payload, _ = site.token(header={"alg": "none"}).split(".")
    return f"{header}.{payload}.AA"


def signed_with_the_public_key(site):
    header, payload, _ = site.token(header={"alg": "HS256"}).split(".")
    secret = site.hub_key.public._key.as_pem(private=False)
    mac = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}.{b64(mac)}"


def signed_with_es384(site):
    key = ECKey.generate_key("P-384")
    header, payload, _ = site.token(header={"alg": "ES384"}).split(".")
    der = key.private_key.sign(f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA384()))
    r, s = decode_dss_signature(der)
    return f"{header}.{payload}.{b64(r.to_bytes(48) + s.to_bytes(48))}"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_member_twice(site):
    text = json.dumps(site.claims())
    return site.forge((text[:-1] + ', "license_id": "HUB-000009"}').encode())


def with_header_member_twice(site):
    header = f'{{"alg":"ES256","typ":"at+jwt","kid":"{site.hub_key.kid}","alg":"ES256"}}'
    _, payload, signature = site.token().split(".")
    return f"{b64(header.encode())}.{payload}.{signature}"


def with_exp_text(site, text):
    return site.forge(json.dumps(site.claims(exp=0)).replace('"exp": 0', f'"exp": {text}').encode())


def a_second_ago(site, seconds):
    now = int(site.clock().timestamp())
    return site.token(iat=now - 600, exp=now - seconds)


def issued_ahead(site, seconds):
    now = int(site.clock().timestamp())
    return site.token(iat=now + seconds, exp=now + seconds + 60)


def with_stray_bits(site):
    """The last character of a signature has four bits that say nothing: they must be 0."""
    token = site.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) | 1]


FORGERIES = {
    "alg none": (unsigned, "invalid_request"),
    "HS256 with the public key as secret": (signed_with_the_public_key, "invalid_request"),
    "ES384": (signed_with_es384, "invalid_request"),
    "EdDSA": (lambda site: site.token(header={"alg": "EdDSA"}), "invalid_request"),
    "alg in lower case": (lambda site: site.token(header={"alg": "es256"}), "invalid_request"),
    "no alg": (lambda site: site.token(header={"alg": None}), "invalid_request"),
    "kid missing": lambda site: site.token(header={"kid": None}),
    "kid unknown": lambda site: site.token(header={"kid": "nobody"}),
    "kid a number": lambda site: site.token(header={"kid": 7}),
    "a stranger's key": lambda site: site.token(key=site.stranger),
    "a stranger's key under the hub's kid": lambda site: site.token(
        key=site.stranger, header={"kid": site.hub_key.kid}
    ),
    "another issuer's key": lambda site: site.token(key=site.node_key),
    "another issuer's name": lambda site: site.token(iss="https://node-yy.example"),
    "typ JWT": lambda site: site.token(header={"typ": "JWT"}),
    "typ absent": lambda site: site.token(header={"typ": None}),
    "a server's call": lambda site: site.token(header={"typ": "server+jwt"}),
    "a person's session": lambda site: site.token(header={"typ": "staff+jwt"}),
    "a status list": lambda site: site.token(header={"typ": "statuslist+jwt"}),
    "a trust document": lambda site: site.trust(),
    "embedded jwk": lambda site: site.token(header={"jwk": site.stranger.public_jwk()}),
    "jku": lambda site: site.token(header={"jku": "https://evil.example/jwks"}),
    "x5u": lambda site: site.token(header={"x5u": "https://evil.example/x5u"}),
    "x5c": lambda site: site.token(header={"x5c": ["AAAA"]}),
    "crit": lambda site: site.token(header={"crit": ["exp"]}),
    "b64 false": lambda site: site.token(header={"b64": False, "crit": ["b64"]}),
    "cty": lambda site: site.token(header={"cty": "JWT"}),
    "expired 61 seconds ago": lambda site: a_second_ago(site, 61),
    "expired 60 seconds ago": lambda site: a_second_ago(site, 60),
    "issued 61 seconds ahead": lambda site: issued_ahead(site, 61),
    "not before a later time": lambda site: site.token(nbf=int(site.clock().timestamp()) + 61),
    "exp absent": lambda site: site.token(exp=None),
    "iat absent": lambda site: site.token(iat=None),
    "exp NaN": lambda site: with_exp_text(site, "NaN"),
    "exp Infinity": lambda site: with_exp_text(site, "Infinity"),
    "exp 1e400": lambda site: with_exp_text(site, "1e400"),
    "exp a fraction": lambda site: with_exp_text(site, f"{site.claims()['exp']}.0"),
    "exp a string": lambda site: site.token(exp=str(site.claims()["exp"])),
    "exp true": lambda site: site.token(exp=True),
    "exp of 900 digits": lambda site: with_exp_text(site, "9" * 900),
    "a life of 15 minutes and a second": lambda site: site.token(exp=site.claims()["exp"] + 1),
    "iss absent": lambda site: site.token(iss=None),
    "iss a list": lambda site: site.token(iss=["https://hub.example"]),
    "iss a prefix of a known one": lambda site: site.token(iss="https://hub.exampl"),
    "iss a known one and more": lambda site: site.token(iss="https://hub.example.evil.net"),
    "iss with a trailing slash": lambda site: site.token(iss="https://hub.example/"),
    "iss in capitals": lambda site: site.token(iss="https://HUB.example"),
    "aud absent": lambda site: site.token(aud=None),
    "aud empty": lambda site: site.token(aud=[]),
    "aud a string": lambda site: site.token(aud="https://pub.example/news"),
    "aud relative": lambda site: site.token(aud=["/news"]),
    "aud everything": lambda site: site.token(aud=["*"]),
    "aud a pattern": lambda site: site.token(aud=["https://pub.example/*"]),
    "aud without a scheme": lambda site: site.token(aud=["pub.example/news"]),
    "aud with another scheme": lambda site: site.token(aud=["ftp://pub.example/news"]),
    "aud with user info": lambda site: site.token(aud=["https://pub.example@evil.net/news"]),
    "aud with a query": lambda site: site.token(aud=["https://pub.example/news?"]),
    "aud with dot segments": lambda site: site.token(aud=["https://pub.example/x/../news"]),
    "aud with hidden dot segments": lambda site: site.token(
        aud=["https://pub.example/x/%2E%2e/news"]
    ),
    "aud with one bad member": lambda site: site.token(aud=["https://pub.example/news", "*"]),
    "aud of 65 members": lambda site: site.token(aud=["https://pub.example/news"] * 65),
    "license_id absent": lambda site: site.token(license_id=None),
    "license_id a number": lambda site: site.token(license_id=1),
    "jti absent": lambda site: site.token(jti=None),
    "sub and client_id differ": lambda site: site.token(client_id="lab-2"),
    "uses absent": lambda site: site.token(uses=None),
    "uses empty": lambda site: site.token(uses=[]),
    "uses a string": lambda site: site.token(uses="ai-input"),
    "a claim twice": with_member_twice,
    "a header member twice": with_header_member_twice,
    "more than 4 KB": lambda site: site.token(jti="j" * 4000),
    "claims that are a list": lambda site: site.forge(b"[]"),
    "claims in UTF-16": lambda site: site.forge(json.dumps(site.claims()).encode("utf-16")),
    "claims nested too deep": lambda site: site.forge(b"[" * 2900),
    "stray bits": with_stray_bits,
    "padding": lambda site: site.token() + "==",
    "four segments": lambda site: site.token() + ".AA",
    "two segments": lambda site: site.token().rpartition(".")[0],
    "empty signature": lambda site: site.token().rpartition(".")[0] + ".",
    "no token at all": lambda _: "opensesame",
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_or_stale_token_is_answered_401_and_nothing_is_served(site, name):
    entry = FORGERIES[name]
    make, error = entry if isinstance(entry, tuple) else (entry, "invalid_token")

    answer = await site.get(token=make(site))

    assert_refused(site, answer, 401, error, "INVALID_TOKEN")


ADDRESSES = {
    "a path that only begins alike": "/news-evil",
    "another case": "/News/a",
    "the root": "/",
    "dot segments out of the prefix": "/news/../private",
    "hidden dot segments": "/news/%2e%2e/private",
    "an escaped slash behind the prefix": "/news%2Fa",
    "escaped slashes and dots": "/news/..%2F..%2Fprivate",
}


@pytest.mark.parametrize("name", ADDRESSES)
async def test_an_address_outside_the_audience_is_answered_403(site, name):
    answer = await site.get(ADDRESSES[name], token=site.token())

    assert_refused(site, answer, 403, "insufficient_scope", "INSUFFICIENT_SCOPE")


AUDIENCES = {
    "another host": "https://evil.example/news",
    "a host that begins alike": "https://pub.example.evil.net/news",
    "plain http": "http://pub.example/news",
    "another port": "https://pub.example:8443/news",
    "a longer path": "https://pub.example/news/a/b",
    "a trailing slash the address lacks": "https://pub.example/news/a/",
}


@pytest.mark.parametrize("name", AUDIENCES)
async def test_an_audience_elsewhere_is_answered_403(site, name):
    answer = await site.get(token=site.token(aud=[AUDIENCES[name]]))

    assert_refused(site, answer, 403, "insufficient_scope", "INSUFFICIENT_SCOPE")


async def test_a_token_is_good_only_at_the_sites_own_prefixes(site):
    site.set_policy(prefixes=["https://pub.example/shop"])

    answer = await site.get(token=site.token())

    assert_refused(site, answer, 403, "insufficient_scope", "INSUFFICIENT_SCOPE")


HEADERS = {
    "nothing": ([], 401, "LICENCE_REQUIRED"),
    "another scheme": ([("Authorization", "Bearer {token}")], 401, "LICENCE_REQUIRED"),
    "a scheme alone": ([("Authorization", "License")], 401, "LICENCE_REQUIRED"),
    "words": ([("Authorization", "License to crawl")], 401, "LICENCE_REQUIRED"),
    "two in one": (
        [("Authorization", "License {token}, License {token}")],
        401,
        "LICENCE_REQUIRED",
    ),
    "an empty alias": ([("X-Collective-License", "")], 401, "LICENCE_REQUIRED"),
    "two Authorization headers": (
        [("Authorization", "License {token}"), ("Authorization", "License {token}")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two schemes": (
        [("Authorization", "License {token}"), ("Authorization", "Basic abc")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "both headers differing": (
        [("Authorization", "License {token}"), ("X-Collective-License", "{other}")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two aliases": (
        [("X-Collective-License", "{token}"), ("X-Collective-License", "{token}")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two uses declared": (
        [
            ("Authorization", "License {token}"),
            ("X-Licence-Use", "ai-input"),
            ("X-Licence-Use", "ai-train"),
        ],
        400,
        "AMBIGUOUS_REQUEST",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_a_request_without_one_clear_token_is_not_guessed_at(site, name):
    headers, status, code = HEADERS[name]
    tokens = {"token": site.token(), "other": site.token(jti="jti-2")}
    sent = [(header, value.format(**tokens)) for header, value in headers]

    answer = await site.get(headers=[("User-Agent", "GPTBot/1.2"), *sent])

    assert_refused(site, answer, status, "invalid_request", code)


async def test_a_revoked_licence_is_answered_401(site):
    site.set_policy(licences={"HUB-000001": Status.INVALID})

    answer = await site.get(token=site.token())

    assert_refused(site, answer, 401, "invalid_token", "LICENCE_REVOKED")


async def test_a_suspended_licence_is_answered_402_with_a_description(site):
    site.set_policy(licences={"HUB-000001": Status.SUSPENDED})

    answer = await site.get(token=site.token())

    assert_refused(site, answer, 402, "invalid_token", "LICENCE_SUSPENDED")
    assert 'error_description="The licence is suspended' in answer.headers["www-authenticate"]


async def test_a_use_outside_the_token_is_answered_403(site):
    answer = await site.get(token=site.token(), headers=[("X-Licence-Use", "ai-train")])

    assert_refused(site, answer, 403, "insufficient_scope", "USE_NOT_GRANTED")


async def test_of_several_uses_none_is_assumed(site):
    answer = await site.get(token=site.token(uses=["ai-input", "ai-train"]))

    assert_refused(site, answer, 403, "insufficient_scope", "USE_NOT_GRANTED")
    assert "ai-input, ai-train" in answer.json()["detail"]


@pytest.mark.parametrize("lists", ["none", "too old"])
async def test_a_licence_of_whose_standing_nothing_current_is_known_is_answered_503(site, lists):
    hubs, *others = site.status_lists(now=site.clock() - timedelta(hours=1))
    site.set_policy(status_lists=[hubs] if lists == "too old" else [])

    assert_refused(
        site, await site.get(token=site.token()), 503, "server_error", "POLICY_UNAVAILABLE"
    )
    fresh = site.status_lists()[0]
    site.set_policy(status_lists=[fresh, *others])
    assert (await site.get(token=site.token())).status_code == 200


@pytest.mark.parametrize(
    ("position", "uri", "opens"),
    [
        (1, "https://hub.example/statuslists/0", True),
        (2, "https://hub.example/statuslists/0", False),
        (1, "https://hub.example/statuslists/1", False),
        (1, "https://node-xx.example/statuslists/0", False),
        (1, "https://hub.example.evil.example/statuslists/0", False),
    ],
)
async def test_a_token_that_points_to_another_place_than_its_licences_opens_nothing(
    site, position, uri, opens
):
    token = site.token(status=StatusReference(position, uri).claim())

    answer = await site.get(token=token)
    if opens:
        assert answer.status_code == 200
    else:
        assert_refused(site, answer, 401, "invalid_token", "INVALID_TOKEN")


async def test_a_licence_of_a_licensor_that_nobody_trusts_opens_nothing(site):
    answer = await site.get(token=site.token(license_id="ZZ-000001"))

    assert_refused(site, answer, 401, "invalid_token", "INVALID_TOKEN")


async def test_an_admitted_issuer_that_left_the_trust_document_is_unknown(site):
    token = site.token(key=site.node_key, iss="https://node-xx.example")
    assert (await site.get(token=token)).status_code == 200
    site.spool.batches()[0].path.unlink()
    site.visits.clear()
    site.held.issuers.pop("https://node-xx.example")

    answer = await site.get(token=token)

    assert_refused(site, answer, 401, "invalid_token", "INVALID_TOKEN")


@pytest.fixture(scope="module")
def lasting_site(make_site, tmp_path_factory):
    site = make_site(tmp_path_factory.mktemp("site"))
    site.gate = site.make_gate(guesses=Guesses(Quota(10_000, 10_000)))
    return site


@settings(deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_token_with_any_bit_flipped_is_refused(lasting_site, place, bit):
    good = lasting_site.token().encode()
    flipped = bytearray(good)
    flipped[int(place * len(good))] ^= 1 << bit
    header = [("User-Agent", "GPTBot"), (b"Authorization", b"License " + bytes(flipped))]

    answer = asyncio.run(lasting_site.get(headers=header))

    assert answer.status_code == 401
    assert (lasting_site.visits, lasting_site.events()) == ([], [])
