"""Short-lived tokens, minted and checked without a database: licence, server call, staff, client.

A publisher's site installs this module, so it imports `jose`, keys and values only.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, cast
from urllib.parse import urlsplit

from federation.errors import RefusalError
from federation.trust.jose import (
    LEEWAY_SECONDS,
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify,
    verify_assertion,
    verify_from,
    whole_seconds,
)
from federation.trust.keys import Keys, SigningKey

LICENCE_TYP: Final = "at+jwt"
SERVER_TYP: Final = "server+jwt"
STAFF_TYP: Final = "staff+jwt"
ACCESS_TYP: Final = "at+jwt"  # RFC 9068 names both so: audience and claims tell them apart
ASSERTION_TYP: Final = "client-authentication+jwt"
LICENCE_SECONDS_MAX: Final = 15 * 60
SERVER_SECONDS_MAX: Final = 60
STAFF_SECONDS_MAX: Final = 12 * 3600
ACCESS_SECONDS_MAX: Final = 3600
ASSERTION_SECONDS: Final = 60  # of ours
ASSERTION_SECONDS_MAX: Final = 3600  # of others: as long as stock clients make theirs
JTI_LENGTH_MAX: Final = 255
_ASSERTION_TYPS: Final = frozenset({ASSERTION_TYP, "JWT"})
_ACCESS_CLAIMS: Final = frozenset(
    {"iss", "sub", "client_id", "aud", "iat", "exp", "jti", "scope", "credential"}
)
_LIST_MAX: Final = 64
_TEXT_MAX: Final = 2048
_PLAIN = re.compile(r"[!-~]+")
_DEFAULT_PORT: Final = {"http": 80, "https": 443}


class InvalidGrantError(RefusalError):
    """The token cannot be minted."""

    code: ClassVar[str] = "INVALID_GRANT"


class OutsideAudienceError(RefusalError):
    """The licence token was not minted for this address."""

    code: ClassVar[str] = "INSUFFICIENT_SCOPE"


@dataclass(frozen=True, slots=True)
class LicenceToken:
    """What a checked licence token says."""

    issuer: str
    licensee: str
    audience: tuple[str, ...]
    licence: str
    uses: tuple[str, ...]
    jti: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class ServerToken:
    """Which server calls."""

    caller: str
    jti: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class StaffToken:
    """Which person calls, in which role."""

    subject: str
    role: str
    jti: str
    expires_at: int


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


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bearer token is to allow: some uses of one member's prefixes, to one licensee.

    `audience` holds absolute prefixes in their normalised spelling (`registry.urls`), because paths
    are compared as text. Whether the prefixes are one member's is the caller's knowledge.
    """

    issuer: str
    licensee: str
    audience: Sequence[str]
    licence: str
    uses: Sequence[str]


def mint_licence_token(
    key: SigningKey,
    grant: Grant,
    *,
    now: datetime,
    seconds: int = LICENCE_SECONDS_MAX,
    jti: str | None = None,
) -> str:
    """Sign a bearer token for some uses of one member's prefixes, for at most 15 minutes."""
    audience, uses = grant.audience, grant.uses
    if not audience or not uses or max(len(audience), len(uses)) > _LIST_MAX:
        raise InvalidGrantError(f"1 to {_LIST_MAX} prefixes and uses are asked for")
    for prefix in audience:
        if split_prefix(prefix) is None:
            raise InvalidGrantError(f"not an absolute prefix: {prefix}")
    claims = {
        "iss": grant.issuer,
        "sub": grant.licensee,
        "client_id": grant.licensee,
        "aud": list(audience),
        "license_id": grant.licence,
        "uses": list(uses),
        **_life(now, seconds, LICENCE_SECONDS_MAX, jti),
    }
    return sign(claims, typ=LICENCE_TYP, key=key)


def check_licence_token(
    token: str | bytes, *, issuers: Mapping[str, Keys], url: str, now: datetime
) -> LicenceToken:
    """Return the token if a known issuer signed it, it is alive and its audience covers `url`."""
    claims = verify_from(token, typ=LICENCE_TYP, issuers=issuers)
    check_times(claims, now)
    _check_life(claims, LICENCE_SECONDS_MAX)
    read = _read_licence(claims)
    if not covers(read.audience, url):
        raise OutsideAudienceError(url)
    return read


def mint_server_token(
    key: SigningKey, *, caller: str, callee: str, now: datetime, jti: str | None = None
) -> str:
    """Sign a call from one server to another; it lives for 60 seconds."""
    life = _life(now, SERVER_SECONDS_MAX, SERVER_SECONDS_MAX, jti)
    return sign({"iss": caller, "aud": callee, **life}, typ=SERVER_TYP, key=key)


def check_server_token(
    token: str | bytes, *, callers: Mapping[str, Keys], callee: str, now: datetime
) -> ServerToken:
    """Return who calls, if the call is meant for this very server."""
    claims = verify_from(token, typ=SERVER_TYP, issuers=callers)
    check_times(claims, now)
    _check_life(claims, SERVER_SECONDS_MAX)
    _check_addressee(claims, callee)
    return ServerToken(_text(claims, "iss"), _text(claims, "jti"), whole_seconds(claims, "exp"))


def mint_staff_token(
    key: SigningKey,
    *,
    server: str,
    subject: str,
    role: str,
    now: datetime,
    seconds: int = STAFF_SECONDS_MAX,
    jti: str | None = None,
) -> str:
    """Sign a person's session at one server, with that server's own key, for at most 12 hours."""
    life = _life(now, seconds, STAFF_SECONDS_MAX, jti)
    claims = {"iss": server, "aud": server, "sub": subject, "role": role, **life}
    return sign(claims, typ=STAFF_TYP, key=key)


def check_staff_token(token: str | bytes, *, keys: Keys, server: str, now: datetime) -> StaffToken:
    """Return the person, if this server itself signed the token for itself."""
    claims = verify(token, typ=STAFF_TYP, keys=keys)
    check_times(claims, now)
    _check_life(claims, STAFF_SECONDS_MAX)
    if claims.get("iss") != server:
        raise InvalidTokenError(Reason.ISSUER, "not this server's own token")
    _check_addressee(claims, server)
    expires = whole_seconds(claims, "exp")
    return StaffToken(_text(claims, "sub"), _text(claims, "role"), _text(claims, "jti"), expires)


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
        **_life(now, seconds, ACCESS_SECONDS_MAX, jti),
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
    _check_life(claims, ACCESS_SECONDS_MAX)
    if claims.get("iss") != server:
        raise InvalidTokenError(Reason.ISSUER, "not this server's own token")
    _check_addressee(claims, server)
    if claims.keys() != _ACCESS_CLAIMS or claims["sub"] != claims["client_id"]:
        raise InvalidTokenError(Reason.CLAIMS, "not an access token")
    return AccessToken(
        client_id=_text(claims, "client_id"),
        credential=_text(claims, "credential"),
        scope=_text(claims, "scope"),
        jti=_text(claims, "jti"),
        issued_at=whole_seconds(claims, "iat"),
        expires_at=whole_seconds(claims, "exp"),
    )


def mint_client_assertion(key: SigningKey, *, client_id: str, issuer: str, now: datetime) -> str:
    """Sign a client's word that it is itself, for one request to one issuer (RFC 7523)."""
    life = _life(now, ASSERTION_SECONDS, ASSERTION_SECONDS, None)
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, **life}
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
    jti = _text(claims, "jti")
    if len(jti) > JTI_LENGTH_MAX or not _PLAIN.fullmatch(jti):
        raise InvalidTokenError(Reason.CLAIMS, "jti is not a plain text")
    return Assertion(jti, expires)


def is_over_at(expires_at: int) -> datetime:
    """Return when a token of that `exp` counts nowhere any more, with the leeway it is given."""
    return datetime.fromtimestamp(expires_at + LEEWAY_SECONDS, UTC)


def covers(prefixes: Iterable[str], url: str) -> bool:
    """Tell whether an absolute prefix covers `url`: same origin, and a path cut at a `/`.

    `/news` covers `/news` and `/news/a`, not `/news-evil`; `/news/` covers `/news/a`, not `/news`.
    A URL with dot segments is covered by nothing: what it names is decided elsewhere.
    """
    place = _split(url.partition("#")[0].partition("?")[0])
    if place is None:
        return False
    origin, path = place
    for prefix in prefixes:
        split = split_prefix(prefix)
        if split is not None and split[0] == origin and _begins(path, split[1]):
            return True
    return False


def split_prefix(prefix: str) -> tuple[str, str] | None:
    """Return (origin, path) of an absolute prefix; None if it is relative, a pattern or more."""
    return None if any(mark in prefix for mark in "*?#") else _split(prefix)


def _begins(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def _split(url: str) -> tuple[str, str] | None:
    """Return the origin, lower-cased and without its default port, and the path."""
    if len(url) > _TEXT_MAX * 4 or not _PLAIN.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    default = _DEFAULT_PORT.get(parts.scheme)
    if default is None or not parts.hostname or "@" in parts.netloc or _has_dots(parts.path):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme}://{host}"
    return origin if port in (None, default) else f"{origin}:{port}", parts.path or "/"


def _has_dots(path: str) -> bool:
    segments = path.lower().replace("%2e", ".").split("/")
    return "." in segments or ".." in segments


def _life(now: datetime, seconds: int, seconds_max: int, jti: str | None) -> dict[str, Any]:
    if not 0 < seconds <= seconds_max:
        raise InvalidGrantError(f"it may live for 1 to {seconds_max} seconds")
    issued = int(now.timestamp())
    return {"iat": issued, "exp": issued + seconds, "jti": jti or secrets.token_urlsafe(16)}


def _check_life(claims: Mapping[str, Any], seconds_max: int) -> None:
    """Refuse a token that was given a longer life than its kind may have."""
    if not 0 < whole_seconds(claims, "exp") - whole_seconds(claims, "iat") <= seconds_max:
        raise InvalidTokenError(Reason.TIME, f"it may live for at most {seconds_max} seconds")


def _check_addressee(claims: Mapping[str, Any], server: str) -> None:
    if claims.get("aud") != server:
        raise InvalidTokenError(Reason.AUDIENCE, "meant for another server")


def _read_licence(claims: Mapping[str, Any]) -> LicenceToken:
    licensee = _text(claims, "sub")
    if claims.get("client_id") != licensee:
        raise InvalidTokenError(Reason.CLAIMS, "sub and client_id differ")
    audience = _texts(claims, "aud", Reason.AUDIENCE)
    if any(split_prefix(prefix) is None for prefix in audience):
        raise InvalidTokenError(Reason.AUDIENCE, "aud holds something else than absolute prefixes")
    return LicenceToken(
        issuer=_text(claims, "iss"),
        licensee=licensee,
        audience=audience,
        licence=_text(claims, "license_id"),
        uses=_texts(claims, "uses", Reason.CLAIMS),
        jti=_text(claims, "jti"),
        issued_at=whole_seconds(claims, "iat"),
        expires_at=whole_seconds(claims, "exp"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MAX:
        raise InvalidTokenError(Reason.CLAIMS, f"{name} is not a text")
    return value


def _texts(claims: Mapping[str, Any], name: str, reason: Reason) -> tuple[str, ...]:
    value = claims.get(name)
    if not isinstance(value, list):
        raise InvalidTokenError(reason, f"{name} is not a list")
    items = cast("list[object]", value)
    texts = tuple(item for item in items if isinstance(item, str) and item)
    if not 0 < len(texts) == len(items) <= _LIST_MAX:
        raise InvalidTokenError(reason, f"{name} is not a list of 1 to {_LIST_MAX} texts")
    return texts
