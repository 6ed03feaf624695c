"""Crawlers' keys: Ed25519, named by their thumbprint, with which each request is signed.

`signatures` is the door; only it calls `CrawlPublicKey.check` and `CrawlKey.sign`. A server's own
keys are another thing: P-256, in `keys`.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from federation.signing.keys import InvalidKeyError

CURVE: Final = "Ed25519"
KEY_TYPE: Final = "OKP"
TEXT_MAX: Final = 1024
_KEY_BYTES: Final = 32
_KEY_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_ALGORITHMS: Final = ("EdDSA", "Ed25519")  # RFC 8037, RFC 9864
_IMPORTED_MAX: Final = 1024
_OTHERS: Final = 0o077

# RFC 8032, section 5.1: the field, and d of the curve -x^2 + y^2 = 1 + d x^2 y^2.
_PRIME: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME
# The y of the eight points of small order. Under such a key signatures verify that nobody made.
_Y_OF_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL: Final = frozenset({0, 1, _PRIME - 1, _Y_OF_ORDER_8, _PRIME - _Y_OF_ORDER_8})


class CrawlPublicKey:
    """Half a crawler's key: it checks. `kid` is its RFC 7638 thumbprint (RFC 8037, A.3)."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._key = key
        self._x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        self.kid = _thumbprint(self._x)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "CrawlPublicKey":
        """Import a public Ed25519 JWK (INVALID_KEY).

        Refused are private keys, other curves, another `kid` or `alg`, and points that are not on
        the curve, are not spelled as RFC 8032 does or are of small order: the library takes those.
        """
        if jwk.get("kty") != KEY_TYPE or jwk.get("crv") != CURVE or "d" in jwk:
            raise InvalidKeyError("a public JWK on Ed25519 is asked for")
        if "alg" in jwk and jwk["alg"] not in _ALGORITHMS:
            raise InvalidKeyError("alg is another one")
        x = jwk.get("x")
        key = _imported(x if isinstance(x, str) else "")
        if jwk.get("kid", key.kid) != key.kid:
            raise InvalidKeyError("kid is not the RFC 7638 thumbprint")
        return key

    @classmethod
    def from_text(cls, text: str) -> "CrawlPublicKey":
        """Import a public JWK from its JSON, in which each member stands once (INVALID_KEY)."""
        if len(text) > TEXT_MAX:
            raise InvalidKeyError(f"more than {TEXT_MAX} characters")
        try:
            jwk = json.loads(text, object_pairs_hook=_members_once)
        except (ValueError, RecursionError):
            raise InvalidKeyError("not JSON with each member once") from None
        if not isinstance(jwk, dict):
            raise InvalidKeyError("not a JSON object")
        return cls.from_jwk(cast("dict[str, Any]", jwk))

    def public_jwk(self) -> dict[str, str]:
        """Return the JWK, its three required members and nothing else."""
        return {"kty": KEY_TYPE, "crv": CURVE, "x": self._x}

    def check(self, signature: bytes, message: bytes) -> bool:
        """Tell whether a signature of a message is this key's."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class CrawlKey:
    """A crawler's private key. It never prints itself."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = CrawlPublicKey(key.public_key())
        self.kid = self.public.kid

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Import a private Ed25519 JWK whose `x` belongs to its `d` (INVALID_KEY)."""
        if jwk.get("kty") != KEY_TYPE or jwk.get("crv") != CURVE:
            raise InvalidKeyError("a private JWK on Ed25519 is asked for")
        key = cls(Ed25519PrivateKey.from_private_bytes(_key_bytes(jwk.get("d"), "d")))
        if jwk.get("x") != key.public.public_jwk()["x"]:
            raise InvalidKeyError("x and d are not one key")
        return key

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a PEM or JWK file that nobody but its owner may read (INVALID_KEY)."""
        if path.stat().st_mode & _OTHERS:
            raise InvalidKeyError(f"{path}: others may read it; chmod 600")
        text = path.read_bytes()
        try:
            if text.lstrip().startswith(b"{"):
                return cls.from_jwk(json.loads(text))
            key = load_pem_private_key(text, None)
        except (ValueError, TypeError):
            raise InvalidKeyError(f"{path}: neither a PEM nor a JWK private key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidKeyError(f"{path}: not an Ed25519 key")
        return cls(key)

    def private_pem(self) -> bytes:
        """Return the key as `load` reads it, for a file of mode 0600."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._key.sign(message)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _key_bytes(text: object, name: str) -> bytes:
    """Return the 32 bytes of a member of a JWK, in base64url that has one spelling."""
    if not isinstance(text, str) or not _KEY_TEXT.fullmatch(text):
        raise InvalidKeyError(f"{name} is not {_KEY_BYTES} bytes in base64url")
    raw = base64.urlsafe_b64decode(text + "=")
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode():
        raise InvalidKeyError(f"{name} is not canonical base64url")
    return raw


def _thumbprint(x: str) -> str:
    digest = sha256(f'{{"crv":"{CURVE}","kty":"{KEY_TYPE}","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=_IMPORTED_MAX)
def _imported(x: str) -> CrawlPublicKey:
    """Return a key that may be one. To tell takes longer than a signature, so it is remembered."""
    raw = _key_bytes(x, "x")
    _require_point(raw)
    return CrawlPublicKey(Ed25519PublicKey.from_public_bytes(raw))


def _require_point(raw: bytes) -> None:
    """Refuse what is no point, one spelled otherwise than RFC 8032 does, or one of small order."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if y >= _PRIME or y in _SMALL:
        raise InvalidKeyError("not a point that a key may be")
    squared = y * y % _PRIME
    # x^2 is numerator / denominator; that is a square exactly if numerator * denominator is.
    product = (squared - 1) * (_D * squared + 1) % _PRIME
    if pow(product, (_PRIME - 1) // 2, _PRIME) != 1:
        raise InvalidKeyError("not a point on the curve")
