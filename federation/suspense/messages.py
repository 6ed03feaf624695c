"""What hub and nodes tell each other about held money."""

from datetime import date
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from federation.store.messages import LARGEST_BYTES, MIB, Message
from federation.values.month import WrittenMonth
from federation.values.wire import (
    CurrencyText,
    Digits,
    LicenceKeyText,
    OpaqueId,
    PaymentId,
    Reason,
    Sha256Text,
    ShortText,
    UrlKeyText,
)

LISTED_PER_MESSAGE = 5_000
MONTHS_MAX = 1_200
ClaimNumber = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{1,64}\Z")]


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


class HeldPublished(HeldListMessage, frozen=True):
    """A part of the list of a month."""

    KIND: ClassVar[str] = "held.published"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    period: WrittenMonth
    items: Annotated[list[ListedItem], Meta(max_length=LISTED_PER_MESSAGE)]


class HeldClosed(HeldListMessage, frozen=True):
    """Nothing is held for an address of these months any more."""

    KIND: ClassVar[str] = "held.closed"

    url_key: UrlKeyText
    periods: Annotated[list[WrittenMonth], Meta(max_length=MONTHS_MAX)]
    closed_on: date


class HeldClaimMessage(Message, frozen=True):
    """A message about one claim on held money: all of them keep their order."""

    id: ClaimNumber

    @property
    def stream(self) -> str:
        """Return the stream of this claim on held money."""
        return f"claim/{self.id}"


class HeldClaimed(HeldClaimMessage, frozen=True):
    """A node claims what is held for an address, for a claim in its registry."""

    KIND: ClassVar[str] = "held.claimed"

    url_key: UrlKeyText
    claim_id: OpaqueId
    evidence: Reason
    filed_by: ShortText


class HeldRefused(HeldClaimMessage, frozen=True):
    """A claim on held money was refused, and why."""

    KIND: ClassVar[str] = "held.refused"

    reason: Reason


class ReleasedItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What was released of one licence and month; amounts in minor units as text."""

    period: WrittenMonth
    licence: LicenceKeyText
    reason: ShortText
    amount: Digits
    currency: CurrencyText
    cleared: Digits


class ReleasedPayment(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the hub pays for the releases of one month, in the node's settlement currency."""

    period: WrittenMonth
    run_id: Sha256Text
    payment_id: PaymentId
    amount: Digits
    currency: CurrencyText


class HeldReleased(HeldClaimMessage, frozen=True):
    """A claim on held money was accepted: what was released, and how it is paid."""

    KIND: ClassVar[str] = "held.released"
    BYTES_MAX: ClassVar[int] = 4 * MIB

    reason: Reason
    items: Annotated[list[ReleasedItem], Meta(max_length=10_000)]
    payments: Annotated[list[ReleasedPayment], Meta(max_length=MONTHS_MAX)]
