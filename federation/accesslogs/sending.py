"""Hands what was read to the site's node, by the kit's own reporter, and notes what it said."""

from collections import Counter
from typing import Final

import msgspec

from federation.access.bearers import ClientBearer
from federation.access.wire import Answer, Call, fetch
from federation.clock import Clock
from federation.errors import answered
from federation.gate.spool import Spool
from federation.site.reporter import Reporter
from federation.site.settings import Settings

_SUCCESS: Final = 2
_REASONS_SHOWN: Final = 3
_REASON_CHARS_MAX: Final = 200


class _Problem(msgspec.Struct):
    verdict: str
    reason: str


class _Receipt(msgspec.Struct):
    classes: dict[str, tuple[int, str]] = {}
    problems: list[_Problem] = []


class HandIn:
    """What the node said: {class: lines} of what it took, and its refusals as one line each.

    `reasons` are the first few that it gave for lines that it did not take: {class: reasons}.
    """

    def __init__(self, settings: Settings, spool: Spool, clock: Clock) -> None:
        self.batches = 0
        self.classes: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.reasons: dict[str, list[str]] = {}
        self._spool = spool
        self._reporter = Reporter(
            spool,
            node=settings.node,
            bearer=ClientBearer(settings.client.credential(), server=settings.node, clock=clock),
            fetch=self._fetch,
        )

    def send(self) -> None:
        """Send every batch the node takes now; what it does not take waits in the spool."""
        while taken := self._reporter.tick():
            self.batches += taken

    def waiting(self) -> int:
        """Return how many batches wait."""
        return len(self._spool.batches())

    def _fetch(self, call: Call) -> Answer:
        answer = fetch(call)
        if answer.status // 100 != _SUCCESS:
            self.refusals[answered(answer.status, answer.body)] += 1
            return answer
        try:
            receipt = msgspec.json.decode(answer.body, type=_Receipt)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return answer
        for name, (lines, _) in receipt.classes.items():
            self.classes[name] += lines
        for problem in receipt.problems:
            self._keep(problem)
        return answer

    def _keep(self, problem: _Problem) -> None:
        """Keep a reason once, of few, without what a terminal would take for more than text."""
        plain = "".join(letter for letter in problem.reason if letter.isprintable())
        reason, kept = plain[:_REASON_CHARS_MAX], self.reasons.setdefault(problem.verdict, [])
        if reason not in kept and len(kept) < _REASONS_SHOWN:
            kept.append(reason)
