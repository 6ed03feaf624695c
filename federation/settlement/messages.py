"""What the hub and the nodes tell each other of a run."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from federation.store.messages import LARGEST_BYTES, Message
from federation.values.account import PaymentAccount
from federation.values.month import WrittenMonth
from federation.values.wire import (
    ClaimIdText,
    Digits,
    LicenceKeyText,
    NobodyYet,
    PartyCodeText,
    PartyInRun,
    Reason,
    Sha256Text,
    SignedDigits,
    TermName,
    UrlKeyText,
    require_instant,
)

ROWS_MAX = 1_000_000
PARTIES_MAX = 1_000


class Credit(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Weight that another node's copies carry for a claim here; `~DISPUTED` for nobody yet.

    `stated_by` is the node whose usage report says so.
    """

    licence: LicenceKeyText
    use: TermName
    claim_id: ClaimIdText
    weight: Digits
    units: Digits
    stated_by: PartyCodeText


class Held(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Weight held for an address, at the licensor of the licence."""

    licence: LicenceKeyText
    party: NobodyYet
    url_key: UrlKeyText
    weight: Digits


class UseWeight(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a party's usage weighs per use: the base of the split of its share by use."""

    licence: LicenceKeyText
    party: PartyInRun
    use: TermName
    weight: Digits
    units: Digits


class Between(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An amount between two nodes, in minor units of the payee's settlement currency."""

    payer: PartyCodeText
    payee: PartyCodeText
    amount: Digits


class RunMessage(Message, frozen=True):
    """A message about one run: all of them keep their order."""

    run_id: Sha256Text

    @property
    def stream(self) -> str:
        """Return the stream of the run."""
        return f"run/{self.run_id}"


class RunAdvised(RunMessage, frozen=True):
    """A calculated run for nodes to look at before it is approved; the document is text.

    `credits` are what other nodes state for this one: the approved run says the same.
    """

    KIND: ClassVar[str] = "run.advised"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    document: str
    objections_until: datetime | None = None
    corrects: Sha256Text | None = None
    credits: Annotated[list[Credit], Meta(max_length=ROWS_MAX)] = msgspec.field(
        default_factory=list[Credit]
    )

    def __post_init__(self) -> None:
        require_instant("objections_until", self.objections_until)


class RunAnswered(RunMessage, frozen=True):
    """What a node says to an advised run: CONCURRED, or OBJECTED with a reason."""

    KIND: ClassVar[str] = "run.answered"

    answer: Annotated[str, Meta(pattern=r"\A(CONCURRED|OBJECTED)\Z")]
    reason: Reason | None


class RunWithdrawn(RunMessage, frozen=True):
    """An advised run is taken back; another may follow."""

    KIND: ClassVar[str] = "run.withdrawn"

    reason: Reason


class RunApproved(RunMessage, frozen=True):
    """An approved run with what this node needs to distribute its part."""

    KIND: ClassVar[str] = "run.approved"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    document: str
    credits: Annotated[list[Credit], Meta(max_length=ROWS_MAX)]
    held: Annotated[list[Held], Meta(max_length=ROWS_MAX)]
    uses: Annotated[list[UseWeight], Meta(max_length=ROWS_MAX)]
    set_off: Digits = "0"  # of what it gets, in its settlement currency, what debits take up
    waived: Digits = "0"  # debits that went to the reserve after their time
    waived_between: Annotated[list[Between], Meta(max_length=PARTIES_MAX)] = msgspec.field(
        default_factory=list[Between]
    )  # the same of debits between this node and others
    objection_answered: Reason | UnsetType = UNSET  # what this node's objection was answered


class RunCorrected(RunMessage, frozen=True):
    """A correction of a settled month with what this node needs to follow it.

    `credits` and `held` are the whole of the corrected month, not differences. `remittance` is
    what the node gets for it in its settlement currency, or owes if negative; of a credit
    `set_off` is taken up by earlier debits and not paid; of what it owes, `called` is asked for.
    `left` are the debtors that left the net of that month: with them it is settled directly, and
    `accounts` are those of the nodes this one has to pay; older debits of the same two take up
    `set_off_between`. `posted_in` is the month in which debits are entered, whose age counts from
    it; where a hub of an earlier version does not say so, it is the corrected month.
    `objection_answered` is what the hub's staff answered to this node's objection.
    """

    KIND: ClassVar[str] = "run.corrected"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    corrects: Sha256Text
    document: str
    credits: Annotated[list[Credit], Meta(max_length=ROWS_MAX)]
    held: Annotated[list[Held], Meta(max_length=ROWS_MAX)]
    uses: Annotated[list[UseWeight], Meta(max_length=ROWS_MAX)]
    remittance: SignedDigits
    set_off: Digits
    called: Digits = "0"
    left: Annotated[list[PartyCodeText], Meta(max_length=PARTIES_MAX)] = msgspec.field(
        default_factory=list[str]
    )
    accounts: Annotated[dict[PartyCodeText, PaymentAccount], Meta(max_length=PARTIES_MAX)] = (
        msgspec.field(default_factory=dict[str, PaymentAccount])
    )
    set_off_between: Annotated[list[Between], Meta(max_length=PARTIES_MAX)] = msgspec.field(
        default_factory=list[Between]
    )
    posted_in: WrittenMonth | None = None
    objection_answered: Reason | UnsetType = UNSET
