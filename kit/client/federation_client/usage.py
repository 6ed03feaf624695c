"""Usage as a lab reports it: lines, and what the hub made of a batch of them."""

from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec
from msgspec import Struct

from federation_client.refusals import NotUnderstoodError


class UsageLine(Struct, frozen=True, kw_only=True):
    """A licence was used so many units of an address.

    licence: The number of the licence.
    url: The address that was used.
    use: What for, as the federation's terms name it.
    units: How many units: 1 or more.
    occurred_at: When, with an offset.
    event_id: 1 to 128 characters, its own for ever: a line with an id that is known counts once.
    """

    licence: str
    url: str
    use: str
    units: int
    occurred_at: datetime
    event_id: str = msgspec.field(default_factory=lambda: str(uuid4()))


class Counted(Struct, frozen=True, array_like=True):
    """How many lines of a batch are of one class, and their units."""

    lines: int
    units: int


class Problem(Struct, frozen=True):
    """A line of a batch, counted from 1, its class, and why."""

    line: int
    verdict: str
    reason: str


class UsageReceipt(Struct, frozen=True):
    """What the hub made of a batch: lines and units by class; ACCEPTED ones are classed later.

    `problems` are the first 100 lines that do not count, `notices` the first 100 that will hardly
    earn anything.
    """

    batch: str
    lines: int
    classes: dict[str, Counted]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...] = ()


_RECEIPT: Final = msgspec.json.Decoder(UsageReceipt, strict=False)


def receipt(body: bytes) -> UsageReceipt:
    """Read what the hub answers to a batch."""
    try:
        return _RECEIPT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstoodError(f"/usage: {str(error)[:200]}") from None
