"""What a crawler sends with each request: a token that is fresh and, where bound, a signature."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from federation.access.kept import Awaited, Fresh, Kept
from federation.clock import Clock, system_clock
from federation.crawler.mint import PREFIXES_MAX, SITES_MAX, Mint, SiteRefused
from federation.crawler.refusals import (
    LicenceRevokedError,
    LicenceSuspendedError,
    LicenceUnusableError,
    NoSuchSiteError,
    NotMintedError,
)
from federation.signing.crawl_keys import CrawlKey
from federation.signing.signatures import sign_request
from federation.signing.tokens import covers, split_prefix

ALL_SITES_MAX: Final = 20_000
_AUTHORIZATION: Final = "Authorization"
_USE: Final = "X-Licence-Use"
_ANSWER_READ_MAX: Final = 16 << 10
_OVER: Final = (LicenceUnusableError,)
_DOUBTED: Final = "INVALID_TOKEN"


class BoundCrawler:
    """A crawler with a key of its own: one token opens the sites of all members.

    `agent` is the https address of its key directory, if it has one (`Signature-Agent`).
    """

    def __init__(
        self,
        mint: Mint,
        licence: str,
        key: CrawlKey,
        *,
        uses: Sequence[str] | None = None,
        agent: str | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.licence = licence
        self._mint, self._key, self._uses = mint, key, uses
        self._agent, self._clock = agent, clock
        self._kept = Kept(self._ask, what=f"token for {licence}", over=_OVER, pace=mint.pace)
        self._token = Awaited(self._kept)

    async def headers(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        use: str | None = None,
    ) -> dict[str, str]:
        """Return all the headers of one request: those given, the token, use and signature.

        `url` is the address exactly as it will be sent, and each request needs its own headers: a
        site serves a signature once. Raises as `Mint.bound` does, and UNSIGNABLE_REQUEST.
        """
        return self._signed(method, url, _with_token(headers, await self._token.current(), use))

    def blocking_headers(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        use: str | None = None,
    ) -> dict[str, str]:
        """Return what `headers` does, to a program without an event loop."""
        return self._signed(method, url, _with_token(headers, self._kept.current(), use))

    def _signed(self, method: str, url: str, shown: dict[str, str]) -> dict[str, str]:
        now = self._clock()
        signed = sign_request(
            self._key, method=method, url=url, headers=shown, now=now, agent=self._agent
        )
        return shown | signed

    def heard(self, status: int, body: bytes) -> None:
        """Learn from a site's answer: raise LicenceUnusableError, or doubt the token."""
        if _said(self.licence, status, body) == _DOUBTED:
            self._kept.doubt()

    def _ask(self) -> Fresh[str]:
        return self._mint.bound(self.licence, self._key.public, self._uses)


class SiteCrawler:
    """A crawler without a key: a bearer token for each site that it was told of.

    `sites` are the absolute prefixes of each; tokens are fetched and renewed a batch at a time,
    when the first of its sites is asked for.
    """

    def __init__(
        self,
        mint: Mint,
        licence: str,
        sites: Sequence[Sequence[str]],
        *,
        uses: Sequence[str] | None = None,
    ) -> None:
        self.licence = licence
        self._batches = [_Batch(mint, licence, group, uses) for group in _groups(sites)]
        self._by_origin: dict[str, list[tuple[Sequence[str], _Batch, int]]] = {}
        for batch in self._batches:
            for place, prefixes in enumerate(batch.sites):
                for origin in {_origin(prefix) for prefix in prefixes}:
                    self._by_origin.setdefault(origin, []).append((prefixes, batch, place))

    async def headers(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        use: str | None = None,
    ) -> dict[str, str]:
        """Return all the headers of one request: those given, the token and the use.

        Raises NO_SUCH_SITE for an address of no site, NOT_MINTED where its site has no token, and
        what `Mint.batch` raises.
        """
        del method  # a bearer's token is for any
        batch, place = self._find(url)
        return _with_token(headers, await batch.token(place), use)

    def heard(self, url: str, status: int, body: bytes) -> None:
        """Learn from a site's answer: raise LicenceUnusableError, or doubt the tokens."""
        if _said(self.licence, status, body) == _DOUBTED:
            self._find(url)[0].kept.doubt()

    def _find(self, url: str) -> tuple["_Batch", int]:
        for prefixes, batch, place in self._by_origin.get(_origin(url.partition("?")[0]), ()):
            if covers(prefixes, url):
                return batch, place
        raise NoSuchSiteError(url[:200])


class _Batch:
    """Sites whose tokens are fetched together."""

    def __init__(
        self,
        mint: Mint,
        licence: str,
        sites: Sequence[Sequence[str]],
        uses: Sequence[str] | None,
    ) -> None:
        self.sites = sites
        self._mint, self._licence, self._uses = mint, licence, uses
        what = f"tokens for {licence}"
        self.kept = Kept(self._ask, what=what, over=_OVER, pace=mint.pace)
        self._tokens = Awaited(self.kept)

    async def token(self, place: int) -> str:
        found = (await self._tokens.current())[place]
        if isinstance(found, SiteRefused):
            raise NotMintedError(f"{found.code}: {found.message}", said=found.code)
        return found

    def _ask(self) -> Fresh[list[str | SiteRefused]]:
        return self._mint.batch(self._licence, self.sites, self._uses)


def _groups(sites: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    """Part sites into batches, each within what one call may ask for."""
    if len(sites) > ALL_SITES_MAX:
        raise ValueError(f"at most {ALL_SITES_MAX} sites")
    groups: list[list[Sequence[str]]] = []
    left = 0
    for site in sites:
        if not groups or len(groups[-1]) == SITES_MAX or left < len(site):
            groups.append([])
            left = PREFIXES_MAX
        groups[-1].append(site)
        left -= len(site)
    return groups


def _origin(url: str) -> str:
    split = split_prefix(url)
    if split is None:
        raise NoSuchSiteError(f"not an absolute address: {url[:200]}")
    return split[0]


def _with_token(headers: Mapping[str, str] | None, token: str, use: str | None) -> dict[str, str]:
    """Return headers with the token, and the use if one is named; those two are not given."""
    taken = {_AUTHORIZATION.lower(), *([_USE.lower()] if use else [])}
    given = {name: value for name, value in (headers or {}).items()}
    if taken & {name.lower() for name in given}:
        raise ValueError(f"{_AUTHORIZATION} and {_USE} are the crawler's")
    return given | {_AUTHORIZATION: f"License {token}"} | ({_USE: use} if use else {})


def _said(licence: str, status: int, body: bytes) -> str:
    """Return a site's code for what it refused; a licence that opens nothing more is raised."""
    if status // 100 != 4 or len(body) > _ANSWER_READ_MAX:  # noqa: PLR2004 - 4xx
        return ""
    try:
        said: Any = msgspec.json.decode(body, type=dict[str, Any]).get("code")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if said == "LICENCE_SUSPENDED":
        raise LicenceSuspendedError(licence)
    if said == "LICENCE_REVOKED":
        raise LicenceRevokedError(licence)
    return said if isinstance(said, str) else ""
