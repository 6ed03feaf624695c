"""The secret that a server's private keys are encrypted with at rest, and where it comes from.

It is configured (`key_secret`), as one value or several: the first encrypts, each decrypts, so
that it can be changed. Where none is configured a new server makes one in a file of its own.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import ClassVar, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from federation.config import ServerConfig
from federation.errors import RefusalError
from federation.trust.private_files import make_once, read_private

SECRET_FILE: Final = "key.secret"  # noqa: S105 - the name of a file


class NoKeySecretError(RefusalError):
    """This server has keys, and the secret that decrypts them is not here.

    Configure it, or put its file back.
    """

    code: ClassVar[str] = "KEY_SECRET_MISSING"


class WrongKeySecretError(RefusalError):
    """The key-encryption secret that is configured does not decrypt this server's keys."""

    code: ClassVar[str] = "KEY_SECRET_WRONG"


class KeySecret:
    """Encrypts and decrypts private keys. It never prints itself."""

    def __init__(self, values: Sequence[str], place: str) -> None:
        """Take secrets of 32 bytes in base64, the newest first; `place` names their source."""
        try:
            self._fernet = MultiFernet([Fernet(_urlsafe(value)) for value in values])
        except (ValueError, binascii.Error):
            raise WrongKeySecretError(f"{place}: not 32 bytes in base64") from None
        self.place = place

    def encrypted(self, private: bytes) -> bytes:
        """Return what may be kept in a database."""
        return self._fernet.encrypt(private)

    def decrypted(self, kept: bytes) -> bytes:
        """Return what was encrypted with any of the secrets (KEY_SECRET_WRONG)."""
        try:
            return self._fernet.decrypt(kept)
        except InvalidToken:
            raise WrongKeySecretError(self.place) from None


def find_secret(config: ServerConfig) -> KeySecret | None:
    """Return the configured secret, else that of the server's own file; None where neither is.

    A file that others may read is refused (OPEN_FILE).
    """
    if config.key_secret:
        return KeySecret(config.key_secret.split(), "key_secret")
    path = config.data_dir / SECRET_FILE
    try:
        text = read_private(path)
    except FileNotFoundError:
        return None
    return KeySecret(text.decode("ascii", errors="replace").split(), str(path))


def get_secret(config: ServerConfig) -> KeySecret:
    """Return the secret of a server that has keys, or refuse (KEY_SECRET_MISSING)."""
    found = find_secret(config)
    if found is None:
        where = config.data_dir / SECRET_FILE
        raise NoKeySecretError(f"neither key_secret is configured nor {where} there")
    return found


def get_or_make_secret(config: ServerConfig) -> KeySecret:
    """Return the secret of a server that has no keys yet, made in its file where there is none."""
    if not config.key_secret:
        make_once(config.data_dir / SECRET_FILE, Fernet.generate_key)
    return get_secret(config)


def new_secret() -> str:
    """Return a new secret, to be configured."""
    return Fernet.generate_key().decode()


def _urlsafe(value: str) -> bytes:
    """Return a secret in the alphabet that Fernet reads; other tools write the other one."""
    key = value.replace("+", "-").replace("/", "_").encode("ascii")
    base64.urlsafe_b64decode(key)
    return key
