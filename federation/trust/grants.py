"""The hub's grant to an applicant: its key and terms, signed by that very key.

The applicant was told the thumbprint of the hub's key by a second channel; nothing else makes it
believe the key that the grant itself carries.
"""

import base64
from datetime import datetime
from typing import Any

import msgspec

from federation.trust.jose import InvalidTokenError, Reason, check_times, sign, verify
from federation.trust.keys import InvalidKeyError, PublicKey, SigningKey
from federation.trust.membership import Granted, HubTerms, Peer

GRANT_TYP = "admission+jwt"
GRANT_BYTES_MAX = 64 * 1024
GRANT_SECONDS = 300


def sign_grant(
    key: SigningKey, hub: Peer, terms: HubTerms, *, applicant: str, now: datetime
) -> str:
    """Return the grant to an applicant (its entity id) as a compact JWS of five minutes."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": hub.entity_id,
        "aud": applicant,
        "iat": issued,
        "exp": issued + GRANT_SECONDS,
        "granted": msgspec.to_builtins(Granted(hub, terms)),
    }
    return sign(claims, typ=GRANT_TYP, key=key)


def open_grant(token: str, *, hub: str, thumbprint: str, applicant: str, now: datetime) -> Granted:
    """Return a grant of the hub whose key has the thumbprint, meant for this applicant.

    Raises InvalidTokenError.
    """
    claims = _claims_nobody_believes_yet(token)
    try:
        granted = msgspec.convert(claims.get("granted"), Granted)
        key = PublicKey.from_jwk(granted.hub.jwk)
    except (msgspec.MsgspecError, InvalidKeyError) as error:
        raise InvalidTokenError(Reason.MALFORMED, str(error)) from error
    if key.kid != thumbprint or granted.hub.entity_id != hub:
        raise InvalidTokenError(Reason.ISSUER, "not the hub whose key this node was told to expect")
    believed = verify(token, typ=GRANT_TYP, keys={key.kid: key}, max_bytes=GRANT_BYTES_MAX)
    check_times(believed, now)
    if believed.get("iss") != hub or believed.get("aud") != applicant:
        raise InvalidTokenError(Reason.AUDIENCE, "not for this applicant")
    return granted


def _claims_nobody_believes_yet(token: str) -> dict[str, Any]:
    """Read the payload only to learn which key is claimed; it is checked against the pin next."""
    parts = token.split(".")
    if len(token) > GRANT_BYTES_MAX or len(parts) != 3:  # noqa: PLR2004 - a compact JWS
        raise InvalidTokenError(Reason.MALFORMED, "no compact JWS")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=dict[str, Any])
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidTokenError(Reason.MALFORMED, "no JSON object") from error
