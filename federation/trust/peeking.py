"""What a token says that nobody believes yet: only to choose what it is checked with."""

import base64

import msgspec

from federation.signing.jose import TOKEN_BYTES_MAX
from federation.trust.principals import NotAuthenticatedError


def peek_issuer(token: str) -> str:
    """Read the issuer of a token nobody believes yet: only to choose the key to check with."""
    issuer = peek_claims(token).get("iss")
    if not isinstance(issuer, str):
        raise NotAuthenticatedError("not a token")
    return issuer


def peek_type(token: str) -> object:
    """Read of which type a token says it is that nobody believes yet."""
    return _peek(token, 0).get("typ")


def peek_key(token: str) -> str:
    """Read which key a token says it is signed with that nobody believes yet."""
    key_id = _peek(token, 0).get("kid")
    return key_id if isinstance(key_id, str) else ""


def peek_claims(token: str) -> dict[str, object]:
    """Read what a token claims that nobody believes yet."""
    return _peek(token, 1)


def _peek(token: str, segment: int) -> dict[str, object]:
    if len(token) > TOKEN_BYTES_MAX:
        raise NotAuthenticatedError("not a token")
    try:
        part = token.split(".")[segment]
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        return msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, IndexError, RecursionError) as error:
        raise NotAuthenticatedError("not a token") from error
