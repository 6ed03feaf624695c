"""When a delivery that failed is tried again, and for how long anything is kept. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

_S, _M, _H = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))
WAITS: Final[Sequence[timedelta]] = (
    5 * _S,
    5 * _M,
    30 * _M,
    2 * _H,
    5 * _H,
    10 * _H,
    14 * _H,
    20 * _H,
    24 * _H,
)
"""How long to wait after the first failed attempt, the second, and so on: 75 h 35 min in all."""
ATTEMPTS_MAX: Final = len(WAITS) + 1
JITTER_PARTS: Final = 1_000  # up to a tenth is added, so that what failed at once comes apart
PAUSED_AFTER: Final = timedelta(days=3)  # of nothing but failures
CLAIMED_FOR: Final = timedelta(seconds=60)  # longer than any attempt takes
KEPT_FOR: Final = timedelta(days=30)
FORMER_SECRET_FOR: Final = timedelta(hours=24)
ASKED_AGAIN_AFTER: Final = timedelta(seconds=10)  # a ping or replay, of one webhook


def wait_after(attempts: int, part: int) -> timedelta | None:
    """Return how long to wait after so many failed attempts; None after the last.

    `part` of 1,000, drawn by the caller, says how much of the jitter is added.
    """
    if attempts >= ATTEMPTS_MAX:
        return None
    wait = WAITS[attempts - 1]
    return wait + wait * part // (10 * JITTER_PARTS)
