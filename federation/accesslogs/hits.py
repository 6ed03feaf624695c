"""One request as a log tells it, whatever the log's format; and what becomes of its line."""

from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Final

import msgspec

from federation.gate.events import UsageLine
from federation.values.evidence import Evidence


class Hit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a log line says of a request. No address of whoever called is among it.

    `token` is the middle part of a licence token, which opens nothing; `token_id`, `licence` and
    `use` are what a gate in front of the server wrote instead. `host` and `request_id` are empty
    where the log has none, `method` and `target` where what was asked is no request line.
    """

    occurred_at: datetime
    method: str
    target: str
    host: str = ""
    status: int
    body_bytes: int
    agent: str
    token: str = ""
    token_id: str = ""
    licence: str = ""
    use: str = ""
    request_id: str = ""


class Kind(Enum):
    """Whose a user agent is, as far as it says so itself."""

    PERSON = auto()
    CRAWLER = auto()
    """A known crawler's, and no licence names it."""
    NAMED = auto()
    """One that a licence names."""


class Fate(StrEnum):
    """What a line of a log was taken for. Each line has exactly one."""

    TOKEN_LOGGED = Evidence.TOKEN_LOGGED.value
    AGENT_LOGGED = Evidence.AGENT_LOGGED.value
    NOT_A_CRAWLER = "NOT_A_CRAWLER"
    NOT_LICENSED = "NOT_LICENSED"
    NOT_A_GET = "NOT_A_GET"
    NOT_SUCCESSFUL = "NOT_SUCCESSFUL"
    BLANK = "BLANK"
    MALFORMED = "MALFORMED"
    TOO_LONG = "TOO_LONG"
    MALFORMED_URL = "MALFORMED_URL"
    OTHER_SITE = "OTHER_SITE"
    FUTURE = "FUTURE"
    TOO_OLD = "TOO_OLD"
    TOKEN_UNREADABLE = "TOKEN_UNREADABLE"  # noqa: S105
    TOKEN_NOT_ALIVE = "TOKEN_NOT_ALIVE"  # noqa: S105
    OUTSIDE_TOKEN = "OUTSIDE_TOKEN"  # noqa: S105
    USE_NOT_GRANTED = "USE_NOT_GRANTED"
    OUTSIDE_LICENCE = "OUTSIDE_LICENCE"


COUNTED: Final = (Fate.TOKEN_LOGGED, Fate.AGENT_LOGGED)
"""Fates of lines that become usage: each is the evidence that the usage line states."""

LISTED: Final = frozenset(
    {
        Fate.MALFORMED,
        Fate.TOO_LONG,
        Fate.MALFORMED_URL,
        Fate.OTHER_SITE,
        Fate.FUTURE,
        Fate.TOO_OLD,
        Fate.TOKEN_UNREADABLE,
        Fate.TOKEN_NOT_ALIVE,
        Fate.OUTSIDE_TOKEN,
        Fate.USE_NOT_GRANTED,
        Fate.OUTSIDE_LICENCE,
    }
)
"""Fates that somebody should look at: such lines stand in the file of refused lines."""


class LoggedLine(UsageLine, frozen=True, kw_only=True, gc=False):
    """A usage line that was read in a log, and what says so: weaker than a gate's own word."""

    evidence: Evidence


class RefusedHit(Exception):  # noqa: N818 - it carries a fate to where lines are counted
    """A line that does not count: its fate, and what about it is so."""

    def __init__(self, fate: Fate, detail: str = "") -> None:
        self.fate, self.detail = fate, detail
        super().__init__(detail)
