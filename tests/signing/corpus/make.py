"""Writes cases.json: `python -m tests.signing.corpus.make`. README.md says how it is read."""

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from federation.signing.statuslist import STATUS_TYP, Status
from tests.signing.corpus import bearer_cases, request_cases
from tests.signing.corpus.forge import (
    CRAWLER,
    HUB,
    HUB_KEY,
    MEMBER,
    NODE,
    NODE_KEY,
    NOON,
    ORIGIN,
    OTHER_KEY,
    SECOND,
    SERVERS,
    STRANGER,
    bound,
    policy,
    shown,
    signed,
    status_lists,
    token,
    trust,
)
from tests.signing.corpus.request_cases import refused

FILE = Path(__file__).with_name("cases.json")
REVOKED, SUSPENDED = {"HUB-000001": Status.INVALID}, {"HUB-000001": Status.SUSPENDED}
BOMB_BYTES = 8 << 20


def a_list(lst: str, key: Any = HUB_KEY, **changes: Any) -> str:
    """Return a status list of the hub with any bits."""
    said = {
        "iss": HUB,
        "sub": f"{HUB}/statuslists/0",
        "iat": SECOND + 10,
        "exp": SECOND + 3600,
        "ttl": 60,
        "status_list": {"bits": 2, "lst": lst},
    } | changes
    header = {"alg": "ES256", "typ": STATUS_TYP, "kid": key.kid}
    return key.sign(header, json.dumps(said).encode())


def packed(raw: bytes) -> str:
    """Return bits as a list holds them."""
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).rstrip(b"=").decode()


def saying(state: str, path: str, *others: tuple[str, str]) -> str:
    """Return the rulings of a policy: what is said of places for all uses, long since."""
    said = [(state, path), *others]
    raw = {
        "said": [[[each, "*", None, None, None]] for each, _ in said],
        "words": [f"pub.example{place}" for _, place in said],
        "places": [[number, [[0, number]]] for number in range(len(said))],
        "claims": [],
    }
    return packed(json.dumps(raw).encode())


def policies() -> dict[str, str]:
    """Return the policies by name; what a case does not name is `good`."""
    hubs_old, *others = status_lists(seconds=-3600)
    good = status_lists()
    plain = packed(bytes(1 << 15))
    with_list = {
        "a bomb": a_list(packed(bytes(BOMB_BYTES))),
        "a list that is short": a_list(packed(bytes(100))),
        "a list with a tail": a_list(
            base64.urlsafe_b64encode(zlib.compress(bytes(1 << 15)) + b"x").decode()
        ),
        "a list of one bit a licence": a_list(plain, status_list={"bits": 1, "lst": plain}),
        "a list of two hours": a_list(plain, exp=SECOND + 7211),
        "a list signed by another": a_list(plain, OTHER_KEY),
        "a list signed by a stranger": a_list(plain, STRANGER),
        "a list of another address": a_list(plain, sub=f"{HUB}.evil.example/statuslists/0"),
        "a list 65": a_list(plain, sub=f"{HUB}/statuslists/64"),
        "a list rolled back": a_list(plain, iat=SECOND - 1, exp=SECOND + 3599),
    }
    return {
        "good": policy(),
        "revoked": policy(lists=status_lists(REVOKED)),
        "suspended": policy(lists=status_lists(SUSPENDED)),
        "over": policy(-3600),
        "ahead": policy(61),
        "the hub's list over": policy(lists=[hubs_old, *good[1:]]),
        "another's list over": policy(lists=[good[0], *others]),
        "no lists": policy(lists=[]),
        "withheld": policy(optouts=[("pub.example/news", "*", NOON)]),
        "the shop only": policy(prefixes=[f"{ORIGIN}/shop"]),
        "all reserved": policy(reserved_all=True),
        "withheld by a record": policy(rulings=saying("WITHHELD", "/news/")),
        "agreed to below what is withheld": policy(
            rulings=saying("WITHHELD", "/news/", ("OPTED_IN", "/news/a$"))
        ),
        "only older gates refuse": policy(
            optouts=[("pub.example/news", "*", NOON)],
            reserved_all=True,
            rulings=saying("WITHHELD", "/shop/"),
        ),
        "a node that left": policy(trust=trust(servers=[SERVERS[0], SERVERS[2]]), lists=[]),
        "rolled back": policy(-10),
        "trust rolled back": policy(10, trust=trust(-10)),
        "of another member": policy(10, member="M-18"),
        "signed by another": policy(10, key=OTHER_KEY),
        **{name: policy(10, lists=[one, *good[1:]]) for name, one in with_list.items()},
        "rulings that do not unpack": policy(10, rulings="AAAA"),
        "rulings of no shape": policy(10, rulings=packed(b'{"said":[]}')),
        "a bomb of rulings": policy(10, rulings=packed(bytes(33 << 20))),
    }


def standing() -> Iterator[dict[str, Any]]:
    """Yield the cases of what a policy says of a good token."""
    over = (503, "server_error", "POLICY_UNAVAILABLE")
    withheld = (403, "insufficient_scope", "WITHHELD")
    for kind, made in (("bearer", shown(token())), ("bound", signed())):
        for name, expected in {
            "revoked": (401, "invalid_token", "LICENCE_REVOKED"),
            "suspended": (402, "invalid_token", "LICENCE_SUSPENDED"),
            "over": over,
            "ahead": over,
            "the hub's list over": over,
            "no lists": over,
            "withheld": withheld,
            "all reserved": withheld,
            "withheld by a record": withheld,
            "the shop only": (403, "insufficient_scope", "INSUFFICIENT_SCOPE"),
        }.items():
            yield refused(f"{kind}, policy: {name}", made, *expected) | {"policy": name}
        yield refused(f"{kind}, no policy", made, *over) | {"policy": None}
        for name in (
            "another's list over",
            "agreed to below what is withheld",
            "only older gates refuse",
        ):
            served = {"name": f"{kind}, policy: {name}", "request": made}
            yield served | {"policy": name, "expect": {"status": 200}}
    gone = (401, "invalid_token", "INVALID_TOKEN", "issuer")
    for kind, made in (
        ("bearer", shown(token(NODE_KEY, iss=NODE))),
        ("bound", signed(bound(NODE_KEY, iss=NODE))),
    ):
        left = refused(f"{kind}, issued by a node that left", made, *gone)
        yield left | {"policy": "a node that left"}


OFFERED = {
    "rolled back": ("POLICY_ROLLED_BACK", ""),
    "trust rolled back": ("POLICY_ROLLED_BACK", ""),
    "a list rolled back": ("POLICY_ROLLED_BACK", ""),
    "over": ("STALE_POLICY", ""),
    "of another member": ("INVALID_TOKEN", "audience"),
    "signed by another": ("INVALID_TOKEN", "key"),
    "a bomb": ("INVALID_TOKEN", "claims"),
    "a list that is short": ("INVALID_TOKEN", "claims"),
    "a list with a tail": ("INVALID_TOKEN", "claims"),
    "a list of one bit a licence": ("INVALID_TOKEN", "claims"),
    "a list of two hours": ("INVALID_TOKEN", "time"),
    "a list signed by another": ("INVALID_TOKEN", "key"),
    "a list signed by a stranger": ("INVALID_TOKEN", "key"),
    "a list of another address": ("INVALID_TOKEN", "claims"),
    "a list 65": ("INVALID_TOKEN", "claims"),
    "rulings that do not unpack": ("INVALID_TOKEN", "claims"),
    "rulings of no shape": ("INVALID_TOKEN", "claims"),
    "a bomb of rulings": ("INVALID_TOKEN", "claims"),
}


def corpus() -> dict[str, Any]:
    """Return all of it."""
    cases = [*bearer_cases.cases(), *request_cases.cases(), *standing()]
    return {
        "format": 1,
        "now": SECOND,
        "site": {
            "origins": [ORIGIN],
            "node": NODE,
            "member": MEMBER,
            "node_jwks": [NODE_KEY.public_jwk()],
            "hub_jwks": [HUB_KEY.public_jwk()],
        },
        "crawler_jwk": CRAWLER.public.public_jwk(),
        "policies": policies(),
        "cases": cases,
        "offered": [
            {"policy": name, "expect": {"code": code, "why": why}}
            for name, (code, why) in OFFERED.items()
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(corpus(), indent=1, ensure_ascii=True) + "\n", encoding="ascii")
