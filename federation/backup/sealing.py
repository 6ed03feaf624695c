"""The recovery key, for which a backup's secrets are sealed: who takes backups cannot open them.

JWE (RFC 7516), ECDH-ES with A256GCM, and nothing else is read.
"""

from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from federation.errors import RefusalError
from federation.trust.private_files import make_once, read_private

_HEADER: Final = {"alg": "ECDH-ES", "enc": "A256GCM"}
_CURVE: Final = "P-256"


class RecoveryKeyError(RefusalError):
    """The recovery key cannot be used."""

    code: ClassVar[str] = "RECOVERY_KEY"


class RecoveryKeyWrongError(RefusalError):
    """The secrets of this backup were sealed for another recovery key, or altered."""

    code: ClassVar[str] = "RECOVERY_KEY_WRONG"


def make_pair(private: Path, public: Path) -> None:
    """Make a recovery key in two files: the private one is for a safe, not for the server."""
    for path in (private, public):
        if path.exists():
            raise RecoveryKeyError(f"{path} is there already, and none is written over")
    key = ECKey.generate_key(_CURVE, private=True)
    make_once(private, lambda: msgspec.json.encode(key.as_dict(private=True)))
    public.write_bytes(msgspec.json.encode(key.as_dict(private=False)))


def read_public(path: Path) -> ECKey:
    """Return the key to seal for (RECOVERY_KEY); the private one has no business here."""
    key = _key(path, path.read_bytes())
    if key.is_private:
        raise RecoveryKeyError(f"{path} is the private one: it belongs in a safe, not on a server")
    return key


def read_recovery(path: Path) -> ECKey:
    """Return the key that opens; others may not be able to read its file (OPEN_FILE)."""
    key = _key(path, read_private(path))
    if not key.is_private:
        raise RecoveryKeyError(f"{path} is the public one: it seals, and opens nothing")
    return key


def sealed(plain: bytes, key: ECKey) -> bytes:
    """Return what only the private half opens."""
    return jwe.encrypt_compact(_HEADER, plain, key, algorithms=list(_HEADER.values())).encode()


def unsealed(text: bytes, key: ECKey) -> bytes:
    """Return what was sealed (RECOVERY_KEY_WRONG)."""
    try:
        plain = jwe.decrypt_compact(text, key, algorithms=list(_HEADER.values())).plaintext
    except (JoseError, ValueError) as error:
        raise RecoveryKeyWrongError(type(error).__name__) from error
    if plain is None:
        raise RecoveryKeyWrongError("nothing was sealed")
    return plain


def _key(path: Path, text: bytes) -> ECKey:
    try:
        found: Any = msgspec.json.decode(text, type=dict[str, str])
        key = ECKey.import_key(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, JoseError, ValueError) as error:
        raise RecoveryKeyError(f"{path}: no key in JSON (JWK)") from error
    if key.curve_name != _CURVE:
        raise RecoveryKeyError(f"{path}: {key.curve_name}, not {_CURVE}")
    return key
