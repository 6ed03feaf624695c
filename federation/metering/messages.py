"""What servers tell each other about usage: lines on their way home, and period reports."""

from datetime import date
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from federation.store.base import to_micros
from federation.store.messages import KIB, LARGEST_BYTES, Message
from federation.values.evidence import Evidence
from federation.values.month import WrittenMonth, next_month, start_of
from federation.values.wire import (
    ClaimIdText,
    Count,
    Digits,
    HeldFor,
    LicenceKeyText,
    LicenceNumber,
    PartyCodeText,
    Sha256Text,
    ShortText,
    TermName,
    UrlKeyText,
    UrlText,
)

FORMAT: Literal[1] = 1
ROUTED_LINES_MAX = 5_000
ROWS_MAX = 1_000_000  # weights, and held addresses, of one report
_EventId = Annotated[str, Meta(pattern=r"\A[^\x00]{1,128}\Z")]
_Micros = Annotated[int, Meta(ge=-(2**62), le=2**62)]


class RoutedLineFact(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A line on its way to the node that owns its address; `occurred_at` in microseconds."""

    reporter: ShortText
    event_id: _EventId
    licence: LicenceNumber
    url: UrlText
    use: TermName
    units: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    occurred_at: _Micros

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells the line from every other: reporter and event id."""
        return self.reporter, self.event_id


class UsageMessage(Message, frozen=True):
    """A message about one month's usage: all of them keep their order."""

    period: WrittenMonth

    @property
    def stream(self) -> str:
        """Return the stream of the month's usage."""
        return f"usage/{self.period}"


class UsageRouted(UsageMessage, frozen=True, omit_defaults=True):
    """Lines that entered at `origin` and belong to `owner`, in the order of their keys.

    All of them rest on `evidence`. A gate is not written, so that lines of gates reach servers of
    an older version, which know nothing else.
    """

    KIND: ClassVar[str] = "usage.routed"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    origin: PartyCodeText
    owner: PartyCodeText
    lines: Annotated[list[RoutedLineFact], Meta(min_length=1, max_length=ROUTED_LINES_MAX)]
    evidence: Evidence = Evidence.GATE

    def __post_init__(self) -> None:
        if self.origin == self.owner:
            raise ValueError("a line is not routed to where it entered")
        begin, end = (to_micros(start_of(m)) for m in (self.period, next_month(self.period)))
        if any(not begin <= line.occurred_at < end for line in self.lines):
            raise ValueError(f"a line did not occur in {self.period}")
        keys = [line.key for line in self.lines]
        if any(first >= second for first, second in pairwise(keys)):
            raise ValueError("`lines` are not in the order of their keys, each once")


class CutOff(UsageMessage, frozen=True):
    """The hub closes a month: send on what is not yours. Later rounds take in what came late."""

    KIND: ClassVar[str] = "usage.cut_off"
    BYTES_MAX: ClassVar[int] = KIB

    round: Count = 0


class Forwarded(UsageMessage, frozen=True):
    """Everything of a month that entered here and belongs elsewhere is on its way."""

    KIND: ClassVar[str] = "usage.forwarded"
    BYTES_MAX: ClassVar[int] = KIB

    lines: Count


class Complete(UsageMessage, frozen=True):
    """Everything of a month that belongs to you has been sent: `lines` of them."""

    KIND: ClassVar[str] = "usage.complete"
    BYTES_MAX: ClassVar[int] = KIB

    lines: Count


class ReportWeight(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What usage weighs for a node; `claim_id` names another node's canonical claim.

    `claim_id` is `~DISPUTED` where that node's own members contest the canonical URL.
    """

    licence: LicenceKeyText
    use: TermName
    node: PartyCodeText
    claim_id: ClaimIdText | None
    weight: Digits
    units: Digits


class ReportHeld(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What usage weighs for `~UNMATCHED` or `~DISPUTED`, itemised by address."""

    licence: LicenceKeyText
    use: TermName
    party: HeldFor
    url_key: UrlKeyText
    weight: Digits
    units: Digits


class UsageReport(UsageMessage, frozen=True):
    """A server's final word on a month: totals only; member detail is committed to by hash."""

    KIND: ClassVar[str] = "usage.report"
    BYTES_MAX: ClassVar[int] = LARGEST_BYTES

    format: Literal[1]
    party: PartyCodeText
    sequence: Annotated[int, Meta(ge=1, le=10_000)]
    supersedes: Annotated[int, Meta(ge=1, le=10_000)] | None
    # {class: (lines, units)}
    classes: Annotated[dict[ShortText, tuple[Count, Digits]], Meta(max_length=32)]
    weights: Annotated[list[ReportWeight], Meta(max_length=ROWS_MAX)]
    held: Annotated[list[ReportHeld], Meta(max_length=ROWS_MAX)]
    members_sha256: Sha256Text


class Reminder(UsageMessage, frozen=True):
    """The hub misses a node's usage report."""

    KIND: ClassVar[str] = "usage.reminder"
    BYTES_MAX: ClassVar[int] = KIB

    due_on: date
