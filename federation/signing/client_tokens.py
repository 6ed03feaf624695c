"""Tokens of programs at the server that gave them, and what a program says to get one.

Access tokens (RFC 9068) and client assertions (RFC 7523). Of these a member's site only makes
assertions, to get the tokens it shows its node.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from federation.signing.claims import check_life, life, text
from federation.signing.jose import (
    LEEWAY_SECONDS,
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify,
    verify_assertion,
    whole_seconds,
)
from federation.signing.keys import Keys, SigningKey
from federation.signing.tokens import check_addressee

ACCESS_TYP: Final = "at+jwt"  # RFC 9068 names both so: audience and claims tell them apart
ASSERTION_TYP: Final = "client-authentication+jwt"
ACCESS_SECONDS_MAX: Final = 3600
ASSERTION_SECONDS: Final = 60  # of ours
ASSERTION_SECONDS_MAX: Final = 3600  # of others: as long as stock clients make theirs
JTI_LENGTH_MAX: Final = 255
_ASSERTION_TYPS: Final = frozenset({ASSERTION_TYP, "JWT"})
_ACCESS_CLAIMS: Final = frozenset(
    {"iss", "sub", "client_id", "aud", "iat", "exp", "jti", "scope", "credential"}
)
_PLAIN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Which client calls, in which role (`scope`), and which of its credentials that rests on."""

    client_id: str
    credential: str
    scope: str
    jti: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """A client's word that it is itself, good once and until `expires_at`."""

    jti: str
    expires_at: int


def mint_access_token(
    key: SigningKey,
    *,
    server: str,
    client_id: str,
    credential: str,
    scope: str,
    now: datetime,
    seconds: int = ACCESS_SECONDS_MAX,
    jti: str | None = None,
) -> str:
    """Sign what a client asks this one server with, for at most an hour (RFC 9068)."""
    claims = {
        "iss": server,
        "sub": client_id,
        "client_id": client_id,
        "aud": server,
        "scope": scope,
        "credential": credential,
        **life(now, seconds, ACCESS_SECONDS_MAX, jti),
    }
    return sign(claims, typ=ACCESS_TYP, key=key)


def check_access_token(
    token: str | bytes, *, keys: Keys, server: str, now: datetime
) -> AccessToken:
    """Return the client's token, if this server signed it for itself and it is nothing else.

    A licence token has the same type and may have the same issuer: its audience is a list, and it
    has other claims.
    """
    claims = verify(token, typ=ACCESS_TYP, keys=keys)
    check_times(claims, now)
    check_life(claims, ACCESS_SECONDS_MAX)
    if claims.get("iss") != server:
        raise InvalidTokenError(Reason.ISSUER, "not this server's own token")
    check_addressee(claims, server)
    if claims.keys() != _ACCESS_CLAIMS or claims["sub"] != claims["client_id"]:
        raise InvalidTokenError(Reason.CLAIMS, "not an access token")
    return AccessToken(
        client_id=text(claims, "client_id"),
        credential=text(claims, "credential"),
        scope=text(claims, "scope"),
        jti=text(claims, "jti"),
        issued_at=whole_seconds(claims, "iat"),
        expires_at=whole_seconds(claims, "exp"),
    )


def mint_client_assertion(key: SigningKey, *, client_id: str, issuer: str, now: datetime) -> str:
    """Sign a client's word that it is itself, for one request to one issuer (RFC 7523)."""
    lasts = life(now, ASSERTION_SECONDS, ASSERTION_SECONDS, None)
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, **lasts}
    return sign(claims, typ=ASSERTION_TYP, key=key)


def check_client_assertion(
    token: str | bytes, *, keys: Keys, client_id: str, issuer: str, now: datetime
) -> Assertion:
    """Return a client's word that it is itself, meant for this issuer and for nobody else.

    The issuer's name alone is its audience, never an endpoint (RFC 7523bis): what is said to one
    server must not be good at another. Whether it was used before is the caller's question.
    """
    claims = verify_assertion(token, typs=_ASSERTION_TYPS, keys=keys)
    check_times({"iat": int(now.timestamp()), **claims}, now)
    expires = whole_seconds(claims, "exp")
    if expires > now.timestamp() + ASSERTION_SECONDS_MAX + LEEWAY_SECONDS:
        raise InvalidTokenError(Reason.TIME, f"more than {ASSERTION_SECONDS_MAX} seconds ahead")
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidTokenError(Reason.ISSUER, "iss and sub are not the client")
    if claims.get("aud") not in (issuer, [issuer]):
        raise InvalidTokenError(Reason.AUDIENCE, "meant for another server")
    jti = text(claims, "jti")
    if len(jti) > JTI_LENGTH_MAX or not _PLAIN.fullmatch(jti):
        raise InvalidTokenError(Reason.CLAIMS, "jti is not a plain text")
    return Assertion(jti, expires)


def is_over_at(expires_at: int) -> datetime:
    """Return when a token of that `exp` counts nowhere any more, with the leeway it is given."""
    return datetime.fromtimestamp(expires_at + LEEWAY_SECONDS, UTC)
