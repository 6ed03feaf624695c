"""Wrong licence tokens: counted by where they come from, slowed down, and told once in a while.

Nobody guesses a signature, but somebody may try, and trying costs the site checks and the log
lines. What is limited is how many wrong ones are looked at, never what a right one opens: a token
that was found genuine here is looked at whatever else comes from its address. So one bad client
behind a proxy costs the others behind it this much: a token that is shown here for the first time,
while that client goes on, waits for a turn; there are some each minute. The same holds of all
addresses together, since a server may believe a header by which a caller names its own.
"""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from federation.access.forks import begins_anew_after_forks
from federation.gate.refusals import TooManyGuessesError
from federation.quotas import Buckets, Quota

GUESSES: Final = Quota(burst=60, per_minute=30)
TIMES_OF_ALL: Final = 20
"""What all addresses may do together: a caller may be able to make its own up."""
GENUINE_MAX: Final = 2_000
SOURCES_MAX: Final = 1_000  # told apart in one notice
NOTICE_SECONDS: Final = 300.0
_ALL: Final = ""
_log = logging.getLogger(__name__)


class Guesses:
    """How many wrong tokens came from where, of one process of a site; threads may share it."""

    def __init__(
        self, quota: Quota = GUESSES, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._buckets = Buckets(quota, monotonic)
        of_all = Quota(quota.burst * TIMES_OF_ALL, quota.per_minute * TIMES_OF_ALL)
        self._of_all = Buckets(of_all, monotonic)
        self._genuine: OrderedDict[bytes, None] = OrderedDict()
        self._monotonic = monotonic
        self._began = monotonic()
        self.begin_anew()
        begins_anew_after_forks(self)

    def begin_anew(self) -> None:
        """Begin, also after a fork: of what the parent counted it tells itself."""
        self._unseen = 0
        self._wrong: Counter[str] = Counter()
        self._lock = threading.Lock()

    def require_turn(self, address: str, token: str) -> None:
        """Refuse to look at a token, if too many wrong ones came from its address by now.

        Of a genuine token with wrong signatures, those under this very token count: whoever stole
        it shuts out no other, and its owner only from the thief's own address.
        """
        with self._lock:
            name = _name(token)
            seconds = self._buckets.seconds_until(_under(address, name))
            if not seconds and name not in self._genuine:
                seconds = self._buckets.seconds_until(address) or self._of_all.seconds_until(_ALL)
            if seconds:
                self._unseen += 1
                self._note(address)
                raise TooManyGuessesError(seconds)

    def is_genuine(self, token: str) -> None:
        """Remember a token that opened something here."""
        with self._lock:
            name = _name(token)
            self._genuine[name] = None
            self._genuine.move_to_end(name)
            if len(self._genuine) > GENUINE_MAX:
                self._genuine.popitem(last=False)

    def is_wrong(self, address: str, token: str) -> None:
        """Count a token that is none of ours, or no longer."""
        with self._lock:
            self._genuine.pop(_name(token), None)
            self._buckets.take(address)
            self._of_all.take(_ALL)
            self._note(address)

    def is_wrongly_signed(self, address: str, token: str) -> None:
        """Count a request that shows a genuine token, and that its key did not sign."""
        with self._lock:
            self._buckets.take(_under(address, _name(token)))
            self._note(address)

    def tell(self) -> None:
        """Log what was wrong since the last time, in one line, if there was anything."""
        with self._lock:
            now, wrong, unseen = self._monotonic(), self._wrong, self._unseen
            seconds = round(now - self._began)
            self._began, self._wrong, self._unseen = now, Counter(), 0
        if not wrong:
            return
        [(address, most)] = wrong.most_common(1)
        _log.warning(
            "wrong licence tokens: %d in %d s, %d of them not looked at; most, %d, from %s",
            wrong.total(),
            seconds,
            unseen,
            most,
            address,
        )

    def _note(self, address: str) -> None:
        known = address in self._wrong or len(self._wrong) < SOURCES_MAX
        self._wrong[address if known else "elsewhere"] += 1


def _name(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _under(address: str, name: bytes) -> str:
    return f"{address} {name.hex()}"
