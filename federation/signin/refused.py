"""Refused sign-ins in the audit log: counted, and written down once in a quarter of an hour.

A stranger can be refused as often as he likes; a row for each would let him fill the log, which is
never shortened. So the first refusal after a quiet quarter of an hour is a row at once, and those
that follow are one row together: 96 a day at most. It names people whom the attempts were about,
never a text that a stranger typed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from federation.logs import get_logger
from federation.people.audit import Act, record
from federation.server import Server

QUIET_SECONDS: Final = 900.0
LOOK_SECONDS: Final = 30.0
PEOPLE_MAX: Final = 10  # that a row names
KEPT_MAX: Final = 1_000  # that are counted one by one
ACTOR: Final = "server:sign-in"
SUBJECT: Final = "sign-in"
log = get_logger("sign-in")


class Refused:
    """Counts the refused sign-ins of one server process; `monotonic` seconds part its rows."""

    def __init__(self, server: Server, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._server, self._monotonic = server, monotonic
        self._codes, self._people = Counter[str](), Counter[str]()
        self._written = float("-inf")

    async def note(self, code: str, person: str | None = None) -> None:
        """Count a refusal by its code, and the person of the directory that it was about."""
        self._codes[code] += 1
        if person is not None and (person in self._people or len(self._people) < KEPT_MAX):
            self._people[person] += 1
        await self.write_if_due()

    async def write_if_due(self) -> None:
        """Write down what was counted, unless a row was written less than 15 minutes ago."""
        now = self._monotonic()
        if not self._codes or now - self._written < QUIET_SECONDS:
            return
        codes, people, before = self._codes, self._people, self._written
        self._codes, self._people, self._written = Counter(), Counter(), now
        detail = {code: str(count) for code, count in sorted(codes.items())}
        named = people.most_common(PEOPLE_MAX)
        if named:
            detail["people"] = ", ".join(f"{person}: {count}" for person, count in named)
        try:
            async with self._server.db.write("sign_in.refused") as session:
                await record(session, ACTOR, Act.SIGN_IN_REFUSED, SUBJECT, detail)
        except Exception:
            self._codes, self._people = self._codes + codes, self._people + people
            self._written = before
            raise

    async def run(self) -> None:
        """Write down what is due until cancelled; a stop loses a quarter of an hour at most."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.write_if_due()
            except Exception:
                log.exception("refused sign-ins not written down")
