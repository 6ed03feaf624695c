"""What the hub sends every node of a run."""

from datetime import date, datetime

import msgspec

from federation.values.account import PaymentAccount
from federation.values.licence_key import LicenceKey
from federation.values.month import WrittenMonth


class Credit(msgspec.Struct, frozen=True, array_like=True):
    """Weight that another node's copies carry for a claim here; `~DISPUTED` for nobody yet."""

    licence: LicenceKey
    use: str
    claim_id: str
    weight: str
    units: str


class Held(msgspec.Struct, frozen=True, array_like=True):
    """Weight held for an address, at the licensor of the licence."""

    licence: LicenceKey
    party: str
    url_key: str
    weight: str


class UseWeight(msgspec.Struct, frozen=True, array_like=True):
    """What a party's usage weighs per use: the base of the split of its share by use."""

    licence: LicenceKey
    party: str
    use: str
    weight: str
    units: str


class RunAdvised(msgspec.Struct, frozen=True):
    """A calculated run for nodes to look at before it is approved; the document is text."""

    run_id: str
    document: str
    objections_until: datetime | None = None
    corrects: str | None = None


class RunAnswered(msgspec.Struct, frozen=True):
    """What a node says to an advised run: CONCURRED, or OBJECTED with a reason."""

    run_id: str
    answer: str
    reason: str | None


class RunWithdrawn(msgspec.Struct, frozen=True):
    """An advised run is taken back; another may follow."""

    run_id: str
    reason: str


class Reminder(msgspec.Struct, frozen=True):
    """The hub misses a node's usage report."""

    period: WrittenMonth
    due_on: date


class RunApproved(msgspec.Struct, frozen=True):
    """An approved run with what this node needs to distribute its part."""

    run_id: str
    document: str
    credits: list[Credit]
    held: list[Held]
    uses: list[UseWeight]
    set_off: str = "0"  # of what it gets, in its settlement currency, what debits take up
    waived: str = "0"  # debits that went to the reserve after their time


class RunCorrected(msgspec.Struct, frozen=True):
    """A correction of a settled month with what this node needs to follow it.

    `credits` and `held` are the whole of the corrected month, not differences. `remittance` is
    what the node gets for it in its settlement currency, or owes if negative; of a credit
    `set_off` is taken up by earlier debits and not paid; of what it owes, `called` is asked for.
    `left` are the debtors that left the net of that month: with them it is settled directly, and
    `accounts` are those of the nodes this one has to pay.
    """

    run_id: str
    corrects: str
    document: str
    credits: list[Credit]
    held: list[Held]
    uses: list[UseWeight]
    remittance: str
    set_off: str
    called: str = "0"
    left: list[str] = []
    accounts: dict[str, PaymentAccount] = {}
