"""What a request asks for: its address in every reading an application might make, its token.

Pure reading of an ASGI scope; nothing is decided here but that a request has one meaning.
"""

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from federation.addresses.readings import path_readings, plain_path
from federation.addresses.urls import UrlKey, normalise_url
from federation.errors import RefusalError
from federation.gate.refusals import AmbiguousRequestError, LicenceRequiredError
from federation.signing.signatures import Request

Scope = MutableMapping[str, Any]
USE_HEADER: Final = "x-licence-use"
ALIAS_HEADER: Final = "x-collective-license"
_AUTHORIZATION: Final = "authorization"
_SCHEME: Final = "license"
_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"
_RAW_SAFE: Final = _PATH_SAFE + "%"
_PATH_CHARS_MAX: Final = 4096
_SEGMENTS_MAX: Final = 128
TEXT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `addresses` are its normalised URLs, the one as written first."""

    url: str
    addresses: tuple[str, ...]
    keys: tuple[UrlKey, ...]
    declared_use: str | None
    agent: str


class Credential(NamedTuple):
    """The one token that a request shows, and the headers that carry it."""

    token: str
    carriers: tuple[str, ...]


def header_values(scope: Scope, name: str) -> list[str]:
    """Return every value of a header, in order."""
    wanted = name.encode()
    pairs = scope["headers"]
    return [value.decode("latin-1").strip() for key, value in pairs if key.lower() == wanted]


def read_credential(scope: Scope) -> Credential | None:
    """Return the one licence token a request carries, None if it carries none.

    Two Authorization headers, or two headers that name different tokens, are nobody's to choose
    between (400). Another scheme in Authorization is the site's own business.
    """
    authorizations = header_values(scope, _AUTHORIZATION)
    aliases = header_values(scope, ALIAS_HEADER)
    named = [rest for value in authorizations if (rest := _licence_part(value)) is not None]
    if not named and not aliases:
        return None
    if len(authorizations) > 1 or len(aliases) > 1:
        raise AmbiguousRequestError("a header that carries the token comes twice")
    if len({*named, *aliases}) > 1:
        raise AmbiguousRequestError(f"Authorization and {ALIAS_HEADER} name different tokens")
    token = (named or aliases)[0]
    if not _TOKEN68.fullmatch(token):
        raise LicenceRequiredError("the header that should carry it is malformed")
    carriers = ((_AUTHORIZATION,) if named else ()) + ((ALIAS_HEADER,) if aliases else ())
    return Credential(token, carriers)


def signable(scope: Scope, origin: str) -> Request:
    """Return what of a request a crawler may have signed; `origin` is the site's it is for."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return Request(
        method=scope["method"],
        authority=origin.partition("://")[2],
        path=raw_path(scope).decode("latin-1"),
        query="?" + scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
    )


def carries_credential(scope: Scope) -> bool:
    """Tell whether a request shows anything like a licence token."""
    values = header_values(scope, _AUTHORIZATION)
    return bool(header_values(scope, ALIAS_HEADER)) or any(
        _licence_part(value) is not None for value in values
    )


def user_agent(scope: Scope) -> str:
    """Return the user agent, cut to a length worth keeping."""
    return " ".join(header_values(scope, "user-agent"))[:TEXT_MAX]


def read_ask(scope: Scope, base: str, use_header: str = USE_HEADER) -> Ask:
    """Read the address below the site's origin `base`, declared use and agent, or refuse it."""
    written = quote(raw_path(scope), safe=_RAW_SAFE)
    decoded = plain_path(scope["path"])
    if not (written.startswith("/") and decoded.startswith("/")):
        raise AmbiguousRequestError("the request names more than a path")
    if b"#" in raw_path(scope) + scope.get("query_string", b""):
        raise AmbiguousRequestError("a fragment is part of no request")  # some cut it, some do not
    if len(written) > _PATH_CHARS_MAX or decoded.count("/") > _SEGMENTS_MAX:
        raise AmbiguousRequestError("the path is too long")
    paths = path_readings(written, decoded)
    keys = tuple(dict.fromkeys(_key(base + path) for path in paths))
    return Ask(
        url=base + written + _query(scope),
        addresses=tuple(base + key.path for key in keys),
        keys=keys,
        declared_use=_declared_use(scope, use_header),
        agent=user_agent(scope),
    )


def raw_path(scope: Scope) -> bytes:
    """Return the path as it was sent, escapes and all."""
    sent: bytes | None = scope.get("raw_path")
    return sent or str(scope["path"]).encode(errors="replace")


def _licence_part(authorization: str) -> str | None:
    scheme, _, rest = authorization.partition(" ")
    return rest.strip() if scheme.lower() == _SCHEME else None


def _key(url: str) -> UrlKey:
    try:
        return normalise_url(url)
    except RefusalError:
        raise AmbiguousRequestError("the address cannot be read") from None


def _query(scope: Scope) -> str:
    query = quote(scope.get("query_string", b""), safe=_RAW_SAFE + "?")
    return f"?{query}" if query and len(query) <= _PATH_CHARS_MAX else ""


def _declared_use(scope: Scope, header: str) -> str | None:
    values = header_values(scope, header)
    if len(values) > 1:
        raise AmbiguousRequestError(f"{header} comes twice")
    return values[0][:TEXT_MAX] if values else None
