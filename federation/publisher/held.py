"""What nginx was granted already: it asks again wherever it redirects a request internally.

The answer goes to nginx with a seal that only this endpoint can make, over the request it is for.
nginx shows it when it asks again for that request, and no client ever sees one.
"""

import base64
import hmac
import secrets
from hashlib import sha256

import msgspec

from federation.gate.answers import Headers
from federation.gate.asks import Scope

_KEY_BYTES = 32


class _Held(msgspec.Struct, frozen=True):
    headers: list[tuple[str, str]]
    seal: str


class Seals:
    """Seals answers for as long as the endpoint runs."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES)

    def seal(self, scope: Scope, headers: Headers) -> bytes:
        """Return an answer's headers as one word that is good for the same request only."""
        said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        held = _Held(said, self._over(scope, said))
        return base64.urlsafe_b64encode(msgspec.json.encode(held))

    def open(self, scope: Scope, word: str) -> Headers | None:
        """Return the headers that were sealed for this request; None for anything else."""
        try:
            held = msgspec.json.decode(base64.urlsafe_b64decode(word), type=_Held)
        except ValueError:
            return None
        if not hmac.compare_digest(held.seal.encode(), self._over(scope, held.headers).encode()):
            return None
        return tuple(
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in held.headers
        )

    def _over(self, scope: Scope, headers: list[tuple[str, str]]) -> str:
        asked = (scope["method"], scope["raw_path"], scope["query_string"], scope["headers"])
        said = msgspec.json.encode((asked, headers))
        return hmac.new(self._key, said, sha256).hexdigest()
