"""What the hub tells the nodes about a month's net."""

from typing import Annotated, ClassVar

from msgspec import Meta

from federation.settlement.messages import PARTIES_MAX, RunMessage
from federation.store.messages import MIB
from federation.values.account import PaymentAccount
from federation.values.month import WrittenMonth
from federation.values.wire import PartyCodeText


class NetRecomputed(RunMessage, frozen=True):
    """A debtor left a month's net after others (`left`, in order) had.

    Amounts follow from the run's document; `accounts` are those the receiver may have to pay to.
    """

    KIND: ClassVar[str] = "net.recomputed"
    BYTES_MAX: ClassVar[int] = MIB

    period: WrittenMonth
    left: Annotated[list[PartyCodeText], Meta(max_length=PARTIES_MAX)]
    debtor: PartyCodeText
    accounts: Annotated[dict[PartyCodeText, PaymentAccount], Meta(max_length=PARTIES_MAX)]
