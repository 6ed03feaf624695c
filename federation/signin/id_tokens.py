"""Whether an ID token is to be believed (OpenID Connect Core §3.1.3.7).

Its signature is checked by joserfc with algorithms stated here, its claims by Authlib. Keys come
from the provider's own list; a token that names none of them says so by `UnknownKeyError`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from federation.accounts.inviting import BadIdentityError, require_identity
from federation.errors import RefusalError

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
BYTES_MAX: Final = 16 * 1024
LEEWAY_SECONDS: Final = 60
AGE_SECONDS_MAX: Final = 600
KEYS_MAX: Final = 32
RSA_BITS_MIN: Final = 2_048
_KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
Key = ECKey | RSAKey


class BadIdTokenError(RefusalError):
    """What the provider says of you cannot be believed."""

    code: ClassVar[str] = "BAD_ID_TOKEN"


class UnknownKeyError(BadIdTokenError):
    """The provider signed with a key that it does not list."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say: from whom, for whom, in answer to which request."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None


def keys_in(jwks: Mapping[str, Any]) -> list[Key]:
    """Return the keys of a JWK Set that can sign ID tokens; what cannot be read is left out."""
    listed: object = jwks.get("keys")
    found: list[Key] = []
    for jwk in listed[:KEYS_MAX] if isinstance(listed, list) else ():
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
            continue
        try:
            key = _key(jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key is not None:
            found.append(key)
    return found


def _key(jwk: dict[str, Any]) -> Key | None:
    if jwk.get("kty") == "EC":
        return ECKey.import_key(jwk)
    if jwk.get("kty") != "RSA":
        return None  # above all no shared secret
    key = RSAKey.import_key(jwk)
    return key if key.public_key.key_size >= RSA_BITS_MIN else None


def check_id_token(token: object, keys: Sequence[Key], expected: Expected, now: datetime) -> str:
    """Return the subject of an ID token, or refuse it (BAD_ID_TOKEN)."""
    if not isinstance(token, str) or not 0 < len(token) <= BYTES_MAX:
        raise BadIdTokenError("there is none, or it is too large")
    algorithm, key = _key_of(token, keys)
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        opened = jwt.decode(token, key, registry=registry)
        claims = CodeIDToken(
            opened.claims,
            opened.header,
            {
                "iss": {"essential": True, "value": expected.issuer},
                "aud": {"essential": True, "value": expected.client_id},
            },
            {
                "nonce": expected.nonce,
                "client_id": expected.client_id,
                "access_token": expected.access_token,
            },
        )
        instant = int(now.timestamp())
        claims.validate(now=instant, leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise BadIdTokenError(_said(error)) from error
    if type(claims["iat"]) is not int or claims["iat"] < instant - AGE_SECONDS_MAX:
        raise BadIdTokenError("it is old")
    if type(claims["exp"]) is not int:
        raise BadIdTokenError("exp is no whole number")
    try:
        require_identity(expected.issuer, claims["sub"] if isinstance(claims["sub"], str) else "")
    except BadIdentityError as error:
        raise BadIdTokenError("sub") from error
    subject: str = claims["sub"]
    return subject


def _said(error: Exception) -> str:
    """Return which claim or check an error names, and nothing that the token holds."""
    claim = getattr(error, "claim", None)
    return str(claim) if claim else type(error).__name__


def _key_of(token: str, keys: Sequence[Key]) -> tuple[str, Key]:
    """Return the algorithm and key of a header nobody believes yet; both have to be ours."""
    part = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise BadIdTokenError("not a token") from error
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS or "crit" in header:
        raise BadIdTokenError("its header is not accepted")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise BadIdTokenError("it is another kind of token")
    algorithm: str = header["alg"]
    able = [key for key in keys if key.key_type == _KEY_TYPES[algorithm]]
    if "kid" in header:
        able = [key for key in able if key.kid == header["kid"]]
    if not able:
        raise UnknownKeyError
    if len(able) > 1:
        raise BadIdTokenError("several keys could have signed it")
    return algorithm, able[0]
