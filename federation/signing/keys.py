"""Keys on P-256, named by their thumbprint. Signing and checking raw bytes, nothing more.

`jose` is the door; only it calls `PublicKey.check` and `SigningKey.sign`.
"""

import base64
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final, Self, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from federation.errors import RefusalError

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
CONFIRMED_MAX: Final = 10_000  # some 2 MiB
POINTS_MAX: Final = 1_024  # public keys kept ready; a federation has a few for each node
_COORDINATE: Final = 43  # characters of 32 bytes in base64url (RFC 7518, section 6.2.1.2)
_HALF: Final = 32  # of a signature: r, then s (RFC 7518, section 3.4)
_SIGNATURE_BYTES: Final = 2 * _HALF
_ES256: Final = ECDSA(SHA256())
_OTHERS: Final = 0o077


class InvalidKeyError(RefusalError):
    """The key is not one this federation signs or checks with."""

    code: ClassVar[str] = "INVALID_KEY"


# {(thumbprint of the key, SHA-256 of the token): nothing}; a thumbprint is of one key only.
_confirmed: OrderedDict[tuple[str, bytes], None] = OrderedDict()


class PublicKey:
    """Half a key: it checks. Made only from a public P-256 key whose `kid` is its thumbprint."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._verifier = key.public_key
        self.kid = key.thumbprint()

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Import a public JWK; a private one, another curve or a `kid` of its own is refused."""
        if jwk.get("kty") != "EC" or jwk.get("crv") != CURVE or "d" in jwk:
            raise InvalidKeyError("a public JWK on P-256 is asked for")
        x, y = jwk.get("x"), jwk.get("y")
        if not all(isinstance(text, str) and len(text) == _COORDINATE for text in (x, y)):
            raise InvalidKeyError("not a point on P-256")
        key = cls(_point(x, y))
        if jwk.get("kid", key.kid) != key.kid:
            raise InvalidKeyError("kid is not the RFC 7638 thumbprint")
        return key

    def public_jwk(self) -> dict[str, str]:
        """Return the JWK to publish, with `kid`, `alg` and `use`."""
        shape = cast("dict[str, str]", self._key.as_dict(private=False))
        point = {name: shape[name] for name in ("kty", "crv", "x", "y")}
        return {**point, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}

    def check(self, token: str) -> bool:
        """Tell whether the signature of a compact token is this key's.

        That it is stays true for ever, so the last `CONFIRMED_MAX` that were are remembered.
        """
        name = self.kid, sha256(token.encode()).digest()
        if name in _confirmed:
            return True
        if not self._confirms(token):
            return False
        _confirmed[name] = None
        while len(_confirmed) > CONFIRMED_MAX:
            _confirmed.popitem(last=False)
        return True

    def _confirms(self, token: str) -> bool:
        """Check by the primitive itself: reading the header once more costs half as much again."""
        signed, _, signature = token.rpartition(".")
        try:
            raw = base64.urlsafe_b64decode(signature + "==")
        except ValueError:
            return False
        if len(raw) != _SIGNATURE_BYTES:
            return False
        r, s = (int.from_bytes(half) for half in (raw[:_HALF], raw[_HALF:]))
        try:
            self._verifier.verify(encode_dss_signature(r, s), signed.encode(), _ES256)
        except InvalidSignature:
            return False
        return True


Keys = Mapping[str, PublicKey]


@lru_cache(POINTS_MAX)
def _point(x: str, y: str) -> ECKey:
    """Read a point; the same few keys come again with each message and each policy."""
    try:
        return ECKey.import_key({"kty": "EC", "crv": CURVE, "x": x, "y": y})
    except (JoseError, ValueError, TypeError):
        raise InvalidKeyError("not a point on P-256") from None


def key_set(jwks: Iterable[Mapping[str, Any]]) -> dict[str, PublicKey]:
    """Return the keys of a published set by `kid`."""
    return {key.kid: key for key in map(PublicKey.from_jwk, jwks)}


class SigningKey:
    """A private P-256 key. It never prints itself and leaves the process encrypted only."""

    def __init__(self, key: ECKey) -> None:
        if not key.is_private or key.curve_name != CURVE:
            raise InvalidKeyError("a private key on P-256 is asked for")
        self._key = key
        self.public = PublicKey(ECKey.import_key(key.public_key))
        self.kid = self.public.kid

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(ECKey.generate_key(CURVE))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a PEM or JWK file that nobody but its owner may read."""
        if path.stat().st_mode & _OTHERS:
            raise InvalidKeyError(f"{path}: others may read it; chmod 600")
        text = path.read_text(encoding="utf-8")
        try:
            stored = json.loads(text) if text.lstrip().startswith("{") else text
            key = ECKey.import_key(stored)
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidKeyError(f"{path}: neither a PEM nor a JWK private key") from None
        return cls(key)

    @classmethod
    def from_private(cls, encoded: bytes) -> Self:
        """Read what `private_bytes` returned."""
        try:
            return cls(ECKey.import_key(encoded))
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidKeyError("no private key") from None

    def private_bytes(self) -> bytes:
        """Return the private key in PEM, to be encrypted before it is kept anywhere."""
        return self._key.as_pem(private=True)

    def public_jwk(self) -> dict[str, str]:
        """Return the JWK to publish."""
        return self.public.public_jwk()

    def sign(self, header: Mapping[str, Any], payload: bytes) -> str:
        """Return the compact JWS."""
        return jws.serialize_compact(dict(header), payload, self._key, registry=_ONLY_ES256)


def _es256_registry() -> jws.JWSRegistry:
    """Build the allow-list of one. Sizes are ours to check: the library's would cap a policy."""
    registry = jws.JWSRegistry(algorithms=[ALGORITHM])
    registry.max_payload_length = 1 << 30
    return registry


_ONLY_ES256: Final = _es256_registry()
