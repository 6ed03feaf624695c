"""The web as the demo's visitors see it: host names that lead to sites on loopback."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import msgspec

from federation.crawler.crawlers import BoundCrawler
from federation.demo.sites import MemberSite

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site answered; `code` is the stable code of a refusal."""

    status: int
    code: str
    buy_at: str

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


class Web:
    """Every site by its host name."""

    def __init__(self, http: aiohttp.ClientSession, sites: Mapping[str, MemberSite]) -> None:
        self._http, self.sites = http, sites

    def site(self, url: str) -> MemberSite:
        """Return whose site an address is on."""
        return self.sites[urlsplit(url).netloc]

    async def get(self, url: str, agent: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch a page; the Host header says which site is meant."""
        return _read(*await self.read(url, agent, headers))

    async def read(
        self, url: str, agent: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body of what a site answers."""
        parts = urlsplit(url)
        sent = {"Host": parts.netloc, "User-Agent": agent, **(headers or {})}
        address = f"http://127.0.0.1:{self.site(url).port}{parts.path}"
        async with self._http.get(address, headers=sent) as response:
            return response.status, await response.read()


def _read(status: int, body: bytes) -> Answer:
    if status // 100 == 2:  # noqa: PLR2004 - 2xx
        return Answer(status, "", "")
    found = msgspec.json.decode(body)
    return Answer(status, str(found["code"]), str(found["buy_at"] or ""))


class Crawler:
    """A lab's crawler under one licence: one token for the sites of all, each request signed."""

    def __init__(self, web: Web, start: Callable[[], BoundCrawler], agent: str) -> None:
        self._web, self._start, self._agent = web, start, agent
        self._tokens = start()
        self.fetched = 0

    async def fetch(self, url: str, use: str) -> Answer:
        """Fetch a page for a use."""
        answer = await self._web.get(url, self._agent, await self.headers(url, use))
        self.fetched += not answer.code
        return answer

    async def headers(self, url: str, use: str) -> dict[str, str]:
        """Return what shows the licence with one request, with a token that is fresh."""
        return await self._tokens.headers("GET", url, use=use)

    async def start_over(self, url: str, use: str) -> dict[str, str]:
        """Return the same, with another token than the one held."""
        self._tokens = self._start()
        return await self.headers(url, use)
