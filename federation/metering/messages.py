"""What servers tell each other about usage: lines on their way home, and period reports."""

import msgspec

from federation.values.licence_key import LicenceKey
from federation.values.month import WrittenMonth

FORMAT = 1


class RoutedLineFact(msgspec.Struct, frozen=True, array_like=True):
    """A line on its way to the node that owns its address; `occurred_at` in microseconds."""

    reporter: str
    event_id: str
    licence: str
    url: str
    use: str
    units: int
    occurred_at: int


class UsageRouted(msgspec.Struct, frozen=True):
    """Lines that entered at `origin` and belong to `owner`."""

    origin: str
    owner: str
    period: WrittenMonth
    lines: list[RoutedLineFact]


class CutOff(msgspec.Struct, frozen=True):
    """The hub closes a month: send on what is not yours. Later rounds take in what came late."""

    period: WrittenMonth
    round: int = 0


class Forwarded(msgspec.Struct, frozen=True):
    """Everything of a month that entered here and belongs elsewhere is on its way."""

    period: WrittenMonth
    lines: int


class Complete(msgspec.Struct, frozen=True):
    """Everything of a month that belongs to you has been sent: `lines` of them."""

    period: WrittenMonth
    lines: int


class ReportWeight(msgspec.Struct, frozen=True, array_like=True):
    """What usage weighs for a node; `claim_id` names another node's canonical claim.

    `claim_id` is `~DISPUTED` where that node's own members contest the canonical URL.
    """

    licence: LicenceKey
    use: str
    node: str
    claim_id: str | None
    weight: str
    units: str


class ReportHeld(msgspec.Struct, frozen=True, array_like=True):
    """What usage weighs for `~UNMATCHED` or `~DISPUTED`, itemised by address."""

    licence: LicenceKey
    use: str
    party: str
    url_key: str
    weight: str
    units: str


class UsageReport(msgspec.Struct, frozen=True):
    """A server's final word on a month: totals only; member detail is committed to by hash."""

    format: int
    party: str
    period: WrittenMonth
    sequence: int
    supersedes: int | None
    classes: dict[str, tuple[int, str]]  # {class: (lines, units)}
    weights: list[ReportWeight]
    held: list[ReportHeld]
    members_sha256: str
