"""Counts an answer between the application and the crawler: on disk before its last byte leaves."""

import logging
from typing import Final

from federation.gate.answers import Headers, hands_over, licensed
from federation.gate.gate import Gate, Visit
from federation.gate.refusals import LeavesUnseenError, SpoolError

_SUCCESS: Final = 2
_BODILESS: Final = frozenset({204, 205})
_log = logging.getLogger(__name__)


def counts(status: int, body_bytes: int) -> bool:
    """Tell whether an answer is usage: a success with a body."""
    return status // 100 == _SUCCESS and status not in _BODILESS and body_bytes > 0


class Meter:
    """What one answer came to, recorded once.

    Only a 2xx answer with a body counts; an answer to HEAD is `is_bodiless`: what an application
    sends as its body is not passed on. `status` is the answer's, once it is known.
    """

    def __init__(self, gate: Gate, visit: Visit, *, is_bodiless: bool) -> None:
        self._gate = gate
        self._open = [visit]  # taken out once, also by two threads at once
        self._link = visit.link
        self.is_bodiless = is_bodiless
        self.status = 0
        self._leaves_unseen = False
        self._body_bytes = 0

    @property
    def is_refused(self) -> bool:
        """Tell whether the server in front would deliver the page, and nobody count it."""
        return self._leaves_unseen and not self._gate.is_observing

    @property
    def waits(self) -> bool:
        """Tell whether recording waits for the disk."""
        return bool(self._open) and self._gate.config.spool.fsync

    def carried(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer as they are sent, if it is."""
        self._leaves_unseen = hands_over(headers)
        if self.is_refused:  # nor does it leave if the application goes on after the refusal
            headers = [pair for pair in headers if not hands_over([pair])]
        return licensed(headers, self._link)

    def count(self, body: bytes) -> bytes:
        """Count a part of the body and return what is passed on of it."""
        if self.is_bodiless:
            return b""
        self._body_bytes += len(body)
        return body

    def record(self) -> None:
        """Write the answer down, if it counts and has not been, or raise SpoolError.

        A site that only observes serves as well what it cannot record.
        """
        try:
            visit = self._open.pop()
        except IndexError:
            return
        if self._leaves_unseen:
            self._refuse(visit)
        elif not counts(self.status, self._body_bytes):
            self._gate.count_served(visit, is_counted=False)
        else:
            self._write(visit)

    def record_cut_short(self) -> None:
        """Record an answer that broke off, most often by a hang-up: what was taken was taken."""
        try:
            self.record()
        except SpoolError:
            return  # it is in the log

    def _refuse(self, visit: Visit) -> None:
        refusal = LeavesUnseenError()
        _log.error("%s: %s: %s", visit.ask.url, refusal.code, refusal)
        self._gate.count_refused(visit.ask.agent, refusal)
        if not self._gate.is_observing:
            raise refusal

    def _write(self, visit: Visit) -> None:
        event = self._gate.event(visit, self.status, self._body_bytes)
        try:
            self._gate.config.spool.append(event)
        except SpoolError as refusal:
            _log.exception("usage could not be recorded: %s", event.event_id)
            self._gate.count_refused(visit.ask.agent, refusal)
            if not self._gate.is_observing:
                raise
        else:
            self._gate.count_served(visit, is_counted=True)
