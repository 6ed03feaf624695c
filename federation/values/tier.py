"""A tier of a tiered plan."""

from typing import Annotated

from msgspec import Meta, Struct


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """Members with so many works or more, and their part in basis points (SETTLEMENT §6.7)."""

    minimum_works: Annotated[int, Meta(ge=0)]
    share_bps: Annotated[int, Meta(ge=0, le=10_000)]
