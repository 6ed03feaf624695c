"""What a node tells the hub of its works' identifiers: a filter of all, then keys of new ones."""

from datetime import datetime
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from federation.holdings.bloom import SEED_BYTES
from federation.store.messages import MIB, Message
from federation.values.wire import require_instant

STREAM: Final = "identifiers"
PART_BYTES: Final = MIB
PARTS_MAX: Final = 64  # some 26 million identifiers
KEY_BYTES: Final = 8
KEYS_MAX: Final = 20_000  # of one message
NUMBER_MAX: Final = 2**31 - 1

_Number = Annotated[int, Meta(ge=1, le=NUMBER_MAX)]
_Code = Annotated[str, Meta(min_length=1, max_length=12)]


class IdentifiersFiltered(Message, frozen=True):
    """A part of the filter of all identifiers that a node's works have or had until `as_of`.

    Every part says the same of the whole: its epoch, of how many keys it is, under which seed, and
    the SHA-256 of all parts together. Parts are of `PART_BYTES`, the last may be shorter.
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

    def __post_init__(self) -> None:
        require_instant("as_of", self.as_of)

    @property
    def stream(self) -> str:
        """Return the stream of a node's identifiers."""
        return STREAM


class IdentifiersAdded(Message, frozen=True):
    """Keys of identifiers that came to a node's works after its filter, and until `as_of`.

    `keys` are of 8 bytes each, big-endian, under the filter's seed; `number` counts the messages of
    an epoch without a gap. With no keys it says that there are none.
    """

    KIND: ClassVar[str] = "identifiers.added"
    BYTES_MAX: ClassVar[int] = MIB

    node: _Code
    epoch: _Number
    number: _Number
    as_of: datetime
    keys: Annotated[bytes, Meta(max_length=KEYS_MAX * KEY_BYTES)]

    def __post_init__(self) -> None:
        require_instant("as_of", self.as_of)
        if len(self.keys) % KEY_BYTES:
            raise ValueError(f"keys are of {KEY_BYTES} bytes each")

    @property
    def stream(self) -> str:
        """Return the stream of a node's identifiers."""
        return STREAM


def packed(keys: list[int]) -> bytes:
    """Return keys as they are sent."""
    return b"".join(key.to_bytes(KEY_BYTES, "big") for key in keys)


def unpacked(data: bytes) -> list[int]:
    """Return the keys that were sent."""
    return [
        int.from_bytes(data[start : start + KEY_BYTES], "big")
        for start in range(0, len(data), KEY_BYTES)
    ]
