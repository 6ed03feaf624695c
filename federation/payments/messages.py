"""What the hub tells the nodes about a month's net."""

import msgspec

from federation.values.account import PaymentAccount
from federation.values.month import WrittenMonth


class NetRecomputed(msgspec.Struct, frozen=True):
    """A debtor left a month's net after others (`left`, in order) had.

    Amounts follow from the run's document; `accounts` are those the receiver may have to pay to.
    """

    run_id: str
    period: WrittenMonth
    left: list[str]
    debtor: str
    accounts: dict[str, PaymentAccount]
