"""A usage line as a site writes it: what was served, to whom, under which licence (§3.0)."""

import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

_RANDOM_BITS = 74


class Unit(StrEnum):
    """What one unit of usage is: a request answered, or a byte of its body."""

    REQUEST = "REQUEST"
    BYTE = "BYTE"


class UsageLine(msgspec.Struct, frozen=True):
    """A usage line as a site writes it and its node receives it; times are RFC 3339 in UTC."""

    event_id: str
    licence: str
    url: str
    use: str
    units: int
    occurred_at: datetime
    token: str
    agent: str
    status: int
    body_bytes: int = msgspec.field(name="bytes")
    source: Literal["site"] = "site"


def units_of(unit: Unit, body_bytes: int) -> int:
    """Return the units of one answer."""
    return body_bytes if unit == Unit.BYTE else 1


def new_event_id(now: datetime, entropy: Callable[[int], int] = secrets.randbits) -> str:
    """Return a UUIDv7 (RFC 9562): the millisecond, then 74 random bits.

    Ids that grow with time keep the node's index small; the random part makes them unique.
    """
    random = entropy(_RANDOM_BITS)
    high, low = random >> 62, random & ((1 << 62) - 1)
    millisecond = int(now.timestamp() * 1000)
    return str(UUID(int=millisecond << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
