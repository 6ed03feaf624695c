"""Cases of requests: headers that say two things, addresses, and each fault of a signature."""

from collections.abc import Iterator
from typing import Any

from tests.signing.corpus.forge import (
    CRAWLER,
    DERIVED,
    HUB,
    NODE,
    NODE_KEY,
    ORIGIN,
    SECOND,
    THIEF,
    altered,
    bound,
    request,
    shown,
    signed,
    token,
    without,
)

AUTH, ALIAS = "authorization", "x-collective-license"
AGENT = (("signature-agent", 'sig1="https://lab.example"'),)
WHOLE = f'{DERIVED} "authorization"'
ONE, OTHER = token(), token(jti="jti-2")


def refused(name: str, made: Any, status: int, error: str, code: str, why: str = "") -> Any:
    """Return a case that is refused."""
    expect = {"status": status, "error": error, "code": code, "why": why}
    return {"name": name, "request": made, "expect": expect}


NOT_ONE_TOKEN: dict[str, tuple[list[tuple[str, str]], int, str]] = {
    "no token": ([], 401, "LICENCE_REQUIRED"),
    "another scheme": ([(AUTH, f"Bearer {ONE}")], 401, "LICENCE_REQUIRED"),
    "a scheme alone": ([(AUTH, "License")], 401, "LICENCE_REQUIRED"),
    "words": ([(AUTH, "License to crawl")], 401, "LICENCE_REQUIRED"),
    "two in one": ([(AUTH, f"License {ONE}, License {ONE}")], 401, "LICENCE_REQUIRED"),
    "bytes that are no UTF-8": ([(AUTH, "License \xff\xfe\x80")], 401, "LICENCE_REQUIRED"),
    "a quoted token": ([(AUTH, f'License "{ONE}"')], 401, "LICENCE_REQUIRED"),
    "an empty alias": ([(ALIAS, "")], 401, "LICENCE_REQUIRED"),
    "two Authorization headers": ([(AUTH, f"License {ONE}")] * 2, 400, "AMBIGUOUS_REQUEST"),
    "two schemes": (
        [(AUTH, f"License {ONE}"), (AUTH, "Basic abc")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two headers with different tokens": (
        [(AUTH, f"License {ONE}"), (ALIAS, OTHER)],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two aliases": ([(ALIAS, ONE)] * 2, 400, "AMBIGUOUS_REQUEST"),
    "two uses declared": (
        [(AUTH, f"License {ONE}"), ("x-licence-use", "ai-input"), ("x-licence-use", "ai-train")],
        400,
        "AMBIGUOUS_REQUEST",
    ),
    "two hosts": ([(AUTH, f"License {ONE}"), ("host", "pub.example")], 400, "AMBIGUOUS_REQUEST"),
}

OUTSIDE = {
    "a path that only begins alike": "/news-evil",
    "another case": "/News/a",
    "the root": "/",
    "dot segments out of the prefix": "/news/../private",
    "hidden dot segments": "/news/%2e%2e/private",
    "an escaped slash behind the prefix": "/news%2Fa",
    "escaped slashes and dots": "/news/..%2F..%2Fprivate",
}
ELSEWHERE = {
    "another host": "https://evil.example/news",
    "a host that begins alike": f"{ORIGIN}.evil.net/news",
    "plain http": "http://pub.example/news",
    "another port": f"{ORIGIN}:8443/news",
    "a longer path": f"{ORIGIN}/news/a/b",
    "a trailing slash the address lacks": f"{ORIGIN}/news/a/",
}

SERVED = {
    "signed": signed(),
    "signed with a query": signed(target="/shop/a?page=2"),
    "signed over nothing where there is no query": signed(values={'"@query"': ""}),
    "signed without alg": signed(alg=None),
    "signed in another order": signed(
        covered='"authorization" "@query" "@path" "@method" "@authority"'
    ),
    "signed with an agent": signed(
        covered=f'{WHOLE} "signature-agent";key="sig1"',
        more=AGENT,
        values={'"signature-agent";key="sig1"': '"https://lab.example"'},
    ),
    "signed over an agent whole": signed(covered=f'{WHOLE} "signature-agent"', more=AGENT),
    "signed with an escape": signed(target="/news/%C3%A9"),
    "signed 59 seconds after its end": signed(created=SECOND - 119, expires=SECOND - 59),
    "signed 60 seconds ahead": signed(created=SECOND + 60, expires=SECOND + 120),
    "a bound token of a node": signed(bound(NODE_KEY, iss=NODE)),
}

BADLY_SIGNED: dict[str, dict[str, Any]] = {
    "missing": {
        "not signed": without(signed(), "signature", "signature-input"),
        "no Signature": without(signed(), "signature"),
        "no Signature-Input": without(signed(), "signature-input"),
    },
    "key": {"a thief's key": signed(key=THIEF)},
    "signature": {
        "a thief's key under the crawler's name": signed(key=THIEF, keyid=f'"{CRAWLER.kid}"'),
        "another token": altered(signed(), AUTH, bound(), bound(jti="jti-2")),
        "another path": signed() | {"target": "/news/b"},
        "an escape more": signed() | {"target": "/news/%61"},
        "another query": signed() | {"target": "/news/a?page=2"},
        "a query taken away": signed(target="/news/a?page=2") | {"target": "/news/a"},
        "a query over nothing": signed(target="/news/a?page=2", values={'"@query"': ""}),
        "another method": signed() | {"method": "HEAD"},
        "another authority": signed(values={'"@authority"': "evil.example"}),
        "another port": signed(values={'"@authority"': "pub.example:8443"}),
        "a later end": altered(signed(), "signature-input", f"={SECOND + 60}", f"={SECOND + 59}"),
        "63 bytes": altered(signed(), "signature", "sig1=:", "sig1=:AAAA"),
    },
    "components": {
        "nothing covered": signed(covered=""),
        "no authority": signed(covered='"@method" "@path" "@query" "authorization"'),
        "no method": signed(covered='"@authority" "@path" "@query" "authorization"'),
        "no path": signed(covered='"@authority" "@method" "@query" "authorization"'),
        "no query": signed(covered='"@authority" "@method" "@path" "authorization"'),
        "no token": signed(covered=DERIVED),
        "one twice": signed(covered=f'{WHOLE} "@path"'),
        "a header that is not there": signed(covered=f'{WHOLE} "x-nothing"'),
        "an unknown derived one": signed(covered=f'{WHOLE} "@status"'),
        "a parameter": signed(covered=f'{DERIVED} "authorization";sf'),
        "an alias that is not covered": signed(more=((ALIAS, bound()),)),
        "an agent that is not covered": signed(more=AGENT),
    },
    "parameters": {
        "no created": signed(created=None),
        "no expires": signed(expires=None),
        "no keyid": signed(keyid=None),
        "no nonce": signed(nonce=None),
        "an unknown one": signed(more_of_it='"x"'),
    },
    "algorithm": {"another algorithm": signed(alg='"ecdsa-p256-sha256"')},
    "label": {
        "another tag": signed(tag='"web-bot"'),
        "no tag": signed(tag=None),
        "two of one tag": None,
    },
    "nonce": {
        "a short nonce": signed(nonce='"AAAAAAAAAAAAAAAAAAAAA"'),
        "a long nonce": signed(nonce=f'"{"A" * 129}"'),
        "a nonce that is no base64": signed(nonce='"AAAAAAAAAAAAAAAAAAAAAA!"'),
    },
    "time": {
        "a life of 61 seconds": signed(expires=SECOND + 61),
        "no life": signed(expires=SECOND),
        "created 61 seconds ahead": signed(created=SECOND + 61, expires=SECOND + 120),
        "created a fraction": signed(created=f'"{SECOND}"'),
    },
    "expired": {
        "ended 60 seconds ago": signed(created=SECOND - 120, expires=SECOND - 60),
        "two minutes old": signed(created=SECOND - 180, expires=SECOND - 120),
    },
    "malformed": {
        "beyond 4 KB": altered(signed(), "signature", "sig1=:", f"sig1=:{'A' * 4096}"),
        "an escaped quote": altered(signed(), "signature-input", 'tag="', 'tag="\\"'),
        "a label twice": altered(signed(), "signature", "sig1=:", "sig1=:AAAA:, sig1=:"),
        "a signature that is no base64": altered(signed(), "signature", "sig1=:", "sig1=:*"),
        "bytes that are no ASCII": altered(signed(), "signature-input", "sig1", "s\xefg1"),
        "a decimal": signed(created=f"{SECOND}.0"),
    },
}

NOT_BOUND = {
    "claims": {
        "no repertoire": bound(repertoire=None),
        "no territory": bound(territory=None),
        "a repertoire of all and more": bound(repertoire=["*", "XX"]),
        "cnf a string": bound(cnf="x"),
    },
    "confirmation": {
        "no cnf": bound(cnf=None),
        "only a thumbprint": bound(cnf={"jkt": CRAWLER.kid}),
        "cnf of nothing": bound(cnf={}),
        "cnf of both": bound(cnf={"jkt": CRAWLER.kid, "jwk": CRAWLER.public.public_jwk()}),
        "cnf with jku": bound(cnf={"jku": "https://evil.example/jwks"}),
        "a key of small order": bound(cnf={"jwk": CRAWLER.public.public_jwk() | {"x": "A" * 43}}),
        "the audience of another hub": bound(aud=[f"{NODE}/rs/members"]),
        "bound, for prefixes": bound(aud=[f"{ORIGIN}/"]),
        "an audience in capitals": bound(aud=["https://HUB.example/rs/members"]),
        "an audience with a slash": bound(aud=[f"{HUB}/rs/members/"]),
    },
    "audience": {"an audience more": bound(aud=[f"{HUB}/rs/members", f"{ORIGIN}/"])},
    "time": {"an hour and a second": bound(exp=SECOND + 3601)},
}


def two_signatures() -> Any:
    """Return a request with two signatures of this profile."""
    one = signed()
    for name in ("signature-input", "signature"):
        [value] = [value for at, value in one["headers"] if at == name]
        one = altered(one, name, value, f"{value}, {value.replace('sig1', 'sig2')}")
    return one


def cases() -> Iterator[dict[str, Any]]:
    """Yield every case of a request."""
    for name, (headers, status, code) in NOT_ONE_TOKEN.items():
        yield refused(name, request(*headers), status, "invalid_request", code)
    for method in ("POST", "PUT", "OPTIONS"):
        form = ("content-type", "application/x-www-form-urlencoded")
        made = request((AUTH, f"License {ONE}"), form, method=method)
        yield refused(f"method {method}", made, 405, "invalid_request", "METHOD_NOT_ALLOWED")
    made = altered(shown(ONE), "host", "pub.example", "evil.example")
    yield refused("a host of nobody here", made, 421, "invalid_request", "UNKNOWN_HOST")
    scope = (403, "insufficient_scope", "INSUFFICIENT_SCOPE")
    for name, target in OUTSIDE.items():
        yield refused(f"outside the audience: {name}", shown(ONE, target=target), *scope)
    for name, prefix in ELSEWHERE.items():
        yield refused(f"an audience elsewhere: {name}", shown(token(aud=[prefix])), *scope)
    for name, made in SERVED.items():
        yield {"name": name, "request": made, "expect": {"status": 200}}
    for why, requests in BADLY_SIGNED.items():
        for name, found in requests.items():
            made = found or two_signatures()
            bad = (401, "invalid_token", "INVALID_SIGNATURE", why)
            yield refused(f"badly signed: {name}", made, *bad)
    for why, tokens in NOT_BOUND.items():
        for name, text in tokens.items():
            bad = (401, "invalid_token", "INVALID_TOKEN", why)
            yield refused(f"not bound as it must be: {name}", signed(text), *bad)
    replayed = refused("replayed", signed(), 401, "invalid_token", "REQUEST_REPLAYED")
    yield replayed | {"before": [signed()]}
    use = ("x-licence-use", "ai-train")
    made = request((AUTH, f"License {ONE}"), use)
    yield refused("another use declared", made, 403, "insufficient_scope", "USE_NOT_GRANTED")
    many = bound(uses=["ai-input", "ai-train"])
    yield refused(
        "of several uses none declared", signed(many), 403, "insufficient_scope", "USE_NOT_GRANTED"
    )
    yield refused("works of another collective", signed(bound(repertoire=["YY"])), *scope)
