"""The code with which a site is installed, and the node's signed answer to it. Pure.

A code is one text that a collective hands its member: the node's address, a secret that is good
once, and the thumbprints of the node's keys. A site asks for the keys before it sends the secret,
and believes an answer only if one of them signed it, for this very secret: whoever answers under
the node's address without its key installs nothing.
"""

import base64
import re
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from federation.errors import RefusalError
from federation.signing.jose import InvalidTokenError, Reason, check_times, sign, verify_own
from federation.signing.keys import InvalidKeyError, Keys, SigningKey, key_set

TYP: Final = "site-enrolment+jwt"
ANSWER_BYTES_MAX: Final = 64 << 10
CODE_CHARS_MAX: Final = 4_096
SITE_BITS: Final = "[A-Za-z0-9_-]{43}"
"""The 256 bits that a site draws for its credential: who shows them again gets the answer again."""
_LIFE_SECONDS: Final = 300
_PREFIX: Final = "fs1"
_KEYS_MAX: Final = 8
_Thumbprint = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
_Text = Annotated[str, Meta(min_length=1, max_length=500)]
_SECRET: Final = re.compile(r"sc_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class MalformedCodeError(RefusalError):
    """The code is not one that a collective gives a site."""

    code: ClassVar[str] = "MALFORMED_CODE"


class SiteCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a code says: where the node is, the secret, the keys by their thumbprints."""

    node: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s/]+\Z", max_length=500)]
    secret: Annotated[str, Meta(pattern=rf"\A{_SECRET.pattern}\Z")]
    keys: Annotated[tuple[_Thumbprint, ...], Meta(min_length=1, max_length=_KEYS_MAX)]

    def __repr__(self) -> str:
        return f"SiteCode(node={self.node!r})"

    def written(self) -> str:
        """Return the one text that is handed over."""
        raw = msgspec.json.encode(self)
        return f"{_PREFIX}_" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the node answers: who the member is, the site's credential, and whose keys to pin."""

    node: _Text
    member: _Text
    origins: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=100)]
    client_id: _Text
    client_secret: _Text
    node_keys: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=20)]
    hub_keys: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=20)]

    def __repr__(self) -> str:
        return f"Enrolment(client_id={self.client_id!r})"


def read_code(text: str) -> SiteCode:
    """Read a code as somebody pasted it, spaces around and within left out."""
    begin, _, raw = "".join(text[:CODE_CHARS_MAX].split()).partition("_")
    try:
        body = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(body, type=SiteCode)
    except (ValueError, RecursionError):
        found = None
    if found is None or begin != _PREFIX:
        raise MalformedCodeError("copy it whole, from fs1_ to its end")
    return found


def number_of(secret: str) -> str | None:
    """Return which code a secret belongs to, None if it is no such secret."""
    found = _SECRET.fullmatch(secret)
    return found[1] if found else None


def sign_enrolment(key: SigningKey, said: Enrolment, *, secret: str, now: datetime) -> str:
    """Sign the answer to one secret."""
    issued = int(now.timestamp())
    times = {"iat": issued, "exp": issued + _LIFE_SECONDS}
    claims = {**msgspec.to_builtins(said), "answers": _digest(secret), **times}
    return sign(claims, typ=TYP, key=key)


def read_enrolment(token: bytes, code: SiteCode, now: datetime) -> Enrolment:
    """Return the answer to a code, if a key that the code names signed it and for its secret."""

    def named(claims: dict[str, Any]) -> Keys:
        return known_keys(claims.get("node_keys"), code)

    claims = verify_own(token, typ=TYP, keys_in=named, max_bytes=ANSWER_BYTES_MAX)
    check_times(claims, now)
    if claims.get("answers") != _digest(code.secret):
        raise InvalidTokenError(Reason.CLAIMS, "an answer to another code")
    try:
        return msgspec.convert(claims, Enrolment)
    except msgspec.ValidationError as error:
        raise InvalidTokenError(Reason.CLAIMS, str(error)) from None


def known_keys(jwks: Any, code: SiteCode) -> Keys:
    """Return those of a server's public keys that a code names; a set that is none has none."""
    try:
        keys = key_set(msgspec.convert(jwks, list[dict[str, Any]]))
    except (InvalidKeyError, msgspec.ValidationError):
        return {}
    return {kid: key for kid, key in keys.items() if kid in code.keys}


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
