"""Hands the spooled usage to the node, for as long as that takes.

A batch is deleted only on the node's 2xx. Until then every attempt sends the same bytes with the
same Idempotency-Key, so that an answer lost on the way never counts a page twice.
"""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from federation.access.bearers import Bearer, NoTokenError
from federation.access.pauses import Pause
from federation.access.wire import Answer, Call, Fetch, UnreachableError, fetch
from federation.errors import answered
from federation.gate.spool import Batch, Spool

_NOT_THE_BATCH: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
REPORT_SECONDS: Final = 30.0
_SUCCESS: Final = 2
_REFUSED: Final = 4
_log = logging.getLogger(__name__)


class Reporter:
    """Sends one spool's batches to one node."""

    def __init__(
        self,
        spool: Spool,
        *,
        node: str,
        bearer: Bearer,
        fetch: Fetch = fetch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._url = f"{node.rstrip('/')}/usage"
        self._bearer = bearer
        self._fetch = fetch
        self._monotonic = monotonic
        self._node_pause = Pause()
        self._batch_pauses: dict[str, Pause] = {}

    def tick(self) -> int:
        """Send every batch that is due and return how many the node took.

        A node that is down pauses everything; a batch the node refuses pauses alone and stays,
        since it is evidence, while later ones go on.
        """
        with self._spool.sending() as is_sender:
            if not is_sender or not self._node_pause.is_over(self._monotonic()):
                return 0
            taken_count = 0
            for batch in self._spool.batches():
                pause = self._batch_pauses.get(batch.id)
                if pause is None or pause.is_over(self._monotonic()):
                    taken_count += self._send(batch)
                if not self._node_pause.is_over(self._monotonic()):
                    break
            return taken_count

    def _send(self, batch: Batch) -> bool:
        try:
            lines = batch.read()
        except OSError as error:
            self._spool.set_aside(batch.path, error)
            return False
        try:
            token = self._bearer.current()
            answer = self._fetch(self._call(batch, token, lines))
        except (UnreachableError, NoTokenError) as error:
            _log.warning("usage batch %s waits: %s: %s", batch.id, error.code, error)
            self._node_pause.lengthen(self._monotonic())
            return False
        if answer.status // 100 == _SUCCESS:
            self._spool.acknowledge(batch)
            self._node_pause.reset()
            self._batch_pauses.pop(batch.id, None)
            return True
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._bearer.refused()
        self._set_back(batch, answer)
        return False

    def _call(self, batch: Batch, token: str, lines: bytes) -> Call:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": batch.id,
        }
        return Call("POST", self._url, headers, lines)

    def _set_back(self, batch: Batch, answer: Answer) -> None:
        said = answered(answer.status, answer.body)
        _log.warning("usage batch %s was answered %s", batch.id, said)
        pause = self._node_pause
        if answer.status // 100 == _REFUSED and answer.status not in _NOT_THE_BATCH:
            pause = self._batch_pauses.setdefault(batch.id, Pause())
        pause.lengthen(self._monotonic())
