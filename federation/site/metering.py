"""Counts an answer between the application and the crawler: on disk before its last byte leaves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from federation.site.answers import link_header
from federation.site.events import UsageLine
from federation.site.refusals import SpoolError
from federation.site.spool import Spool

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MakeEvent = Callable[[int, int], UsageLine]
UNSEEN_BODIES: Final = frozenset(
    {"http.response.pathsend", "http.response.zerocopysend", "http.response.push"}
)
"""Extensions by which content leaves that is no body message of this answer."""
_SUCCESS: Final = 2
_BODILESS: Final = frozenset({204, 205})
_log = logging.getLogger(__name__)


class MeteredSend:
    """An ASGI `send` that adds the Link header and records one usage line.

    The start of an answer waits for its first body message, so that a site that cannot record a
    page can still say 503 in its place. Only a 2xx answer with a body counts; an answer to HEAD is
    `is_bodiless`: what an application sends as its body is not passed on.
    """

    def __init__(
        self,
        send: Send,
        *,
        spool: Spool,
        link: str | None,
        make_event: MakeEvent | None,
        is_bodiless: bool = False,
    ) -> None:
        self._send = send
        self._spool = spool
        self._link = link
        self._make_event = make_event
        self._is_bodiless = is_bodiless
        self._start: MutableMapping[str, Any] | None = None
        self._status = 0
        self._body_bytes = 0
        self.has_begun = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on, after what it delivers has been recorded."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = [*message.get("headers", ())]
            if self._link is not None:
                headers.append(link_header(self._link))
            self._start = {**message, "headers": headers}
            return
        if message["type"] == "http.response.body":
            if self._is_bodiless:
                message = {**message, "body": b""}
            self._body_bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                await self._record()
            await self._begin()
        await self._send(message)

    def record_cut_short(self) -> None:
        """Record an answer that broke off, most often by a hang-up: what was taken was taken."""
        event = self._take_event() if self.has_begun else None
        if event is None:
            return
        try:
            self._spool.append(event)
        except SpoolError:
            _log.exception("usage could not be recorded: %s", event.event_id)

    async def _record(self) -> None:
        event = self._take_event()
        if event is None:
            return
        if self._spool.fsync:
            await asyncio.shield(asyncio.to_thread(self._spool.append, event))
        else:
            self._spool.append(event)

    def _take_event(self) -> UsageLine | None:
        """Return the event if this answer counts, once."""
        make_event = self._make_event
        has_counted_status = self._status // 100 == _SUCCESS and self._status not in _BODILESS
        if make_event is None or not has_counted_status or not self._body_bytes:
            return None
        self._make_event = None
        return make_event(self._status, self._body_bytes)

    async def _begin(self) -> None:
        if self._start is not None:
            start, self._start, self.has_begun = self._start, None, True
            await self._send(start)
