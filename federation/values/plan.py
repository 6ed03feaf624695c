"""How a collective shares out: the kind of its plan, and a tier of a tiered one."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# one per rule of SETTLEMENT §6
Plan = Literal["per_usage", "hybrid", "tiered"]


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """Members with so many works or more, and their part in basis points (SETTLEMENT §6.7)."""

    minimum_works: Annotated[int, Meta(ge=0)]
    share_bps: Annotated[int, Meta(ge=0, le=10_000)]
