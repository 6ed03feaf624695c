"""Something that waits for somebody."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something that waits: `turn` is a role here or a party's code; `until` may be open."""

    kind: str
    subject: str
    why: str
    turn: str
    until: datetime | date | None = None
