"""Sign-ins at the provider that were begun: kept here, used once, for ten minutes, so many at most.

They are in the memory of this process: whoever begins one and never comes back costs no row. Of one
address 2,000 are kept and of all 20,000; beyond, the oldest is forgotten and has to begin again.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from federation.accounts.inviting import Halves
from federation.errors import RefusalError

SECONDS: Final = 600.0
OF_ONE_MAX: Final = 2_000  # of a proxy, behind which everybody is
ALL_MAX: Final = 20_000


class BadStateError(RefusalError):
    """This sign-in was not begun in this browser, is finished, or took over ten minutes."""

    code: ClassVar[str] = "BAD_STATE"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: what the provider's answer must fit, and the browser that began it."""

    nonce: str
    verifier: str
    browser: str  # what the browser's cookie holds
    address: str
    halves: Halves | None  # the code of an invitation to be used by it
    back: str | None = None  # the page that was asked for


class BegunSignIns:
    """The sign-ins of one server process that were begun; `monotonic` seconds time their end."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[Begun, float]] = OrderedDict()
        self._of: dict[str, OrderedDict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, state: str, begun: Begun) -> None:
        """Keep a sign-in under its state; those of too long ago, or too many, give way."""
        now = self._monotonic()
        while self._kept and now - next(iter(self._kept.values()))[1] >= SECONDS:
            self._forget(next(iter(self._kept)))
        own = self._of.get(begun.address, OrderedDict())
        if len(own) >= OF_ONE_MAX:
            self._forget(next(iter(own)))
        elif len(self._kept) >= ALL_MAX:
            self._forget(next(iter(self._kept)))
        self._kept[state] = (begun, now)
        self._of.setdefault(begun.address, OrderedDict())[state] = None

    def take(self, state: str, browser: str | None) -> Begun:
        """Return the sign-in of a state, once, to the browser that began it (BAD_STATE)."""
        found = self._kept.get(state)
        if found is None or browser is None:
            raise BadStateError
        begun, since = found
        if begun.browser != browser:
            raise BadStateError  # and it stays: a stranger does not spoil another's sign-in
        self._forget(state)
        if self._monotonic() - since >= SECONDS:
            raise BadStateError
        return begun

    def _forget(self, state: str) -> None:
        begun, _ = self._kept.pop(state)
        own = self._of[begun.address]
        del own[state]
        if not own:
            del self._of[begun.address]
