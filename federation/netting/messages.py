"""What the hub tells the nodes about a month's net."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from federation.settlement.messages import PARTIES_MAX, Between, RunMessage
from federation.store.messages import MIB, Message
from federation.values.account import PaymentAccount
from federation.values.month import WrittenMonth
from federation.values.wire import CurrencyText, Digits, PartyCodeText, PaymentId


class NetRecomputed(RunMessage, frozen=True):
    """A debtor left a month's net after others (`left`, in order) had.

    Amounts follow from the run's document; `accounts` are those the receiver may have to pay to,
    `set_off` is what older debits take up of what two nodes owe one another.
    """

    KIND: ClassVar[str] = "net.recomputed"
    BYTES_MAX: ClassVar[int] = MIB

    period: WrittenMonth
    left: Annotated[list[PartyCodeText], Meta(max_length=PARTIES_MAX)]
    debtor: PartyCodeText
    accounts: Annotated[dict[PartyCodeText, PaymentAccount], Meta(max_length=PARTIES_MAX)]
    set_off: Annotated[list[Between], Meta(max_length=PARTIES_MAX)] = msgspec.field(
        default_factory=list[Between]
    )


class NetReturned(RunMessage, frozen=True):
    """What the hub does with money that a debtor paid into a net it had left.

    `refunded` goes back by the payment `refund`, 0 if nothing does (any more); `set_off` of
    `currency` was taken as paid for the remittance `against`, or `undone` of it is owed again.
    """

    KIND: ClassVar[str] = "net.returned"

    period: WrittenMonth
    refund: PaymentId
    refunded: Digits
    currency: CurrencyText
    against: PaymentId | None = None
    set_off: Digits = "0"
    undone: Digits = "0"


class OverpaymentReturned(Message, frozen=True):
    """What the hub does with money that a node paid it too much; fields are as of a net's."""

    KIND: ClassVar[str] = "overpayment.returned"

    refund: PaymentId
    refunded: Digits
    currency: CurrencyText
    against: PaymentId | None = None
    set_off: Digits = "0"
    undone: Digits = "0"

    @property
    def stream(self) -> str:
        """Return the stream of the overpayment, which its refund names."""
        return f"overpayment/{self.refund}"
