"""What hub and nodes tell each other about held money."""

from datetime import date

import msgspec

from federation.values.licence_key import LicenceKey
from federation.values.month import WrittenMonth


class ListedItem(msgspec.Struct, frozen=True, array_like=True):
    """An address money is held for; not the lab, not the licence, not the exact amount."""

    url_key: str
    reason: str
    amount_band: str
    held_since: date


class HeldPublished(msgspec.Struct, frozen=True):
    """A part of the list of a month."""

    period: WrittenMonth
    items: list[ListedItem]


class HeldClosed(msgspec.Struct, frozen=True):
    """Nothing is held for an address of these months any more."""

    url_key: str
    periods: list[WrittenMonth]
    closed_on: date


class HeldClaimed(msgspec.Struct, frozen=True):
    """A node claims what is held for an address, for a claim in its registry."""

    id: str
    url_key: str
    claim_id: str
    evidence: str
    filed_by: str


class HeldRefused(msgspec.Struct, frozen=True):
    """A claim on held money was refused, and why."""

    id: str
    reason: str


class ReleasedItem(msgspec.Struct, frozen=True, array_like=True):
    """What was released of one licence and month; amounts in minor units as text."""

    period: WrittenMonth
    licence: LicenceKey
    reason: str
    amount: str
    currency: str
    cleared: str


class ReleasedPayment(msgspec.Struct, frozen=True, array_like=True):
    """What the hub pays for the releases of one month, in the node's settlement currency."""

    period: WrittenMonth
    run_id: str
    payment_id: str
    amount: str
    currency: str


class HeldReleased(msgspec.Struct, frozen=True):
    """A claim on held money was accepted: what was released, and how it is paid."""

    id: str
    reason: str
    items: list[ReleasedItem]
    payments: list[ReleasedPayment]
