"""Cases of bearer tokens: forged, stale, of another kind, for another place."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.signing.corpus.forge import (
    HUB,
    HUB_KEY,
    NODE_KEY,
    ORIGIN,
    OTHER,
    SECOND,
    STRANGER,
    b64,
    claims,
    es256,
    forged,
    shown,
    token,
    trust,
)

EXP = SECOND + 900


def with_exp(text: str) -> str:
    """Return a token whose `exp` is written so."""
    return forged(json.dumps(claims(exp=0)).replace('"exp": 0', f'"exp": {text}').encode())


def lived(issued: int, expires: int) -> str:
    """Return a token of a life that began and ends so many seconds from noon."""
    return token(iat=SECOND + issued, exp=SECOND + expires)


def of_other_algorithms() -> dict[str, str]:
    """Return tokens that are signed otherwise, or not at all."""
    kinds = {}
    for name in ("none", "EdDSA", "es256", "RS256"):
        header, payload, _ = token(header={"alg": name}).split(".")
        kinds[f"alg {name}"] = f"{header}.{payload}.AA"
    header, payload, _ = token(header={"alg": "HS256"}).split(".")
    secret = HUB_KEY.public._key.as_pem(private=False)
    mac = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)
    kinds["alg HS256, the public key as its secret"] = f"{header}.{payload}.{b64(mac)}"
    header, payload, _ = token(header={"alg": "ES384"}).split(".")
    key = ec.derive_private_key(7, ec.SECP384R1())
    signature = es256(key, f"{header}.{payload}", hashes.SHA384(), 48)
    kinds["alg ES384"] = f"{header}.{payload}.{b64(signature)}"
    kinds["alg absent"] = token(header={"alg": None})
    return kinds


def stray_bits() -> str:
    """Return a token whose last character has bits that say nothing: they must be 0."""
    made = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return made[:-1] + alphabet[alphabet.index(made[-1]) | 1]


def header_member_twice() -> str:
    """Return a token whose header says its algorithm twice."""
    header = f'{{"alg":"ES256","typ":"at+jwt","kid":"{HUB_KEY.kid}","alg":"ES256"}}'
    return HUB_KEY.sign(header, json.dumps(claims()).encode())


def claim_twice() -> str:
    """Return a token that names two licences."""
    return forged((json.dumps(claims())[:-1] + ', "license_id": "HUB-000009"}').encode())


WRONG: dict[str, dict[str, str]] = {
    "header": {
        "kid missing": token(header={"kid": None}),
        "embedded jwk": token(header={"jwk": STRANGER.public_jwk()}),
        "jku": token(header={"jku": "https://evil.example/jwks"}),
        "x5u": token(header={"x5u": "https://evil.example/x5u"}),
        "x5c": token(header={"x5c": ["AAAA"]}),
        "crit unknown": token(header={"crit": ["exp"]}),
        "b64 false": token(header={"b64": False, "crit": ["b64"]}),
        "cty": token(header={"cty": "JWT"}),
    },
    "key": {
        "kid unknown": token(header={"kid": "nobody"}),
        "kid a number": token(header={"kid": 7}),
        "a stranger's key": token(STRANGER),
        "another issuer's key": token(NODE_KEY),
        "another issuer's name": token(iss=OTHER),
    },
    "signature": {
        "a stranger's key under the hub's kid": token(STRANGER, {"kid": HUB_KEY.kid}),
        "a signature of no length": token().rpartition(".")[0] + ".AA",
    },
    "type": {
        "typ JWT": token(header={"typ": "JWT"}),
        "typ absent": token(header={"typ": None}),
        "typ in capitals": token(header={"typ": "AT+JWT"}),
        "a server's call": token(header={"typ": "server+jwt"}),
        "a person's session": token(header={"typ": "staff+jwt"}),
        "a status list": token(header={"typ": "statuslist+jwt"}),
        "an entity statement": token(header={"typ": "entity-statement+jwt"}),
        "a trust document": trust(servers=[]),
    },
    "expired": {
        "expired 61 seconds ago": lived(-600, -61),
        "expired 60 seconds ago": lived(-600, -60),
    },
    "time": {
        "issued 61 seconds ahead": lived(61, 121),
        "not before a later time": token(nbf=SECOND + 61),
        "exp absent": token(exp=None),
        "iat absent": token(iat=None),
        "exp 1e400": with_exp("1e400"),
        "exp a fraction": with_exp(f"{EXP}.0"),
        "exp a string": token(exp=str(EXP)),
        "exp true": token(exp=True),
        "exp of 900 digits": with_exp("9" * 900),
        "a life of 15 minutes and a second": token(exp=EXP + 1),
    },
    "issuer": {
        "iss absent": token(iss=None),
        "iss a list": token(iss=[HUB]),
        "iss a prefix of a known one": token(iss=HUB[:-1]),
        "iss a known one and more": token(iss=f"{HUB}.evil.net"),
        "iss with a trailing slash": token(iss=f"{HUB}/"),
        "iss in capitals": token(iss="https://HUB.example"),
        "a licensor that nobody trusts": token(license_id="ZZ-000001"),
    },
    "audience": {
        "aud absent": token(aud=None),
        "aud empty": token(aud=[]),
        "aud a string": token(aud=f"{ORIGIN}/news"),
        "aud relative": token(aud=["/news"]),
        "aud everything": token(aud=["*"]),
        "aud a pattern": token(aud=[f"{ORIGIN}/*"]),
        "aud without a scheme": token(aud=["pub.example/news"]),
        "aud with another scheme": token(aud=["ftp://pub.example/news"]),
        "aud with user info": token(aud=["https://pub.example@evil.net/news"]),
        "aud with a query": token(aud=[f"{ORIGIN}/news?"]),
        "aud with dot segments": token(aud=[f"{ORIGIN}/x/../news"]),
        "aud with hidden dot segments": token(aud=[f"{ORIGIN}/x/%2E%2e/news"]),
        "aud with one bad member": token(aud=[f"{ORIGIN}/news", "*"]),
        "aud of 65 members": token(aud=[f"{ORIGIN}/news"] * 65),
    },
    "claims": {
        "license_id absent": token(license_id=None),
        "license_id a number": token(license_id=1),
        "jti absent": token(jti=None),
        "sub and client_id differ": token(client_id="lab-2"),
        "uses absent": token(uses=None),
        "uses empty": token(uses=[]),
        "uses a string": token(uses="ai-input"),
        "status idx below the list": token(
            status={"status_list": {"idx": -1, "uri": f"{HUB}/statuslists/0"}}
        ),
        "status idx beyond the list": token(
            status={"status_list": {"idx": 1 << 17, "uri": f"{HUB}/statuslists/0"}}
        ),
        "status idx a string": token(
            status={"status_list": {"idx": "1", "uri": f"{HUB}/statuslists/0"}}
        ),
        "status at another's place": token(
            status={"status_list": {"idx": 2, "uri": f"{HUB}/statuslists/0"}}
        ),
        "status in another list": token(
            status={"status_list": {"idx": 1, "uri": f"{HUB}/statuslists/1"}}
        ),
        "status of another licensor": token(
            status={"status_list": {"idx": 1, "uri": "https://node-xx.example/statuslists/0"}}
        ),
        "status at a stranger's": token(
            status={"status_list": {"idx": 1, "uri": f"{HUB}.evil.example/statuslists/0"}}
        ),
    },
    "malformed": {
        "exp NaN": with_exp("NaN"),
        "exp Infinity": with_exp("Infinity"),
        "a claim twice": claim_twice(),
        "a header member twice": header_member_twice(),
        "claims that are a list": forged(b"[]"),
        "claims in UTF-16": forged(json.dumps(claims()).encode("utf-16")),
        "claims that are no UTF-8": forged(b'{"iss":"\xff\xfe"}'),
        "claims with half a surrogate pair": forged(b'{"iss":"\\ud800"}'),
        "claims nested too deep": forged(b"[" * 2900),
        "stray bits": stray_bits(),
        "padding": token() + "==",
        "four segments": token() + ".AA",
        "two segments": token().rpartition(".")[0],
        "empty signature": token().rpartition(".")[0] + ".",
        "no token at all": "opensesame",
    },
    "size": {
        "more than 4 KB": token(jti="j" * 4000),
        "4,097 bytes": "a" * 4097,
    },
}

RIGHT = {
    "a bearer token": token(),
    "of a node": token(NODE_KEY, iss="https://node-xx.example"),
    "expired 59 seconds ago": lived(-600, -59),
    "issued 60 seconds ahead": lived(60, 120),
    "with its own place in the status list": token(
        status={"status_list": {"idx": 1, "uri": f"{HUB}/statuslists/0"}}
    ),
}


def cases() -> Iterator[dict[str, Any]]:
    """Yield every case of a token alone."""
    for name, text in RIGHT.items():
        yield {"name": name, "request": shown(text), "expect": {"status": 200}}
    for name, text in of_other_algorithms().items():
        yield wrong(name, text, "invalid_request", "algorithm")
    for why, tokens in WRONG.items():
        for name, text in tokens.items():
            yield wrong(name, text, "invalid_token", why)


def wrong(name: str, text: str, error: str, why: str) -> dict[str, Any]:
    """Return the case of a token that is none."""
    expect = {"status": 401, "error": error, "code": "INVALID_TOKEN", "why": why}
    return {"name": name, "request": shown(text), "expect": expect}
