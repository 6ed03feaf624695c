"""The hub's grant to an applicant: its key and terms, signed by that very key.

The applicant was told the thumbprint of the hub's key by a second channel; nothing else makes it
believe the key that the grant itself carries.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from federation.signing.jose import InvalidTokenError, Reason, check_times, sign, verify_own
from federation.signing.keys import InvalidKeyError, Keys, PublicKey, SigningKey
from federation.trust.membership import FORMER_MAX, Granted, HubTerms, Peer

GRANT_TYP = "admission+jwt"
GRANT_BYTES_MAX = 64 * 1024
GRANT_SECONDS = 300


def sign_grant(
    key: SigningKey,
    hub: Peer,
    terms: HubTerms,
    *,
    applicant: str,
    now: datetime,
    former: Sequence[PublicKey] = (),
) -> str:
    """Return the grant to an applicant (its entity id) as a compact JWS of five minutes."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": hub.entity_id,
        "aud": applicant,
        "iat": issued,
        "exp": issued + GRANT_SECONDS,
        "granted": msgspec.to_builtins(
            Granted(hub, terms, [key.public_jwk() for key in former[-FORMER_MAX:]])
        ),
    }
    return sign(claims, typ=GRANT_TYP, key=key)


def open_grant(token: str, *, hub: str, thumbprint: str, applicant: str, now: datetime) -> Granted:
    """Return a grant of the hub whose key has the thumbprint, meant for this applicant.

    Raises InvalidTokenError.
    """

    def pinned(claims: dict[str, Any]) -> Keys:
        granted = _granted(claims)
        try:
            key = PublicKey.from_jwk(granted.hub.jwk)
        except InvalidKeyError as error:
            raise InvalidTokenError(Reason.MALFORMED, str(error)) from error
        if key.kid != thumbprint or granted.hub.entity_id != hub:
            raise InvalidTokenError(
                Reason.ISSUER, "not the hub whose key this node was told to expect"
            )
        return {key.kid: key}

    believed = verify_own(token, typ=GRANT_TYP, keys_in=pinned, max_bytes=GRANT_BYTES_MAX)
    check_times(believed, now)
    if believed.get("iss") != hub or believed.get("aud") != applicant:
        raise InvalidTokenError(Reason.AUDIENCE, "not for this applicant")
    return _granted(believed)


def _granted(claims: dict[str, Any]) -> Granted:
    try:
        return msgspec.convert(claims.get("granted"), Granted)
    except msgspec.MsgspecError as error:
        raise InvalidTokenError(Reason.MALFORMED, str(error)) from error
