"""What a collective and the hub agree when it joins: its particulars, and the hub's terms."""

from typing import Annotated, Final, Literal

import msgspec

from federation.config import Code, Country, Currency, EntityId, Name, Url
from federation.values.bps import Bps
from federation.values.plan import Plan, Tier, require_fitting
from federation.values.wire import PartyCodeText

INVITATION_LENGTH = (16, 64)
FORMER_MAX: Final = 64  # keys of one server; more than one a quarter for fifteen years
JwkText = Annotated[str, msgspec.Meta(max_length=256)]


class CollectiveTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A collective's particulars, as applied for and agreed: fields of its NodeConfig."""

    code: Code
    name: Name
    country: Country
    settlement_currency: Currency
    admin_fee_bps: Bps
    collecting_fee_bps: Bps
    minimum_payment: Annotated[int, msgspec.Meta(ge=0)]
    plan: Plan
    base_bps: Bps | None = None
    tiers: dict[str, Tier] | None = None
    account: str | None = None
    account_scheme: str = "IBAN"
    bic: str | None = None

    def __post_init__(self) -> None:
        require_fitting(self.plan, self.base_bps, self.tiers)


class HubTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the hub charges and how usage weighs: the agreement every collective joins.

    Fees are in basis points, weights in thousandths; `payment_days` are calendar days.
    """

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


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node applies; the call is signed with the very key it names."""

    entity_id: EntityId
    url: Url
    jwk: Annotated[dict[JwkText, JwkText], msgspec.Meta(max_length=16)]
    terms: CollectiveTerms
    invitation: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the hub says to an applicant who asks: where its application stands.

    `granted` is the signed grant (`Granted`) once it is admitted, `reason` why it is not.
    """

    state: Literal["APPLIED", "RECOMMENDED", "ADMITTED", "REFUSED"]
    reason: str | None = None
    granted: str | None = None


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An admitted server as others know it."""

    code: PartyCodeText
    entity_id: EntityId
    url: Url
    name: Name
    jwk: Annotated[dict[JwkText, JwkText], msgspec.Meta(max_length=16)]


class Listed(msgspec.Struct, frozen=True):
    """What the hub holds of a node that asks: its address, and the thumbprints of its keys."""

    url: Url
    keys: Annotated[list[JwkText], msgspec.Meta(max_length=64)]
    token_keys: Annotated[list[JwkText], msgspec.Meta(max_length=64)]


class Granted(msgspec.Struct, frozen=True):
    """The hub admits: its key (whose thumbprint the node has pinned) and its terms.

    `former` are the public keys it signed with before: licences go on that it signed then.
    """

    hub: Peer
    terms: HubTerms
    former: Annotated[
        list[Annotated[dict[JwkText, JwkText], msgspec.Meta(max_length=16)]],
        msgspec.Meta(max_length=FORMER_MAX),
    ] = []
