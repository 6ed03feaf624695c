"""What licensors, hub and nodes tell each other about licences."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from federation.licensing.objects import SIGNED_BYTES_MAX
from federation.store.messages import KIB, Message
from federation.values.wire import LicenceNumber, OpaqueId, Reason, SignedDigits

Version = Annotated[int, Meta(ge=1, le=1_000_000)]


class LicenceIssued(Message, frozen=True):
    """A version of a licence, signed by its licensor; the number is also in what is signed."""

    KIND: ClassVar[str] = "licence.issued"
    BYTES_MAX: ClassVar[int] = SIGNED_BYTES_MAX + 4 * KIB

    number: LicenceNumber
    signed: Annotated[str, Meta(max_length=SIGNED_BYTES_MAX)]

    @property
    def stream(self) -> str:
        """Return the stream of this licence."""
        return f"licence/{self.number}"


class LicenceRegistered(Message, frozen=True):
    """A node's answer to a version of a licence: registered, or refused with a reason."""

    KIND: ClassVar[str] = "licence.registered"

    number: LicenceNumber
    version: Version
    state: Literal["REGISTERED", "REFUSED"]
    reason: Reason | None = None

    @property
    def stream(self) -> str:
        """Return the stream of this licence."""
        return f"licence/{self.number}"


class ReceiptRecorded(Message, frozen=True):
    """A national licensor tells the hub what was paid for one of its licences."""

    KIND: ClassVar[str] = "receipt.recorded"

    id: OpaqueId
    licence: LicenceNumber
    received_on: date
    amount: SignedDigits

    @property
    def stream(self) -> str:
        """Return the stream of this licence."""
        return f"licence/{self.licence}"
