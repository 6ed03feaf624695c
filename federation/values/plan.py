"""How a collective shares out: the kind of its plan, and the particulars that a kind needs."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from federation.values.bps import WHOLE_BPS, Bps
from federation.values.ids import is_plain_id

# one per rule of SETTLEMENT §6
Plan = Literal["per_usage", "hybrid", "tiered"]


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """Members with so many works or more, and their part in basis points (SETTLEMENT §6.7)."""

    minimum_works: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    share_bps: Bps


def require_fitting(plan: Plan, base_bps: int | None, tiers: Mapping[str, Tier] | None) -> None:
    """Refuse, by ValueError, particulars that do not belong to a plan (SETTLEMENT §§6.5 to 6.7).

    `base_bps`, in basis points, is there for `hybrid` and nothing else, `tiers` by name for
    `tiered` and nothing else: their parts are the whole, their minima differ, their names are ids.
    """
    if (plan == "hybrid") != (base_bps is not None):
        raise ValueError("`base_bps` belongs to the plan `hybrid`, and only to it")
    if (plan == "tiered") != (tiers is not None):
        raise ValueError("`tiers` belong to the plan `tiered`, and only to it")
    if tiers is None:
        return
    for name in tiers:
        if not is_plain_id(name):
            raise ValueError(f"`{name}` may not be empty, start with ~ or hold a /")
    if sum(tier.share_bps for tier in tiers.values()) != WHOLE_BPS:
        raise ValueError(f"the shares of `tiers` do not sum to {WHOLE_BPS}")
    if len({tier.minimum_works for tier in tiers.values()}) < len(tiers):
        raise ValueError("two `tiers` have the same minimum of works")
