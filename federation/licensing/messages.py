"""What licensors, hub and nodes tell each other about licences."""

from datetime import date

import msgspec


class LicenceIssued(msgspec.Struct, frozen=True):
    """A version of a licence, signed by its licensor."""

    signed: str


class LicenceRegistered(msgspec.Struct, frozen=True):
    """A node's receipt for a version of a licence: registered, or refused with a reason."""

    number: str
    version: int
    state: str
    reason: str | None = None


class ReceiptRecorded(msgspec.Struct, frozen=True):
    """A national licensor tells the hub what was paid for one of its licences."""

    id: str
    licence: str
    received_on: date
    amount: str
