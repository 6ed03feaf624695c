"""The tokens that the table names, made when they are asked for, and signed requests."""

import time
from collections.abc import Callable
from typing import Any

from federation.clock import system_clock
from federation.signing.signatures import sign_request
from tests.signing.corpus.forge import (
    CRAWLER,
    EVERYWHERE,
    HUB_KEY,
    NODE,
    NODE_KEY,
    ORIGIN,
    STRANGER,
    THIEF,
    token,
)

WWW = "https://www.pub.example"
PREFIXES = [f"{ORIGIN}/news", f"{ORIGIN}/archive", f"{WWW}/news"]


def bearer(key: Any = HUB_KEY, header: Any = None, *, ago: int = 0, **changes: Any) -> str:
    """Return a bearer token that lives for ten minutes, issued some seconds ago."""
    now = int(time.time()) - ago
    life = {"iat": now, "exp": now + 600, "aud": PREFIXES}
    return token(key, header, **(life | changes))


def bound(**changes: Any) -> str:
    """Return a token for all sites, bound to the crawler's key."""
    good = {
        "aud": [EVERYWHERE],
        "territory": ["*"],
        "repertoire": ["*"],
        "cnf": {"jwk": CRAWLER.public.public_jwk()},
    }
    return bearer(**(good | changes))


def _without_end(made: str) -> str:
    return made[:-2] + ("AA" if not made.endswith("AA") else "BB")


TOKENS: dict[str, Callable[[], str]] = {
    "bearer": bearer,
    "second": lambda: bearer(jti="jti-2"),
    "of a node": lambda: bearer(NODE_KEY, iss=NODE, license_id="XX-000001"),
    "two uses": lambda: bearer(uses=["ai-input", "ai-train"]),
    "training": lambda: bearer(uses=["ai-train"]),
    "the shop": lambda: bearer(aud=[f"{ORIGIN}/shop"]),
    "revoked": lambda: bearer(license_id="HUB-000002"),
    "suspended": lambda: bearer(license_id="HUB-000003"),
    "unknown licensor": lambda: bearer(license_id="ZZ-000001"),
    "expired": lambda: bearer(ago=700),
    "ahead": lambda: bearer(ago=-120),
    "too long a life": lambda: bearer(exp=int(time.time()) + 7200),
    "forged": lambda: bearer(STRANGER, {"kid": HUB_KEY.kid}),
    "altered": lambda: _without_end(bearer()),
    "alg none": lambda: bearer(header={"alg": "none"}),
    "alg HS256": lambda: bearer(header={"alg": "HS256"}),
    "unknown issuer": lambda: bearer(iss="https://evil.example"),
    "another issuer's name": lambda: bearer(NODE_KEY),
    "typ JWT": lambda: bearer(header={"typ": "JWT"}),
    "a pattern": lambda: bearer(aud=["*"]),
    "too large": lambda: bearer(sub="x" * 4096, client_id="x" * 4096),
    "bound": bound,
    "bound elsewhere": lambda: bound(repertoire=["YY"]),
    "bound and revoked": lambda: bound(license_id="HUB-000002"),
    "bound by thumbprint": lambda: bound(cnf={"jkt": CRAWLER.kid}),
    "for all, not bound": lambda: bearer(aud=[EVERYWHERE]),
}
KEYS = {"crawler": CRAWLER, "thief": THIEF}


def filled(headers: list[list[str]]) -> list[tuple[str, str]]:
    """Put tokens in the place of their names, `{name}`, one for each name."""
    made: dict[str, str] = {}
    found = []
    for name, value in headers:
        for known, make in TOKENS.items():
            if f"{{{known}}}" in value:
                value = value.replace(f"{{{known}}}", made.setdefault(known, make()))  # noqa: PLW2901
        found.append((name, value))
    return found


def signed(
    how: dict[str, str], method: str, target: str, headers: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the headers with those of a signature; `how` names the key, and what was signed."""
    by_name = dict(headers)
    host = how.get("host", by_name.get("host", ""))
    added = sign_request(
        KEYS[how.get("key", "crawler")],
        method=how.get("method", method),
        url=f"https://{host}{how.get('target', target)}",
        headers=by_name,
        now=system_clock(),
        carrier=how.get("carrier", "authorization"),
    )
    return [*headers, *((name.lower(), value) for name, value in added.items())]
