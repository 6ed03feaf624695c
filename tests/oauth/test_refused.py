"""What an OAuth endpoint refuses: one word for the caller, why in the log, no row written."""

import base64
import json
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from federation.config import Quota
from federation.edge.forms import FIELDS_MAX
from federation.signing.client_tokens import mint_client_assertion
from federation.signing.keys import SigningKey
from tests.oauth.conftest import ASSERTION_TYPE, FORM, NOW, Program, running

GRANT = {"grant_type": "client_credentials"}
ANY = "CORE"  # the core's own refusal
KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()


class Case(NamedTuple):
    """A request, and what comes of it: the status, the word, and the reason in the log."""

    form: Any
    headers: Any
    status: int
    error: str
    why: str
    query: str = ""


def claims(client_id: str, issuer: str, **changes: Any) -> dict[str, Any]:
    """Return an assertion's claims that are good but for some changes; None leaves one out."""
    now = int(NOW.timestamp())
    good = {"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 60}
    return {k: v for k, v in {**good, "jti": "j-1", **changes}.items() if v is not None}


def header(**changes: Any) -> dict[str, Any]:
    good = {"alg": "ES256", "typ": "client-authentication+jwt", "kid": KEY.kid}
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


def b64(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def shown(text: str) -> dict[str, str]:
    return {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


def requests(url: str, lab: Program) -> dict[str, Case]:
    """Return requests that cannot be read in one way only, or prove nothing."""
    basic = lab.basic()
    form = b"grant_type=client_credentials"
    no_colon = {"Authorization": "Basic " + base64.b64encode(b"nothing").decode()}
    bad, unproven = (400, "invalid_request"), (400, "invalid_client")
    challenged = (401, "invalid_client")  # by the header it used
    post = {**GRANT, "client_id": lab.client_id}
    wrong = f"cc_{lab.credential}_{'A' * 43}"
    return {
        "not utf-8": Case(form + b"&scope=\xff", basic, *bad, "NO_FORM"),
        "escaped, not utf-8": Case(form + b"&scope=%ff", basic, *bad, "NO_FORM"),
        "json": Case(form, {**basic, "Content-Type": "application/json"}, *bad, "CONTENT_TYPE"),
        "no pair": Case(b"grant_type", basic, *bad, "NO_FORM"),
        "nothing": Case(b"", basic, *bad, "NO_GRANT_TYPE"),
        "no grant": Case(b"scope=lab", basic, *bad, "NO_GRANT_TYPE"),
        "twice": Case(form + b"&" + form, basic, *bad, "PARAMETER_TWICE"),
        "resource twice": Case(form + b"&resource=a&resource=b", basic, *bad, "PARAMETER_TWICE"),
        "too many": Case(form + b"&a=1" * FIELDS_MAX, basic, *bad, "NO_FORM"),
        "in the query": Case(
            GRANT, None, *bad, "QUERY_STRING", f"?client_id=x&client_secret={lab.secret}"
        ),
        "two headers": Case(GRANT, [*basic.items(), *basic.items()], *bad, "TWO_AUTHORIZATIONS"),
        "header and body": Case(
            {**post, "client_secret": lab.secret}, basic, *bad, "CREDENTIALS_TWICE"
        ),
        "secret and assertion": Case(
            {**shown("a.b.c"), "client_secret": lab.secret}, None, *bad, "CREDENTIALS_TWICE"
        ),
        "nobody": Case(GRANT, None, *unproven, "NO_CREDENTIALS"),
        "only an id": Case(post, None, *unproven, "NO_CREDENTIALS"),
        "no id": Case({**GRANT, "client_secret": lab.secret}, None, *unproven, "NO_CLIENT_ID"),
        "two ids": Case({**GRANT, "client_id": "lab-2"}, basic, *challenged, "TWO_CLIENTS"),
        "bearer": Case(GRANT, {"Authorization": "Bearer abc"}, *challenged, "NOT_BASIC"),
        "no base64": Case(GRANT, {"Authorization": "Basic !!!"}, *challenged, "BAD_BASIC"),
        "no colon": Case(GRANT, no_colon, *challenged, "BAD_BASIC"),
        "wrong secret": Case(GRANT, lab.basic(wrong), *challenged, "WRONG_SECRET"),
        "longer secret": Case(GRANT, lab.basic(lab.secret + "x"), *challenged, "WRONG_SECRET"),
        "no secret of ours": Case(GRANT, lab.basic("password"), *challenged, "WRONG_SECRET"),
        "unknown": Case(
            {**GRANT, "client_id": "lab-0000", "client_secret": lab.secret},
            None,
            *unproven,
            "UNKNOWN_CLIENT",
        ),
        "nul": Case(
            {**GRANT, "client_id": "lab\0", "client_secret": "x"}, None, *unproven, "NO_CLIENT_ID"
        ),
        "grant": Case({"grant_type": "password"}, basic, 400, "unsupported_grant_type", ANY),
        "implicit": Case({"grant_type": "implicit"}, basic, 400, "unsupported_grant_type", ANY),
        "scope": Case({**GRANT, "scope": "auditor"}, basic, 400, "invalid_scope", "NOT_ITS_SCOPE"),
        "two scopes": Case(
            {**GRANT, "scope": "lab site"}, basic, 400, "invalid_scope", "NOT_ITS_SCOPE"
        ),
        "no scope": Case({**GRANT, "scope": "all"}, basic, 400, "invalid_scope", ANY),
        "resource": Case(
            {**GRANT, "resource": "https://news.example"},
            basic,
            400,
            "invalid_target",
            "OTHER_RESOURCE",
        ),
        "resource, longer": Case(
            {**GRANT, "resource": f"{url}/"}, basic, 400, "invalid_target", "OTHER_RESOURCE"
        ),
    }


def assertions(url: str, lab: Program) -> dict[str, Case]:
    """Return assertions that do not prove that their client is itself."""

    def signed(key=KEY, head=None, **changes: Any) -> str:
        pem = ECKey.import_key(key._key.as_dict(private=True))
        body = json.dumps(claims(lab.client_id, url, **changes)).encode()
        return jws.serialize_compact(head or header(), body, pem, algorithms=["ES256"])

    now, mine = int(NOW.timestamp()), claims(lab.client_id, url)
    hour = timedelta(hours=1).seconds
    rsa, secret = RSAKey.generate_key(2048), OctKey.generate_key(256)
    p384 = ECKey.generate_key("P-384")
    body = json.dumps(mine).encode()
    texts = {
        "none": (f"{b64({'alg': 'none'})}.{b64(mine)}.{b64(b'x')}", "algorithm"),
        "HS256": (
            jws.serialize_compact({"alg": "HS256"}, body, secret, algorithms=["HS256"]),
            "algorithm",
        ),
        "RS256": (
            jws.serialize_compact({"alg": "RS256"}, body, rsa, algorithms=["RS256"]),
            "algorithm",
        ),
        "ES384": (
            jws.serialize_compact({"alg": "ES384"}, body, p384, algorithms=["ES384"]),
            "algorithm",
        ),
        "typ": (signed(head=header(typ="at+jwt")), "type"),
        "jwk": (signed(head=header(jwk=KEY.public_jwk())), "header"),
        "jku": (f"{b64(header(jku='https://evil.example'))}.{b64(mine)}.{b64(b'x')}", "header"),
        "kid": (signed(head=header(kid=OTHER_KEY.kid)), "key"),
        "other key": (signed(OTHER_KEY), "signature"),
        "other key, no kid": (signed(OTHER_KEY, header(kid=None)), "signature"),
        "iss": (signed(iss="lab-2"), "issuer"),
        "aud endpoint": (signed(aud=f"{url}/oauth/token"), "audience"),
        "aud slash": (signed(aud=f"{url}/"), "audience"),
        "aud prefix": (signed(aud=url[:-1]), "audience"),
        "aud two": (signed(aud=[url, "https://other.example"]), "audience"),
        "aud none": (signed(aud=None), "audience"),
        "exp": (signed(exp=now - 61), "expired"),
        "no exp": (signed(exp=None), "time"),
        "exp text": (signed(exp=str(now + 60)), "time"),
        "exp far": (signed(exp=now + hour + 61), "time"),
        "iat ahead": (signed(iat=now + 61), "time"),
        "nbf ahead": (signed(nbf=now + 61), "time"),
        "no jti": (signed(jti=None), "claims"),
        "jti long": (signed(jti="j" * 256), "claims"),
        "jti nul": (signed(jti="j\0"), "claims"),
    }
    cases = {
        name: Case(shown(text), None, 400, "invalid_client", f"BAD_ASSERTION: {reason}")
        for name, (text, reason) in texts.items()
    }
    good = mint_client_assertion(KEY, client_id=lab.client_id, issuer=url, now=NOW)
    other = {**shown(good), "client_assertion_type": "urn:other"}
    stranger = mint_client_assertion(KEY, client_id="lab-0", issuer=url, now=NOW)
    return cases | {
        "no assertion type": Case(other, None, 400, "invalid_client", "ASSERTION_TYPE"),
        "no assertion": Case(shown("abc"), None, 400, "invalid_client", "NO_ASSERTION"),
        "sub": Case(shown(signed(sub=None)), None, 400, "invalid_client", "NO_CLIENT_ID"),
        "stranger": Case(shown(stranger), None, 400, "invalid_client", "UNKNOWN_CLIENT"),
        "good, other scope": Case(
            {**shown(good), "scope": "site"}, None, 400, "invalid_scope", "NOT_ITS_SCOPE"
        ),
    }


async def said(place, path: str, case: Case) -> tuple[int, Any, str]:
    """Send a request; return the status, the body and the reason in the log."""
    with capture_logs() as logs:
        status, body, headers = await place.post(path, case.form, case.headers, case.query)
    assert headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in headers) == (status == 401)
    whys = [line["why"] for line in logs if line["event"] == "refused"]
    assert len(whys) == 1, logs
    return status, body, whys[0]


async def test_each_refusal_is_one_word_and_writes_nothing(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    program = await place.issue("liam", "LAB", "lab-one", key=KEY)
    before = await place.rows()

    for name, case in {**requests(place.url, lab), **assertions(place.url, program)}.items():
        status, body, why = await said(place, "token", case)
        assert (name, status, body) == (name, case.status, {"error": case.error})
        assert why.startswith(case.why), (name, why)

    assert await place.rows() == before


@pytest.mark.parametrize("path", ["introspect", "revoke"])
async def test_the_other_endpoints_ask_who_it_is_as_well(place, path):
    lab = await place.issue("liam", "LAB", "lab-one")
    token = await place.token(lab)
    about = {"token": token}
    before = await place.rows()
    wrong = lab.basic(f"cc_{lab.credential}_{'A' * 43}")

    cases = {
        "nobody": Case(about, None, 400, "invalid_client", "NO_CREDENTIALS"),
        "wrong": Case(about, wrong, 401, "invalid_client", "WRONG_SECRET"),
        "no token": Case({}, lab.basic(), 400, "invalid_request", ANY),
        "hint": Case(
            {**about, "token_type_hint": "id_token"},
            lab.basic(),
            400,
            "unsupported_token_type",
            ANY,
        ),
    }
    for name, case in cases.items():
        status, body, why = await said(place, path, case)
        assert (name, status, body) == (name, case.status, {"error": case.error})
        assert why.startswith(case.why)

    assert await place.rows() == before


async def test_a_body_beyond_the_limit_is_not_read(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    before = await place.rows()

    status, body, headers = await place.post(
        "token", b"grant_type=client_credentials&x=" + b"y" * 16_384, lab.basic()
    )

    assert (status, body) == (413, {"error": "invalid_request"})
    assert headers["Cache-Control"] == "no-store"
    assert await place.rows() == before


async def test_the_endpoints_take_posts_only(place):
    for path in ("token", "introspect", "revoke"):
        async with place.http.get(f"{place.url}/oauth/{path}", headers=FORM) as answer:
            assert answer.status == 405


async def test_who_guesses_waits_and_who_knows_does_not(backend, tmp_path):
    few = {"oauth": Quota(burst=180, per_minute=1)}
    async with running("hub", backend, tmp_path, quotas=few) as hub:
        lab = await hub.issue("liam", "LAB", "lab-one")
        wrong = lab.basic(f"cc_{lab.credential}_{'A' * 43}")
        for _ in range(20):  # each counts as one of 180
            assert (await hub.post("token", GRANT, lab.basic()))[0] == 200
        before = await hub.rows()

        with capture_logs() as logs:
            answers = [await hub.post("token", GRANT, wrong) for _ in range(4)]

        whys = [line["why"] for line in logs if line["event"] == "refused"]
        assert whys == ["WRONG_SECRET"] * 2  # what comes too often fills no log
        assert [status for status, _, _ in answers] == [401, 401, 429, 429]
        assert answers[2][1] == {"error": "temporarily_unavailable"}
        assert answers[2][2]["Retry-After"].isdigit()
        assert (await hub.post("token", GRANT, lab.basic()))[0] == 429  # from there, by address
        assert await hub.rows() == before
