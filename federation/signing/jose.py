"""The one door for signing and checking: compact JWS, ES256, nothing else.

Every signature this federation makes or believes passes here. What the library leaves open is
closed: one explicit algorithm, an exact header (`alg`, `typ`, `kid` and no other member), a bounded
size, canonical base64url, no JSON member twice. Keys come from the caller, never from the token.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, cast

from federation.errors import RefusalError
from federation.signing.keys import ALGORITHM, Keys, SigningKey

TOKEN_BYTES_MAX: Final = 4096
LEEWAY_SECONDS: Final = 60
_HEADER_MEMBERS: Final = frozenset({"alg", "typ", "kid"})
_HEADER_KNOWN_MAX: Final = 256  # characters; ours have about 120
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Reason(StrEnum):
    """Why a token is refused: stable, and free of anything the token or a key holds."""

    SIZE = "size"
    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    TYPE = "type"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIME = "time"
    EXPIRED = "expired"
    CLAIMS = "claims"
    CONFIRMATION = "confirmation"


class InvalidTokenError(RefusalError):
    """The signed token is not valid."""

    code: ClassVar[str] = "INVALID_TOKEN"

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


def sign(payload: Mapping[str, Any], *, typ: str, key: SigningKey) -> str:
    """Sign a JSON object as a compact JWS of the stated type."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return key.sign({"alg": ALGORITHM, "typ": typ, "kid": key.kid}, text.encode())


def verify(
    token: str | bytes, *, typ: str, keys: Keys, max_bytes: int = TOKEN_BYTES_MAX
) -> dict[str, Any]:
    """Return the claims of a token of that type signed by one of `keys`, of whatever age."""
    opened = _open(token, partial(_check_header, typ=typ), max_bytes)
    return _believe(opened, keys)


def verify_own(
    token: str | bytes,
    *,
    typ: str,
    keys_in: Callable[[dict[str, Any]], Keys],
    max_bytes: int = TOKEN_BYTES_MAX,
) -> dict[str, Any]:
    """Return the claims of a token signed by one of the keys that it names itself.

    `keys_in` reads them from claims that nobody believes yet. Whether they are to be trusted is the
    caller's question: by a thumbprint that came another way, or by keys known before.
    """
    opened = _open(token, partial(_check_header, typ=typ), max_bytes)
    return _believe(opened, keys_in(opened.claims))


def verify_from(
    token: str | bytes,
    *,
    typ: str,
    issuers: Mapping[str, Keys],
    max_bytes: int = TOKEN_BYTES_MAX,
) -> dict[str, Any]:
    """Return the claims of a token signed by the very issuer it names.

    `iss` is compared whole, and only that issuer's keys can confirm it: one member of the
    federation cannot speak for another.
    """
    opened = _open(token, partial(_check_header, typ=typ), max_bytes)
    issuer = opened.claims.get("iss")
    if not isinstance(issuer, str) or issuer not in issuers:
        raise InvalidTokenError(Reason.ISSUER, "not an issuer this server knows")
    return _believe(opened, issuers[issuer])


def verify_assertion(
    token: str | bytes, *, typs: AbstractSet[str], keys: Keys, max_bytes: int = TOKEN_BYTES_MAX
) -> dict[str, Any]:
    """Return the claims of a token that a stock client signed with one of its own few `keys`.

    RFC 7523 leaves `typ` and `kid` to the client: it may name one of `typs` or none, and its key by
    thumbprint or not at all. Everything else of the header is as strict as elsewhere.
    """
    opened = _open(token, partial(_check_assertion_header, typs=typs), max_bytes)
    if opened.kid:
        return _believe(opened, keys)
    if not any(key.check(opened.text) for key in keys.values()):
        raise InvalidTokenError(Reason.SIGNATURE)
    return opened.claims


def check_times(claims: Mapping[str, Any], now: datetime, leeway: int = LEEWAY_SECONDS) -> None:
    """Refuse what has expired or is not yet issued. `exp` and `iat` are required whole seconds."""
    instant = now.timestamp()
    issued, expires = whole_seconds(claims, "iat"), whole_seconds(claims, "exp")
    if expires <= instant - leeway:
        raise InvalidTokenError(Reason.EXPIRED)
    if issued > instant + leeway:
        raise InvalidTokenError(Reason.TIME, "issued in the future")
    if "nbf" in claims and whole_seconds(claims, "nbf") > instant + leeway:
        raise InvalidTokenError(Reason.TIME, "not valid yet")


def whole_seconds(claims: Mapping[str, Any], name: str) -> int:
    """Return a time claim, an integer and nothing like one."""
    value = claims.get(name)
    if type(value) is not int:
        raise InvalidTokenError(Reason.TIME, f"{name} is not a whole number of seconds")
    return value


class _Opened(NamedTuple):
    """A token taken apart and not yet believed."""

    text: str
    kid: str
    claims: dict[str, Any]


def _open(
    token: str | bytes, check_header: Callable[[dict[str, Any]], str], max_bytes: int
) -> _Opened:
    if len(token) > max_bytes:
        raise InvalidTokenError(Reason.SIZE, f"more than {max_bytes} bytes")
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    if not _COMPACT.fullmatch(text):
        raise InvalidTokenError(Reason.MALFORMED, "not a compact JWS")
    header, payload, signature = text.split(".")
    _decode(signature)
    read = _known_header if len(header) <= _HEADER_KNOWN_MAX else _read_object
    return _Opened(text, check_header(read(header)), _read_object(payload))


def _check_header(header: dict[str, Any], typ: str) -> str:
    """Return the `kid` of a header that is exactly what we write."""
    if header.get("alg") != ALGORITHM:
        raise InvalidTokenError(Reason.ALGORITHM, f"only {ALGORITHM} is accepted")
    if header.get("typ") != typ:
        raise InvalidTokenError(Reason.TYPE, f"{typ} is asked for")
    if header.keys() != _HEADER_MEMBERS:
        raise InvalidTokenError(Reason.HEADER, "exactly alg, typ and kid are accepted")
    if not isinstance(header["kid"], str):
        raise InvalidTokenError(Reason.KEY, "kid is not a string")
    return header["kid"]


def _check_assertion_header(header: dict[str, Any], typs: AbstractSet[str]) -> str:
    """Return the `kid` of a client's header, empty where it names none."""
    if header.get("alg") != ALGORITHM:
        raise InvalidTokenError(Reason.ALGORITHM, f"only {ALGORITHM} is accepted")
    if "typ" in header and header["typ"] not in typs:
        raise InvalidTokenError(Reason.TYPE, f"{' or '.join(sorted(typs))} is asked for")
    if not header.keys() <= _HEADER_MEMBERS:
        raise InvalidTokenError(Reason.HEADER, "only alg, typ and kid are accepted")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or ("kid" in header and not kid):
        raise InvalidTokenError(Reason.KEY, "kid is not a name")
    return kid


def _believe(opened: _Opened, keys: Keys) -> dict[str, Any]:
    key = keys.get(opened.kid)
    if key is None:
        raise InvalidTokenError(Reason.KEY, "not a key of this issuer")
    if not key.check(opened.text):
        raise InvalidTokenError(Reason.SIGNATURE)
    return opened.claims


def _decode(segment: str) -> bytes:
    """Decode base64url that has one spelling: no padding, no stray bits at the end."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise InvalidTokenError(Reason.MALFORMED, "not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise InvalidTokenError(Reason.MALFORMED, "not canonical base64url")
    return raw


def _read_object(segment: str) -> dict[str, Any]:
    try:
        text = _decode(segment).decode("utf-8")
        value = _PLAIN_JSON.decode(text)
        if "\\u" in text:  # half of a surrogate pair is read here, and could be written nowhere
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidTokenError(Reason.MALFORMED, "not plain JSON with each member once") from None
    if not isinstance(value, dict):
        raise InvalidTokenError(Reason.MALFORMED, "not a JSON object")
    return cast("dict[str, Any]", value)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


_PLAIN_JSON: Final = json.JSONDecoder(object_pairs_hook=_members_once, parse_constant=_no_number)
# Tokens of one key and type begin alike, and what a text says never changes. It is read only.
_known_header = lru_cache(maxsize=64)(_read_object)
