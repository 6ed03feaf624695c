"""Pages of members' sites, fetched under a licence, for programs with an event loop."""

from collections.abc import Mapping

import httpx

from federation.clock import Clock
from federation.crawler.crawlers import BoundCrawler
from federation_client.page import Page
from federation_client.refusals import NotUnderstoodError
from federation_client.retrying import Answer
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

    async def get(self, url: str, *, use: str, headers: Mapping[str, str] | None = None) -> Page:
        """Return what a site answers, a refusal too.

        Raises LicenceUnusableError and its kind, NotMintedError, NotUnderstoodError for more than
        32 MiB or what does not unpack, and an `httpx.TransportError` where nobody answers.
        """
        address = str(httpx.URL(url))  # as it is sent, so as it is signed
        given = self._shown | dict(headers or {})
        shown = await self._bound.headers("GET", address, given, use=use)
        body = Answer()
        try:
            async with self._http.stream(
                "GET", address, headers=shown, auth=None, follow_redirects=False
            ) as response:
                async for part in response.aiter_bytes():
                    body.add(part)
        except httpx.DecodingError as error:
            raise NotUnderstoodError(f"{address[:200]}: it does not unpack") from error
        page = Page(address, response.status_code, response.headers, body.body())
        self._bound.heard(page.status, page.body)
        return page

    def line(self, url: str, *, use: str, units: int = 1) -> UsageLine:
        """Return a line of usage of now, for `report`."""
        return UsageLine(
            licence=self._bound.licence, url=url, use=use, units=units, occurred_at=self._clock()
        )
