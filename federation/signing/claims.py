"""Claims of our own tokens, each read as what it must be. What is something else is refused."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, cast

from federation.errors import RefusalError
from federation.signing.jose import InvalidTokenError, Reason, whole_seconds

LIST_MAX: Final = 64
TEXT_MAX: Final = 2048


class InvalidGrantError(RefusalError):
    """The token cannot be minted."""

    code: ClassVar[str] = "INVALID_GRANT"


def life(now: datetime, seconds: int, seconds_max: int, jti: str | None) -> dict[str, Any]:
    """Return `iat`, `exp` and `jti` of a token that lives for so many seconds from now."""
    if not 0 < seconds <= seconds_max:
        raise InvalidGrantError(f"it may live for 1 to {seconds_max} seconds")
    issued = int(now.timestamp())
    return {"iat": issued, "exp": issued + seconds, "jti": jti or secrets.token_urlsafe(16)}


def check_life(claims: Mapping[str, Any], seconds_max: int) -> None:
    """Refuse a token that was given a longer life than its kind may have."""
    if not 0 < whole_seconds(claims, "exp") - whole_seconds(claims, "iat") <= seconds_max:
        raise InvalidTokenError(Reason.TIME, f"it may live for at most {seconds_max} seconds")


def text(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that is a text with something in it."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise InvalidTokenError(Reason.CLAIMS, f"{name} is not a text")
    return value


def texts(
    claims: Mapping[str, Any], name: str, reason: Reason = Reason.CLAIMS, most: int = LIST_MAX
) -> tuple[str, ...]:
    """Return a claim that is a list of 1 to `most` texts."""
    value = claims.get(name)
    if not isinstance(value, list):
        raise InvalidTokenError(reason, f"{name} is not a list")
    items = cast("list[object]", value)
    found = [item for item in items if isinstance(item, str) and item]
    if not 0 < len(found) == len(items) <= most:
        raise InvalidTokenError(reason, f"{name} is not a list of 1 to {most} texts")
    return tuple(found)


def members(claims: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a claim that is a JSON object."""
    value = claims.get(name)
    if not isinstance(value, dict):
        raise InvalidTokenError(Reason.CLAIMS, f"{name} is not an object")
    return cast("dict[str, Any]", value)
