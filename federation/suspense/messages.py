"""What hub and nodes tell each other about held money."""

from datetime import date, datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from federation.store.messages import KIB, LARGEST_BYTES, MIB, Message
from federation.values.account import PaymentAccount
from federation.values.held import CLAIM_NUMBER
from federation.values.month import WrittenMonth
from federation.values.party import HUB
from federation.values.wire import (
    ClaimableReason,
    CurrencyText,
    Digits,
    LicenceKeyText,
    OpaqueId,
    PartyCodeText,
    PaymentId,
    Reason,
    Sha256Text,
    ShortText,
    UrlKeyText,
    require_instant,
)

LISTED_PER_MESSAGE = 5_000
CLOSED_PER_MESSAGE = 1_000
MONTHS_MAX = 1_200
STATED_PER_MESSAGE = 1_000
RATES_MAX = 3  # per month: of the licence's, the claimant's and the clearing currency
CLAIM_STREAM = "claim/"  # how the streams of claims on held money begin
ClaimNumber = Annotated[str, Meta(pattern=rf"\A{CLAIM_NUMBER}\Z")]


class ListedItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An address money is held for; not the lab, not the licence, not the exact amount."""

    url_key: UrlKeyText
    reason: ShortText
    amount_band: ShortText
    held_since: date


class HeldListMessage(Message, frozen=True):
    """A message about the list of held money: all of them keep their order."""

    @property
    def stream(self) -> str:
        """Return the stream of the list of held money."""
        return "held"


class HeldPublished(HeldListMessage, frozen=True, omit_defaults=True):
    """A part of the list of a month: what one holder, the hub or a licensor, holds."""

    KIND: ClassVar[str] = "held.published"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    period: WrittenMonth
    items: Annotated[list[ListedItem], Meta(max_length=LISTED_PER_MESSAGE)]
    holder: PartyCodeText = HUB


class HeldClosed(HeldListMessage, frozen=True, omit_defaults=True):
    """A holder holds nothing for an address, and those in `also`, of these months any more."""

    KIND: ClassVar[str] = "held.closed"
    BYTES_MAX: ClassVar[int] = 32 * MIB

    url_key: UrlKeyText
    periods: Annotated[list[WrittenMonth], Meta(max_length=MONTHS_MAX)]
    closed_on: date
    holder: PartyCodeText = HUB
    also: Annotated[list[UrlKeyText], Meta(max_length=CLOSED_PER_MESSAGE - 1)] = msgspec.field(
        default_factory=list[str]
    )


class StatedItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a licensor holds for an address in one of its licences; releases are not taken off."""

    licence: LicenceKeyText
    reason: ClaimableReason
    url_key: UrlKeyText
    amount: Digits
    currency: CurrencyText


class HeldStated(HeldListMessage, frozen=True):
    """A part of what a licensor holds of a month in its own licences, by the run it followed.

    It says so for the hub to list it; the hub has computed the same run and takes no other amount.
    """

    KIND: ClassVar[str] = "held.stated"
    BYTES_MAX: ClassVar[int] = 32 * MIB

    period: WrittenMonth
    run_id: Sha256Text
    items: Annotated[list[StatedItem], Meta(min_length=1, max_length=STATED_PER_MESSAGE)]


class HeldClaimMessage(Message, frozen=True):
    """A message about one claim on held money: all of them keep their order."""

    id: ClaimNumber

    @property
    def stream(self) -> str:
        """Return the stream of this claim on held money."""
        return f"{CLAIM_STREAM}{self.id}"


class HeldClaimed(HeldClaimMessage, frozen=True):
    """A node claims what is held for an address, for a claim in its registry."""

    KIND: ClassVar[str] = "held.claimed"

    url_key: UrlKeyText
    claim_id: OpaqueId
    evidence: Reason
    filed_by: ShortText


class HeldRefused(HeldClaimMessage, frozen=True, omit_defaults=True):
    """A claim on held money was refused, and why.

    Of an accepted one, `holder` is the licensor that releases nothing of what it holds.
    """

    KIND: ClassVar[str] = "held.refused"

    reason: Reason
    holder: PartyCodeText = HUB


class ReleasedItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What was released of one licence and month; amounts in minor units as text."""

    period: WrittenMonth
    licence: LicenceKeyText
    reason: ShortText
    amount: Digits
    currency: CurrencyText
    cleared: Digits


class ReleasedPayment(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is paid for the releases of one month, in the node's settlement currency."""

    period: WrittenMonth
    run_id: Sha256Text
    payment_id: PaymentId
    amount: Digits
    currency: CurrencyText


class HeldReleased(HeldClaimMessage, frozen=True, omit_defaults=True):
    """A claim on held money was accepted: what was released, and how `payer` pays it.

    There is one message for each who holds some of it, once it has released it.
    """

    KIND: ClassVar[str] = "held.released"
    BYTES_MAX: ClassVar[int] = 4 * MIB

    reason: Reason
    items: Annotated[list[ReleasedItem], Meta(max_length=10_000)]
    payments: Annotated[list[ReleasedPayment], Meta(max_length=MONTHS_MAX)]
    payer: PartyCodeText = HUB


class OrderedItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a licensor is to release of one of its licences and months, in minor units as text."""

    period: WrittenMonth
    licence: LicenceKeyText
    reason: ClaimableReason
    amount: Digits
    currency: CurrencyText


class OrderedRate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A published rate of a month by which a release is converted."""

    period: WrittenMonth
    currency: CurrencyText
    on: date
    rate: Annotated[str, Meta(pattern=r"\A[0-9]{1,18}(\.[0-9]{1,20})?\Z")]


class ReleaseOrdered(HeldClaimMessage, frozen=True):
    """The hub accepted a claim on what a licensor holds for an address: it is to release it.

    `node` is whose claim it is, `currency` and `account` how it is paid. `rates` are those of the
    months the money was held in: the amounts of the payments follow.
    """

    KIND: ClassVar[str] = "held.ordered"
    BYTES_MAX: ClassVar[int] = 4 * MIB

    node: PartyCodeText
    url_key: UrlKeyText
    claim_id: OpaqueId
    filed_by: ShortText
    filed_at: datetime
    decided_by: ShortText
    reason: Reason
    currency: CurrencyText
    account: PaymentAccount | None
    items: Annotated[list[OrderedItem], Meta(min_length=1, max_length=10_000)]
    rates: Annotated[list[OrderedRate], Meta(max_length=RATES_MAX * MONTHS_MAX)]

    def __post_init__(self) -> None:
        require_instant("filed_at", self.filed_at)


class NotReleased(HeldClaimMessage, frozen=True):
    """A licensor's staff dropped an order that its books do not bear out: it releases nothing."""

    KIND: ClassVar[str] = "held.not_released"

    reason: Annotated[Reason, Meta(min_length=1)]


class ReleaseDone(HeldClaimMessage, frozen=True):
    """A licensor has released what it was told to, and will pay it; its own members' it has booked.

    `payments` are in the claimant's settlement currency.
    """

    KIND: ClassVar[str] = "held.done"
    BYTES_MAX: ClassVar[int] = 512 * KIB

    payments: Annotated[list[ReleasedPayment], Meta(max_length=MONTHS_MAX)]
