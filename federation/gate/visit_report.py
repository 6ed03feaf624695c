"""What a member's site tells its node of its visits: the shape, with its limits, for both."""

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

REPORT_BYTES_MAX: Final = 1024 * 1024
ROWS_MAX: Final = 5_000
"""How many rows one report holds."""
COUNT_MAX: Final = 10**12
"""More visits than any day has; sums of all that a node keeps stay within 64 bits."""
SERVED: Final = "SERVED"
"""Outcome of a licensed visit that was counted as usage."""
NOT_COUNTED: Final = "NOT_COUNTED"
"""Outcome of a licensed visit that brought no page: a redirect, an error, an answer to HEAD."""

Outcome = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z0-9_]{0,39}\Z")]
"""SERVED, NOT_COUNTED, or the code of a refusal."""
AgentName = Annotated[str, Meta(pattern=r"\A[!-~]([ -~]{0,62}[!-~])?\Z")]
"""A crawler as the site's list names it, `other` or `unnamed`; never a whole user agent."""


class VisitCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many visits of a crawler ended in an outcome on a day, in UTC, up to now.

    `let_through`: the site only observes, and served what it would have refused.
    """

    day: date
    agent: AgentName
    outcome: Outcome
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    let_through: bool = False


class VisitReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one site says of itself and its visits; sent again and again, each counts once.

    Counts are totals of a day, of one `series`: whoever begins to count anew (another machine, a
    lost file) begins another series. So a report that comes twice or late changes nothing.
    `waiting` is how many usage lines the site has not handed in yet, `policy_at` when the policy
    was signed that it works with.
    """

    series: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{16,64}\Z")]
    kit: Annotated[str, Meta(pattern=r"\A[ -~]{1,64}\Z")]
    mode: Literal["enforce", "observe"]
    waiting: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    counts: Annotated[list[VisitCount], Meta(max_length=ROWS_MAX)]
    policy_at: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        try:  # 9999-12-31T23:59:59-14:00 is read, and lies in no year that UTC has
            _ = self.policy_at and self.policy_at.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("`policy_at` is in no year of UTC") from error
