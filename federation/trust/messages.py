"""What servers tell each other of who belongs to the federation, and of their keys."""

from typing import Annotated, ClassVar

from msgspec import Meta

from federation.signing.entity_statements import STATEMENT_BYTES_MAX
from federation.store.messages import KIB, MIB, Message
from federation.trust.membership import JwkText, Peer
from federation.values.wire import PartyCodeText

PEERS_MAX = 1_000
TOKEN_KEYS_MAX = 8
ROSTER_STREAM = "roster"


class Roster(Message, frozen=True):
    """Every admitted collective, so that each knows the others' keys."""

    KIND: ClassVar[str] = "roster.changed"
    BYTES_MAX: ClassVar[int] = 2 * MIB

    peers: Annotated[list[Peer], Meta(max_length=PEERS_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of who belongs to the federation."""
        return ROSTER_STREAM


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


class EntityChanged(Message, frozen=True):
    """A node says who it is now: its address and FEDERATION keys, in a statement it signed.

    It tells its hub, and the hub passes the same statement on to every other node.
    """

    KIND: ClassVar[str] = "entity.changed"
    BYTES_MAX: ClassVar[int] = STATEMENT_BYTES_MAX + 4 * KIB

    code: PartyCodeText
    statement: Annotated[str, Meta(max_length=STATEMENT_BYTES_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of who belongs to the federation: nobody changes before he is known."""
        return ROSTER_STREAM
