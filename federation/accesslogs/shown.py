"""What the middle part of a licence token says, as a server's log keeps it.

The part between the dots says who may do what and when; without the signature it opens nothing.
Nobody can check it any more either: a line that shows one is evidence, not proof.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final

import msgspec

from federation.accesslogs.hits import Fate, RefusedHit
from federation.addresses.urls import normalise_url
from federation.signing.bound_tokens import BoundToken, read_bound
from federation.signing.jose import LEEWAY_SECONDS, TOKEN_BYTES_MAX, InvalidTokenError
from federation.signing.tokens import LicenceToken, covers, read_bearer

_KEPT: Final = 2_000
Shown = LicenceToken | BoundToken


class ShownTokens:
    """Reads what logs show of tokens; a crawler shows one a thousand times."""

    def __init__(self) -> None:
        self._known: dict[str, Shown | None] = {}

    def read(self, part: str) -> Shown:
        """Return what a token's middle part says, or refuse what is none."""
        if part not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[part] = _read(part)
        shown = self._known[part]
        if shown is None:
            raise RefusedHit(Fate.TOKEN_UNREADABLE, "not the middle part of a licence token")
        return shown


def _read(part: str) -> Shown | None:
    if len(part) > TOKEN_BYTES_MAX:
        return None
    try:
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        if not isinstance(claims, dict):
            return None
        return read_bound(claims) if "cnf" in claims else read_bearer(claims)
    except (InvalidTokenError, binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        return None


def require_alive(shown: Shown, at: datetime) -> None:
    """Refuse a request that came before its token was issued, or after it had ended."""
    instant = at.timestamp()
    if not shown.issued_at - LEEWAY_SECONDS <= instant < shown.expires_at + LEEWAY_SECONDS:
        raise RefusedHit(Fate.TOKEN_NOT_ALIVE, f"token {shown.jti}")


def require_reach(shown: Shown, origin: str, url: str) -> None:
    """Refuse an address below an origin that a token for prefixes does not cover."""
    if isinstance(shown, BoundToken) or origin in shown.audience or f"{origin}/" in shown.audience:
        return  # the whole site, as most: what `covers` would find
    address = origin + normalise_url(url).path
    if not covers(shown.audience, address):
        raise RefusedHit(Fate.OUTSIDE_TOKEN, address)
