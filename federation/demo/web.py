"""The web as the demo's visitors see it: host names that lead to sites on loopback."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import msgspec

from federation.demo import documents as ask
from federation.demo.sites import MemberSite
from federation.scenario.client import Person

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
        parts = urlsplit(url)
        sent = {"Host": parts.netloc, "User-Agent": agent, **(headers or {})}
        address = f"http://127.0.0.1:{self.site(url).port}{parts.path}"
        async with self._http.get(address, headers=sent) as response:
            return _read(response.status, await response.read())


def _read(status: int, body: bytes) -> Answer:
    if status // 100 == 2:  # noqa: PLR2004 - 2xx
        return Answer(status, "", "")
    found = msgspec.json.decode(body)
    return Answer(status, str(found["code"]), str(found["buy_at"] or ""))


class Crawler:
    """A lab's crawler under one licence: a token per site, all minted by the same node."""

    def __init__(self, web: Web, lab: Person, licence: str, agent: str) -> None:
        self._web, self._lab, self.licence, self._agent = web, lab, licence, agent
        self._tokens: dict[str, str] = {}
        self.fetched = 0

    async def fetch(self, url: str, use: str) -> Answer:
        """Fetch a page for a use, showing the token for its site."""
        origin = self._web.site(url).part.origin
        if origin not in self._tokens:
            self._tokens[origin] = await self._mint(origin)
        headers = {"Authorization": f"License {self._tokens[origin]}", "X-Licence-Use": use}
        answer = await self._web.get(url, self._agent, headers)
        self.fetched += not answer.code
        return answer

    async def _mint(self, origin: str) -> str:
        """Ask for a token of 15 minutes for one member's site."""
        minted = await self._lab.ask(ask.MINT, licence=self.licence, audience=[f"{origin}/"])
        return str(minted["token"])
