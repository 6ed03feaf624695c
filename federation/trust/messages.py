"""What the hub tells every node of who belongs to the federation."""

from typing import Annotated, ClassVar

from msgspec import Meta

from federation.store.messages import MIB, Message
from federation.trust.membership import Peer

PEERS_MAX = 1_000


class Roster(Message, frozen=True):
    """Every admitted collective, so that each knows the others' keys."""

    KIND: ClassVar[str] = "roster.changed"
    BYTES_MAX: ClassVar[int] = 2 * MIB

    peers: Annotated[list[Peer], Meta(max_length=PEERS_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of who belongs to the federation."""
        return "roster"
