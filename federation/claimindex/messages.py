"""What a node tells the hub's claim index: enough for a verdict, nothing more (decision 0003)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from federation.consent.states import State
from federation.store.messages import LARGEST_BYTES, MIB, Message
from federation.values.bps import WHOLE_BPS
from federation.values.right import Right
from federation.values.wire import (
    HostText,
    OpaqueId,
    PartyCodeText,
    PathText,
    TermName,
    UrlKeyText,
    require_instant,
)

FACTS_MAX = 5_000  # claims, opt-outs and shares of one delta
OVER_MAX = 100  # of what is over the whole at one place, told at once
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

    `ends_at` is exclusive. `state` says what is said of the use; `source` and `since` are as in
    `consent.Ruling`.
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
    since: datetime | None = None

    def __post_init__(self) -> None:
        if (self.holder_id is None) != (self.host is not None and self.path is not None):
            raise ValueError("an opt-out names either a holder or an address")
        require_instant("effective_at", self.effective_at)
        require_instant("ends_at", self.ends_at)
        require_instant("since", self.since)


_Bps = Annotated[int, Meta(ge=1, le=WHOLE_BPS)]
_Territory = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]


class ShareFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The part of one right that a node's record says its party has at a place, from an instant on.

    `source` is whose word it is, as in `consent.Ruling`; no territory is everywhere. What the work
    is, who says it and on what ground stays with the node.
    """

    share_id: OpaqueId
    source: OpaqueId
    host: HostText
    path: PathText
    wildcard: bool
    use: _Use
    right: Right
    bps: _Bps
    starts_at: datetime
    ends_at: datetime | None = None
    territories: Annotated[list[_Territory], Meta(max_length=250)] = msgspec.field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        if "*" in self.path:
            raise ValueError("a share is of a place, and not of a pattern")
        _require_span(self.starts_at, self.ends_at)


def _require_span(starts_at: datetime, ends_at: datetime | None) -> None:
    require_instant("starts_at", starts_at)
    require_instant("ends_at", ends_at)
    if ends_at is not None and ends_at <= starts_at:
        raise ValueError("`ends_at` is not after `starts_at`")


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
    shares: Annotated[list[ShareFact], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list[ShareFact]
    )
    withdrawn_shares: Annotated[list[OpaqueId], Meta(max_length=FACTS_MAX)] = msgspec.field(
        default_factory=list
    )

    @property
    def stream(self) -> str:
        """Return the stream of a node's registry."""
        return "registry"


class Over(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when to before when shares of several collectives are more than the whole, of what.

    `use` is `*` where it is so of each, `territory` empty where it is so everywhere. `parts` are
    what each collective says that it has, in 1/10,000.
    """

    use: _Use
    right: Right
    territory: Annotated[str, Meta(pattern=r"\A([A-Z]{2})?\Z")]
    starts_at: datetime
    ends_at: datetime | None
    parts: dict[PartyCodeText, _Bps]

    def __post_init__(self) -> None:
        _require_span(self.starts_at, self.ends_at)
        if len(self.parts) < 2 or self.total <= WHOLE_BPS:  # noqa: PLR2004
            raise ValueError("these parts are not more than the whole")

    @property
    def total(self) -> int:
        """What all of them say that they have, in 1/10,000."""
        return sum(self.parts.values())


class SharesOver(Message, frozen=True):
    """The hub tells each of them what is over the whole at a place by now; nothing: no more."""

    KIND: ClassVar[str] = "registry.shares_over"
    BYTES_MAX: ClassVar[int] = MIB

    host: HostText
    path: PathText
    wildcard: bool
    over: Annotated[list[Over], Meta(max_length=OVER_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of what the hub says of registries."""
        return "registry"


class SliceRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ask the index for all it knows about some addresses (normalised `host`, `path`).

    `places` are the sites of a member of who asks: of these, and all below, what members of others
    claim and say there (`near_store`). With `hosts`, on which hosts both who asks and others claim
    anything. An older hub tells nothing of either.
    """

    keys: list[tuple[str, str]]
    places: list[tuple[HostText, PathText]] = msgspec.field(default_factory=list[tuple[str, str]])
    hosts: bool = False


class SliceClaim(msgspec.Struct, frozen=True):
    """A claim in an answer, with the node that holds it."""

    node: str
    fact: ClaimFact


class SliceOptOut(msgspec.Struct, frozen=True):
    """An opt-out in an answer, with the node that recorded it."""

    node: str
    fact: OptOutFact


class SliceShare(msgspec.Struct, frozen=True):
    """A share in an answer, with the node that says so."""

    node: str
    fact: ShareFact


class Slice(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that bears on the addresses asked for and their canonicals; no shares: an older hub.

    `is_cut` says that of the places, or the hosts, asked for there is more than is told.
    """

    claims: list[SliceClaim]
    opt_outs: list[SliceOptOut] = msgspec.field(name="reservations")
    shares: list[SliceShare] = msgspec.field(default_factory=list[SliceShare])
    is_cut: bool = False
    hosts: list[HostText] = msgspec.field(default_factory=list[str])


def joined(parts: Sequence[Slice]) -> Slice:
    """Return what several answers say together: each claim, each ruling and each share once."""
    claims = {(one.node, one.fact.claim_id): one for part in parts for one in part.claims}
    opt_outs = {msgspec.json.encode(one): one for part in parts for one in part.opt_outs}
    shares = {(one.node, one.fact.share_id): one for part in parts for one in part.shares}
    is_cut = any(part.is_cut for part in parts)
    return Slice([*claims.values()], [*opt_outs.values()], [*shares.values()], is_cut)


NOTHING: Final = Slice([], [])
"""What is known of addresses of which nobody was asked, or nobody knows anything."""
