"""Licence tokens that a site has read already: a crawler shows one a thousand times."""

import threading
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from federation.access.forks import begins_anew_after_forks
from federation.signing.bound_tokens import BoundToken, open_licence_token
from federation.signing.jose import LEEWAY_SECONDS, InvalidTokenError, Reason
from federation.signing.keys import Keys
from federation.signing.tokens import LicenceToken

KNOWN_MAX: Final = 2_000


class KnownTokens:
    """What the tokens say whose signature was checked under one policy.

    A new policy begins with none, so that a key or an issuer that is gone takes its tokens along.
    Tokens themselves are not kept, but their hash.
    """

    def __init__(self, issuers: Mapping[str, Keys], hub: str) -> None:
        self._issuers = issuers
        self._hub = hub
        self._known: dict[bytes, LicenceToken | BoundToken] = {}
        self.begin_anew()
        begins_anew_after_forks(self)

    def begin_anew(self) -> None:
        """Begin, also after a fork; what is known stays."""
        self._lock = threading.Lock()

    def read(self, credential: str, now: datetime) -> LicenceToken | BoundToken:
        """Return the token if a known issuer signed it and it is alive, else refuse it."""
        name = sha256(credential.encode()).digest()
        token = self._known.get(name)
        if token is not None and token.issuer in self._issuers:
            _require_alive(token, now.timestamp())
            return token
        token = open_licence_token(credential, issuers=self._issuers, hub=self._hub, now=now)
        with self._lock:
            self._known[name] = token
            while len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return token


def _require_alive(token: LicenceToken | BoundToken, instant: float) -> None:
    """Refuse what `jose.check_times` would refuse of a token that it took before."""
    if token.expires_at <= instant - LEEWAY_SECONDS:
        raise InvalidTokenError(Reason.EXPIRED)
    if token.issued_at > instant + LEEWAY_SECONDS:
        raise InvalidTokenError(Reason.TIME, "issued in the future")
