"""What servers tell each other of who belongs to the federation, and of their keys."""

from typing import Annotated, ClassVar

from msgspec import Meta

from federation.store.messages import MIB, Message
from federation.trust.membership import JwkText, Peer

PEERS_MAX = 1_000
TOKEN_KEYS_MAX = 8


class Roster(Message, frozen=True):
    """Every admitted collective, so that each knows the others' keys."""

    KIND: ClassVar[str] = "roster.changed"
    BYTES_MAX: ClassVar[int] = 2 * MIB

    peers: Annotated[list[Peer], Meta(max_length=PEERS_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of who belongs to the federation."""
        return "roster"


class KeysPublished(Message, frozen=True):
    """A node's public keys to check its tokens with: all of them, in place of those before."""

    KIND: ClassVar[str] = "keys.published"

    jwks: Annotated[
        list[Annotated[dict[JwkText, JwkText], Meta(max_length=16)]],
        Meta(min_length=1, max_length=TOKEN_KEYS_MAX),
    ]

    @property
    def stream(self) -> str:
        """Return the stream of a node's keys."""
        return "keys"
