"""What collectives and the hub tell each other when one joins: particulars are data."""

from typing import Annotated, Literal

import msgspec

from federation.config import Bps, Code, Country, Currency, EntityId, Name, Url
from federation.values.tier import Tier


class CollectiveTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A collective's particulars, as applied for and agreed."""

    code: Code
    name: Name
    country: Country
    settlement_currency: Currency
    admin_fee_bps: Bps
    collecting_fee_bps: Bps
    minimum_payment: Annotated[int, msgspec.Meta(ge=0)]
    plan: Literal["per_usage", "hybrid", "tiered"]
    base_bps: Bps | None = None
    tiers: dict[str, Tier] | None = None
    account: str | None = None
    account_scheme: str = "IBAN"
    bic: str | None = None


class HubTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the hub charges and how usage weighs: the agreement every collective joins."""

    name: str
    clearing_currency: str
    fee_bps: int
    national_fee_bps: int
    fee_band_bps: tuple[int, int]
    tier_weight: dict[str, int]
    use_weight: dict[str, int]
    account: str | None = None
    account_scheme: str = "IBAN"
    bic: str | None = None
    payment_days: int = 10  # from approval to the value date of remittances


class Apply(msgspec.Struct, frozen=True):
    """A node applies; the call is signed with the very key it names."""

    entity_id: EntityId
    url: Url
    jwk: dict[str, str]
    terms: CollectiveTerms


class Peer(msgspec.Struct, frozen=True):
    """An admitted server as others know it."""

    code: str
    entity_id: str
    url: str
    name: str
    jwk: dict[str, str]


class Granted(msgspec.Struct, frozen=True):
    """The hub admits: its key (whose thumbprint the node has pinned) and its terms."""

    hub: Peer
    terms: HubTerms


class Roster(msgspec.Struct, frozen=True):
    """Every admitted collective, so that each knows the others' keys."""

    peers: list[Peer]


class AdmissionRefused(msgspec.Struct, frozen=True):
    """The hub does not admit, and says why."""

    reason: str
