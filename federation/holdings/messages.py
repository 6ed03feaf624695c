"""What a node tells the hub of its works' identifiers: a filter of all, then keys of new ones."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, TypeVar

from msgspec import Meta
from msgspec.structs import replace

from federation.holdings.bloom import SEED_BYTES
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.store.messages import MIB, Message
from federation.values.wire import require_instant

STREAM: Final = "identifiers"
PART_BYTES: Final = MIB
PARTS_MAX: Final = 64  # some 26 million identifiers
KEY_BYTES: Final = 8
KEYS_MAX: Final = 20_000  # of one message
NUMBER_MAX: Final = 2**31 - 1
SIGNATURE_TYP: Final = "identifiers+jwt"
SIGNATURE_LENGTH_MAX: Final = 4_096

_Number = Annotated[int, Meta(ge=1, le=NUMBER_MAX)]
_Signature = Annotated[str, Meta(max_length=SIGNATURE_LENGTH_MAX)]
_Code = Annotated[str, Meta(min_length=1, max_length=12)]


class IdentifiersFiltered(Message, frozen=True):
    """A part of the filter of all identifiers that a node's works have or had until `as_of`.

    Every part says the same of the whole: its epoch, of how many keys it is, under which seed, and
    the SHA-256 of all parts together. Parts are of `PART_BYTES`, the last may be shorter.
    `signature` is the node's, of that `statement`; empty where it is of an earlier version.
    """

    KIND: ClassVar[str] = "identifiers.filtered"
    BYTES_MAX: ClassVar[int] = 2 * MIB

    node: _Code
    epoch: _Number
    part: _Number
    parts: Annotated[int, Meta(ge=1, le=PARTS_MAX)]
    keys: Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
    seed: Annotated[bytes, Meta(min_length=SEED_BYTES, max_length=SEED_BYTES)]
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    as_of: datetime
    data: Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES)]
    signature: _Signature = ""

    def __post_init__(self) -> None:
        require_instant("as_of", self.as_of)

    @property
    def statement(self) -> dict[str, Any]:
        """Return what is signed of the whole filter."""
        return {
            "node": self.node,
            "epoch": self.epoch,
            "parts": self.parts,
            "keys": self.keys,
            "seed": self.seed.hex(),
            "sha256": self.sha256,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
        }

    @property
    def stream(self) -> str:
        """Return the stream of a node's identifiers."""
        return STREAM


class IdentifiersAdded(Message, frozen=True):
    """Keys of identifiers that came to a node's works after its filter, and until `as_of`.

    `keys` are of 8 bytes each, big-endian, under the filter's seed; `number` counts the messages of
    an epoch without a gap. With no keys it says that there are none. `signature` is as of a filter.
    """

    KIND: ClassVar[str] = "identifiers.added"
    BYTES_MAX: ClassVar[int] = MIB

    node: _Code
    epoch: _Number
    number: _Number
    as_of: datetime
    keys: Annotated[bytes, Meta(max_length=KEYS_MAX * KEY_BYTES)]
    signature: _Signature = ""

    def __post_init__(self) -> None:
        require_instant("as_of", self.as_of)
        if len(self.keys) % KEY_BYTES:
            raise ValueError(f"keys are of {KEY_BYTES} bytes each")

    @property
    def statement(self) -> dict[str, Any]:
        """Return what is signed of new keys."""
        return {
            "node": self.node,
            "epoch": self.epoch,
            "number": self.number,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "sha256": sha256(self.keys).hexdigest(),
        }

    @property
    def stream(self) -> str:
        """Return the stream of a node's identifiers."""
        return STREAM


Told = TypeVar("Told", IdentifiersFiltered, IdentifiersAdded)


def signed(message: Told, key: SigningKey) -> Told:
    """Return what a node tells with its signature: a compact JWS of the type `identifiers+jwt`."""
    return replace(message, signature=sign(message.statement, typ=SIGNATURE_TYP, key=key))


def packed(keys: list[int]) -> bytes:
    """Return keys as they are sent."""
    return b"".join(key.to_bytes(KEY_BYTES, "big") for key in keys)


def unpacked(data: bytes) -> list[int]:
    """Return the keys that were sent."""
    return [
        int.from_bytes(data[start : start + KEY_BYTES], "big")
        for start in range(0, len(data), KEY_BYTES)
    ]
