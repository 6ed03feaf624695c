"""Tells the node what a site counted of its visits, again and again; each report counts once."""

import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, NamedTuple

import msgspec

from federation.access.bearers import Bearer
from federation.access.wire import Answer, Call, Fetch, fetch
from federation.errors import RefusalError, answered
from federation.gate.visit_report import ROWS_MAX, VisitCount, VisitReport
from federation.gate.visits import VisitCounts

TELL_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class VisitsNotTakenError(RefusalError):
    """The node did not take what the site told of its visits."""

    code: ClassVar[str] = "VISITS_NOT_TAKEN"


class AboutSite(NamedTuple):
    """What a site says of itself with each report."""

    kit: str
    mode: str
    policy_at: Callable[[], datetime | None]
    waiting: Callable[[], int]


class VisitTeller:
    """Tells one node what one site counted. One process of a site at a time is enough."""

    def __init__(
        self,
        counts: VisitCounts,
        site: AboutSite,
        *,
        node: str,
        bearer: Bearer,
        fetch: Fetch = fetch,
    ) -> None:
        self._counts = counts
        self._site = site
        self._url = f"{node.rstrip('/')}/visits"
        self._bearer = bearer
        self._fetch = fetch
        self._is_unknown = False

    def tick(self) -> None:
        """Add up what this process counted, and tell the node; what it did not take is told again.

        Of several processes the one that comes first tells for all.
        """
        self._counts.add_up()
        with self._counts.telling() as is_teller:
            if not is_teller:
                return
            series, counts = self._counts.untold()
            for start in range(0, max(len(counts), 1), ROWS_MAX):
                if not self._is_taken(series, counts[start : start + ROWS_MAX]):
                    return
            self._counts.told(series, counts)

    def _is_taken(self, series: str, counts: list[VisitCount]) -> bool:
        """Tell the node; return whether it hears of visits. An older one does not: said once."""
        site = self._site
        report = VisitReport(
            series=series,
            kit=site.kit,
            mode="observe" if site.mode == "observe" else "enforce",
            waiting=site.waiting(),
            counts=counts,
            policy_at=site.policy_at(),
        )
        answer = self._fetch(self._call(msgspec.json.encode(report)))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._bearer.refused()
        if answer.status == HTTPStatus.NOT_FOUND:
            if not self._is_unknown:
                _log.warning("the node takes no counts of visits yet: they wait for its upgrade")
            self._is_unknown = True
            return False
        if answer.status != HTTPStatus.OK:
            raise VisitsNotTakenError(self._said(answer))
        self._is_unknown = False
        return True

    def _call(self, body: bytes) -> Call:
        headers = {
            "Authorization": f"Bearer {self._bearer.current()}",
            "Content-Type": "application/json",
        }
        return Call("POST", self._url, headers, body)

    @staticmethod
    def _said(answer: Answer) -> str:
        return answered(answer.status, answer.body)
