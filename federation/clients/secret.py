"""Secrets of clients: made here, shown once, kept as a digest that only this server can compute.

A secret has 256 random bits, so no slow hash is needed; the pepper, a key beside the database,
makes a stolen copy of the database worth nothing.
"""

import hmac
import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.trust.private_files import make_once, read_private

FILE: Final = "client-secrets.pepper"
PEPPER_BYTES: Final = 32
_SECRET: Final = re.compile(r"cc_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class PepperLostError(RefusalError):
    """Clients of this server have secrets, and the pepper that tells them is not here.

    Put its file back; without it every one of these clients needs another credential.
    """

    code: ClassVar[str] = "PEPPER_LOST"


class Pepper:
    """The key of the digests, read from a server's data directory. It never prints itself."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._key = b""

    def prepare(self, *, is_known: bool) -> None:
        """Make the pepper of a server that has no secrets yet; `is_known` says that it has some.

        It is never made anew in silence: PEPPER_LOST.
        """
        if not self.path.exists():
            if is_known:
                raise PepperLostError(str(self.path))
            make_once(self.path, lambda: secrets.token_bytes(PEPPER_BYTES))
        self._read()

    def digest(self, secret: str) -> str:
        """Return what is kept of a secret."""
        return hmac.new(self._key or self._read(), secret.encode(), sha256).hexdigest()

    def confirms(self, secret: str, digest: str) -> bool:
        """Tell whether a digest is a secret's, in the same time whatever the answer is."""
        return hmac.compare_digest(self.digest(secret), digest)

    def seal(self, text: bytes) -> bytes:
        """Return a digest of what this server gives out and wants back unchanged: 32 bytes."""
        return hmac.digest(self._key or self._read(), b"seal\0" + text, "sha256")

    def _read(self) -> bytes:
        self._key = read_private(self.path)
        if len(self._key) != PEPPER_BYTES:
            raise PepperLostError(f"{self.path} does not hold {PEPPER_BYTES} bytes")
        return self._key


def new_secret(credential: str) -> str:
    """Make the secret of a credential, `cc_<credential>_<256 bits>`."""
    return secret_of(credential, secrets.token_urlsafe(32))


def secret_of(credential: str, bits: str) -> str:
    """Return the secret of a credential over these 256 bits, which its client may have drawn."""
    return f"cc_{credential}_{bits}"


def credential_of(secret: str) -> str | None:
    """Return the id of the credential that a secret names, None if it is no secret of ours."""
    found = _SECRET.fullmatch(secret)
    return found[1] if found else None
