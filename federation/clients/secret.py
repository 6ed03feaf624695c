"""Secrets of clients: made here, shown once, kept as a digest that only this server can compute.

A secret has 256 random bits, so no slow hash is needed; the pepper, a key beside the database,
makes a stolen copy of the database worth nothing.
"""

import hmac
import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final

from federation.trust.private_files import make_once, read_private

FILE: Final = "client-secrets.pepper"
PEPPER_BYTES: Final = 32
_SECRET: Final = re.compile(r"cc_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class Pepper:
    """The key of the digests. It never prints itself."""

    def __init__(self, key: bytes) -> None:
        if len(key) != PEPPER_BYTES:
            raise ValueError(f"{FILE} does not hold {PEPPER_BYTES} bytes")
        self._key = key

    @classmethod
    def beside(cls, folder: Path) -> "Pepper":
        """Read a server's pepper from its data directory; the first start makes it."""
        make_once(folder / FILE, lambda: secrets.token_bytes(PEPPER_BYTES))
        return cls(read_private(folder / FILE))

    def digest(self, secret: str) -> str:
        """Return what is kept of a secret."""
        return hmac.new(self._key, secret.encode(), sha256).hexdigest()

    def confirms(self, secret: str, digest: str) -> bool:
        """Tell whether a digest is a secret's, in the same time whatever the answer is."""
        return hmac.compare_digest(self.digest(secret), digest)


def new_secret(credential: str) -> str:
    """Make the secret of a credential, `cc_<credential>_<256 bits>`."""
    return f"cc_{credential}_{secrets.token_urlsafe(32)}"


def credential_of(secret: str) -> str | None:
    """Return the id of the credential that a secret names, None if it is no secret of ours."""
    found = _SECRET.fullmatch(secret)
    return found[1] if found else None
