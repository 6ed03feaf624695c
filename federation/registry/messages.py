"""What a node tells the hub's claim index: enough for a verdict, nothing more (decision 0003)."""

from datetime import date, datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from federation.consent.states import State
from federation.store.messages import LARGEST_BYTES, Message
from federation.values.wire import (
    HostText,
    OpaqueId,
    PathText,
    TermName,
    UrlKeyText,
    require_instant,
)

FACTS_MAX = 5_000  # claims, and opt-outs, of one delta
_Use = Annotated[str, Meta(pattern=r"\A(\*|[^~/\x00-\x1f][^/\x00-\x1f]{0,63})\Z")]


class ClaimFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One claim: where, when it counts, whose (opaque), tier and canonical address."""

    claim_id: OpaqueId
    holder_id: OpaqueId
    host: HostText
    path: PathText
    wildcard: bool
    counts_from: date
    counts_to: date | None
    content_tier: TermName
    canonical: UrlKeyText | None


class OptOutFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One ruling, such as an opt-out: of a holder, or of an address and what lies below it.

    `ends_at` is exclusive. `state` says what is said of the use, and `source` tells rules of one
    published source from those of another.
    """

    holder_id: OpaqueId | None
    host: HostText | None
    path: PathText | None
    wildcard: bool
    use: _Use
    effective_at: datetime
    ends_at: datetime | None = None
    state: State = State.OPT_OUT
    source: OpaqueId | None = None

    def __post_init__(self) -> None:
        if (self.holder_id is None) != (self.host is not None and self.path is not None):
            raise ValueError("an opt-out names either a holder or an address")
        require_instant("effective_at", self.effective_at)
        require_instant("ends_at", self.ends_at)


class RegistryDelta(Message, frozen=True, omit_defaults=True):
    """The next change of a node's registry; versions are gap-free per node.

    What is withdrawn goes before what is new is entered: an entry that changed is in both.
    """

    KIND: ClassVar[str] = "registry.delta"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    claims: Annotated[list[ClaimFact], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list[ClaimFact]
    )
    opt_outs: Annotated[list[OptOutFact], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list[OptOutFact], name="reservations"
    )
    withdrawn_claims: Annotated[list[OpaqueId], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list
    )
    withdrawn_opt_outs: Annotated[list[OptOutFact], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list
    )

    @property
    def stream(self) -> str:
        """Return the stream of a node's registry."""
        return "registry"


class SliceRequest(msgspec.Struct, frozen=True):
    """Ask the index for all it knows about some addresses (normalised `host`, `path`)."""

    keys: list[tuple[str, str]]


class SliceClaim(msgspec.Struct, frozen=True):
    """A claim in an answer, with the node that holds it."""

    node: str
    fact: ClaimFact


class SliceOptOut(msgspec.Struct, frozen=True):
    """An opt-out in an answer, with the node that recorded it."""

    node: str
    fact: OptOutFact


class Slice(msgspec.Struct, frozen=True):
    """Every claim and opt-out that bears on the addresses asked for and their canonicals."""

    claims: list[SliceClaim]
    opt_outs: list[SliceOptOut] = msgspec.field(name="reservations")
