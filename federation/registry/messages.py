"""What a node tells the hub's claim index: enough for a verdict, nothing more (decision 0003)."""

from datetime import date, datetime

import msgspec


class ClaimFact(msgspec.Struct, frozen=True):
    """One claim: where, when it counts, whose (opaque), tier and canonical address."""

    claim_id: str
    holder_id: str
    host: str
    path: str
    wildcard: bool
    counts_from: date
    counts_to: date | None
    content_tier: str
    canonical: str | None


class OptOutFact(msgspec.Struct, frozen=True):
    """One opt-out: of a holder, or of an address and what lies below it."""

    holder_id: str | None
    host: str | None
    path: str | None
    wildcard: bool
    use: str
    effective_at: datetime


class RegistryDelta(msgspec.Struct, frozen=True):
    """The next change of a node's registry; versions are gap-free per node."""

    version: int
    claims: list[ClaimFact] = []
    opt_outs: list[OptOutFact] = msgspec.field(
        default_factory=list[OptOutFact], name="reservations"
    )


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
