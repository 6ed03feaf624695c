"""Pages of members' sites, fetched under a licence, for programs with an event loop."""

from collections.abc import Mapping

import httpx

from federation.clock import Clock
from federation.crawler.crawlers import BoundCrawler
from federation_client.usage import UsageLine


class AsyncCrawler:
    """Fetches pages with tokens that are fresh and requests that are signed.

    `http` is the client that sends them; a redirect is not followed, since each address needs a
    signature of its own. How fast, and what robots.txt says, is the lab's to see to.
    """

    def __init__(
        self, bound: BoundCrawler, http: httpx.AsyncClient, *, user_agent: str, clock: Clock
    ) -> None:
        self._bound = bound
        self._http = http
        self._shown = {"User-Agent": user_agent}
        self._clock = clock

    async def get(
        self, url: str, *, use: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Return what a site answers, 401 to 403 too. Raises LicenceUnusableError and its kind."""
        address = str(httpx.URL(url))  # as it is sent, so as it is signed
        given = self._shown | dict(headers or {})
        shown = await self._bound.headers("GET", address, given, use=use)
        answer = await self._http.get(address, headers=shown, follow_redirects=False)
        self._bound.heard(answer.status_code, answer.content)
        return answer

    def line(self, url: str, *, use: str, units: int = 1) -> UsageLine:
        """Return a line of usage of now, for `report`."""
        return UsageLine(
            licence=self._bound.licence, url=url, use=use, units=units, occurred_at=self._clock()
        )
