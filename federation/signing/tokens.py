"""Short-lived tokens, minted and checked without a database: licence, server call, staff, client.

A publisher's site installs this module, so it imports `jose`, keys and values only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from federation.errors import RefusalError
from federation.signing.claims import (
    LIST_MAX,
    TEXT_MAX,
    InvalidGrantError,
    check_life,
    life,
    text,
    texts,
)
from federation.signing.jose import (
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify,
    verify_from,
    whole_seconds,
)
from federation.signing.keys import Keys, SigningKey
from federation.signing.statuslist import StatusReference, read_reference

LICENCE_TYP: Final = "at+jwt"
SERVER_TYP: Final = "server+jwt"
STAFF_TYP: Final = "staff+jwt"
LICENCE_SECONDS_MAX: Final = 15 * 60
SERVER_SECONDS_MAX: Final = 60
STAFF_SECONDS_MAX: Final = 12 * 3600
MEMBERS_PATH: Final = "/rs/members"
_PLAIN = re.compile(r"[!-~]+")
_DEFAULT_PORT: Final = {"http": 80, "https": 443}


class OutsideAudienceError(RefusalError):
    """The licence token was not minted for this address."""

    code: ClassVar[str] = "INSUFFICIENT_SCOPE"


class BoundTokenError(RefusalError):
    """The licence token is bound to a key: only the site that is asked with it can tell."""

    code: ClassVar[str] = "BOUND_TOKEN"


class LicenceKind(Enum):
    """The two kinds of licence token; `licence_kind` alone tells them apart."""

    BEARER = auto()
    """For one member's prefixes, for minutes: whoever shows it is served."""
    BOUND = auto()
    """For the sites of all members, for an hour: served is who signs with the key it names."""


@dataclass(frozen=True, slots=True)
class LicenceToken:
    """What a checked bearer token says."""

    issuer: str
    licensee: str
    audience: tuple[str, ...]
    licence: str
    uses: tuple[str, ...]
    status: StatusReference | None
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
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bearer token is to allow: some uses of one member's prefixes, to one licensee.

    `audience` holds absolute prefixes in their normalised spelling (`addresses.urls`), because
    paths are compared as text. Whether the prefixes are one member's is the caller's knowledge.
    """

    issuer: str
    licensee: str
    audience: Sequence[str]
    licence: str
    uses: Sequence[str]
    status: StatusReference | None = None


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
    if not audience or not uses or max(len(audience), len(uses)) > LIST_MAX:
        raise InvalidGrantError(f"1 to {LIST_MAX} prefixes and uses are asked for")
    for prefix in audience:
        if split_prefix(prefix) is None:
            raise InvalidGrantError(f"not an absolute prefix: {prefix}")
    claims: dict[str, Any] = {
        "iss": grant.issuer,
        "sub": grant.licensee,
        "client_id": grant.licensee,
        "aud": list(audience),
        "license_id": grant.licence,
        "uses": list(uses),
        **life(now, seconds, LICENCE_SECONDS_MAX, jti),
    }
    if grant.status is not None:
        claims["status"] = grant.status.claim()
    return sign(claims, typ=LICENCE_TYP, key=key)


def members_audience(hub: str) -> str:
    """Return the one audience of tokens for all members' sites, from the hub's entity id."""
    return hub + MEMBERS_PATH


def licence_kind(claims: Mapping[str, Any], hub: str) -> LicenceKind:
    """Tell which kind of licence token claims are of, by `aud` and `cnf` and nothing else.

    All members' sites and a key: bound. Something else and no key: a bearer's, whose audience is
    read later. A token for all sites that anybody may show is none, and one for prefixes has no
    key: both are refused.
    """
    audience: object = claims.get("aud")
    everywhere = members_audience(hub)
    if audience == [everywhere]:
        if "cnf" not in claims:
            raise InvalidTokenError(Reason.CONFIRMATION, "for all members' sites, and not bound")
        return LicenceKind.BOUND
    if isinstance(audience, list) and everywhere in audience:
        raise InvalidTokenError(Reason.AUDIENCE, "all members' sites and more")
    if "cnf" in claims:
        raise InvalidTokenError(Reason.CONFIRMATION, "bound, and not for all members' sites")
    return LicenceKind.BEARER


def check_licence_token(
    token: str | bytes, *, issuers: Mapping[str, Keys], hub: str, url: str, now: datetime
) -> LicenceToken:
    """Return a bearer token if a known issuer signed it, it is alive and its audience covers `url`.

    A genuine bound token is refused as such (BOUND_TOKEN): alone it says nothing of who shows it
    (`bound_tokens`).
    """
    claims = verify_from(token, typ=LICENCE_TYP, issuers=issuers)
    check_times(claims, now)
    if licence_kind(claims, hub) is LicenceKind.BOUND:
        raise BoundTokenError
    read = read_bearer(claims)
    if not covers(read.audience, url):
        raise OutsideAudienceError(url)
    return read


def read_bearer(claims: Mapping[str, Any]) -> LicenceToken:
    """Return what the claims of a bearer token say; whose they are is checked before."""
    check_life(claims, LICENCE_SECONDS_MAX)
    audience = texts(claims, "aud", Reason.AUDIENCE)
    if any(split_prefix(prefix) is None for prefix in audience):
        raise InvalidTokenError(Reason.AUDIENCE, "aud holds something else than absolute prefixes")
    return LicenceToken(
        issuer=text(claims, "iss"),
        licensee=licensee(claims),
        audience=audience,
        licence=text(claims, "license_id"),
        uses=texts(claims, "uses"),
        status=read_reference(claims),
        jti=text(claims, "jti"),
        issued_at=whole_seconds(claims, "iat"),
        expires_at=whole_seconds(claims, "exp"),
    )


def licensee(claims: Mapping[str, Any]) -> str:
    """Return to whom a licence token was given: `sub`, and `client_id` says the same."""
    name = text(claims, "sub")
    if claims.get("client_id") != name:
        raise InvalidTokenError(Reason.CLAIMS, "sub and client_id differ")
    return name


def mint_server_token(
    key: SigningKey, *, caller: str, callee: str, now: datetime, jti: str | None = None
) -> str:
    """Sign a call from one server to another; it lives for 60 seconds."""
    times = life(now, SERVER_SECONDS_MAX, SERVER_SECONDS_MAX, jti)
    return sign({"iss": caller, "aud": callee, **times}, typ=SERVER_TYP, key=key)


def check_server_token(
    token: str | bytes, *, callers: Mapping[str, Keys], callee: str, now: datetime
) -> ServerToken:
    """Return who calls, if the call is meant for this very server."""
    claims = verify_from(token, typ=SERVER_TYP, issuers=callers)
    check_times(claims, now)
    check_life(claims, SERVER_SECONDS_MAX)
    check_addressee(claims, callee)
    return ServerToken(text(claims, "iss"), text(claims, "jti"), whole_seconds(claims, "exp"))


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
    times = life(now, seconds, STAFF_SECONDS_MAX, jti)
    claims = {"iss": server, "aud": server, "sub": subject, "role": role, **times}
    return sign(claims, typ=STAFF_TYP, key=key)


def check_staff_token(token: str | bytes, *, keys: Keys, server: str, now: datetime) -> StaffToken:
    """Return the person, if this server itself signed the token for itself."""
    claims = verify(token, typ=STAFF_TYP, keys=keys)
    check_times(claims, now)
    check_life(claims, STAFF_SECONDS_MAX)
    if claims.get("iss") != server:
        raise InvalidTokenError(Reason.ISSUER, "not this server's own token")
    check_addressee(claims, server)
    return StaffToken(
        text(claims, "sub"),
        text(claims, "role"),
        text(claims, "jti"),
        whole_seconds(claims, "iat"),
        whole_seconds(claims, "exp"),
    )


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
    if len(url) > TEXT_MAX * 4 or not _PLAIN.fullmatch(url) or "\\" in url:
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


def check_addressee(claims: Mapping[str, Any], server: str) -> None:
    """Refuse a token that is meant for another server."""
    if claims.get("aud") != server:
        raise InvalidTokenError(Reason.AUDIENCE, "meant for another server")
