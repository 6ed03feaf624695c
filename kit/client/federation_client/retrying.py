"""How much of an answer is read, and whether and when a request is sent again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from federation.access.pauses import Pause
from federation_client.refusals import NotUnderstoodError

ANSWER_BYTES_MAX: Final = 32 << 20
ANSWER_SECONDS_MAX: Final = 120
TRIES_MAX: Final = 5
WAIT_SECONDS_MAX: Final = 60  # between two tries; who is told to wait longer is not kept waiting
_LATER_DIGITS_MAX: Final = 6
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_PASSING: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request in vain. `is_undone`: it is certain that nothing came of it.

    `may_pass`: the same may succeed later.
    """

    error: Exception
    is_undone: bool
    retry_after: int = 0
    status: int = 0
    may_pass: bool = True


class Answer:
    """An answer as it comes in, within its limits of size and of time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ends_at = monotonic() + ANSWER_SECONDS_MAX
        self._read = bytearray()

    def add(self, part: bytes) -> None:
        """Take the next part of it."""
        self._read += part
        if len(self._read) > ANSWER_BYTES_MAX:
            raise NotUnderstoodError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        if self._monotonic() > self._ends_at:  # a timeout of httpx begins anew with each part
            raise httpx.ReadTimeout(f"an answer of more than {ANSWER_SECONDS_MAX} seconds")

    def body(self) -> bytes:
        """Return what has come."""
        return bytes(self._read)


class Tries:
    """How often one request is sent, and the pauses between: 1, 2, 4, 8 seconds, less by chance.

    `Retry-After` lengthens a pause, up to a minute. What may not be repeated is sent again only
    where it is certain that nothing came of it.
    """

    def __init__(self, *, is_repeatable: bool, chance: Callable[[], float]) -> None:
        self._is_repeatable = is_repeatable
        self._chance = chance
        self._pause = Pause()
        self._left = TRIES_MAX - 1

    def seconds(self, failure: Failure) -> float | None:
        """Return in how many seconds to send it again; None where it is not sent again."""
        may_repeat = failure.may_pass and (self._is_repeatable or failure.is_undone)
        if not may_repeat or not self._left or failure.retry_after > WAIT_SECONDS_MAX:
            return None
        self._left -= 1
        doubled = self._pause.lengthen(0.0, at_most=WAIT_SECONDS_MAX)
        return max(doubled * (1 - self._chance() / 2), failure.retry_after)


def is_passing(status: int, headers: httpx.Headers) -> tuple[bool, bool]:
    """Tell of a status whether the same may succeed later, and whether nothing was done.

    A server that names a time (429, or 503 with Retry-After) has refused, as has one that says 4xx;
    other 5xx may come from something between, or after the server has acted.
    """
    is_undone = status < HTTPStatus.INTERNAL_SERVER_ERROR or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after(headers) > 0
    )
    return status in _PASSING, is_undone


def was_never_sent(error: httpx.TransportError) -> bool:
    """Tell whether no byte of a request can have reached a server."""
    return isinstance(error, _NEVER_SENT)


def retry_after(headers: httpx.Headers) -> int:
    """Return the seconds of Retry-After; 0 without one, or for a date."""
    said = headers.get("retry-after", "")
    is_number = said.isascii() and said.isdigit() and len(said) <= _LATER_DIGITS_MAX
    return int(said) if is_number else 0
