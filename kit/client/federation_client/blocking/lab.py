"""A lab at a hub, for programs without an event loop."""

# Written from `awaited` by `make client`, not by hand.

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec

from federation.access.bearers import Bearer, ClientBearer, ClientCredential
from federation.access.wire import Fetch, fetch
from federation.clock import Clock, system_clock
from federation.crawler.crawlers import BoundCrawler
from federation.crawler.keys import crawl_key
from federation.crawler.mint import Mint
from federation_client import batches
from federation_client.blocking.asking import Asking
from federation_client.blocking.crawling import Crawler
from federation_client.blocking.pages import FIRST, Pages, Works
from federation_client.generated import questions
from federation_client.generated.answers import (
    CoverageAnswer,
    ExpectedInput,
    Invoice,
    Licence,
    LicenceTokens,
    LicenceUsage,
    Offer,
    QuoteInput,
    RightsAnswer,
)
from federation_client.generated.words import RegistrationState, UsageBasis
from federation_client.refusals import NotRegisteredInTimeError, ReportStoppedError
from federation_client.usage import UsageLine, UsageReceipt, receipt

_TIMEOUT: Final = httpx.Timeout(60, connect=10)
_LOOK_SECONDS: Final = 0.5


class Lab:
    """A lab, as it asks one server: the hub, or a node for its national licences.

    `client` is the lab's client there (docs/clients.md), or a `Bearer` that has its access token.
    `http` is yours to configure and to close (proxies, certificates); without it there is one of
    its own. `fetch` asks for tokens. Every method raises RefusedError for what the server refuses,
    and a RefusalError (`federation.errors`) for what did not come about.
    """

    def __init__(
        self,
        server: str,
        client: ClientCredential | Bearer,
        *,
        http: httpx.Client | None = None,
        clock: Clock = system_clock,
        fetch: Fetch = fetch,
    ) -> None:
        if isinstance(client, ClientCredential):
            client = ClientBearer(client, server=server, clock=clock, fetch=fetch)
        self._is_http_own = http is None
        self._http = httpx.Client(timeout=_TIMEOUT) if http is None else http
        self._asking = Asking(server, client, self._http)
        self._mint = Mint(server, client, clock=clock, fetch=fetch)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections, but for those of an `http` that it was given."""
        if self._is_http_own:
            self._http.close()

    def quote(
        self,
        expected: Sequence[ExpectedInput],
        starts_on: date,
        ends_on: date,
        *,
        usage_basis: UsageBasis = UsageBasis.SITE,
        territories: Sequence[str] = (),
        key: str | None = None,
    ) -> Offer:
        """Ask for a price, line by line; what has none stands in `not_covered`.

        Twice with one key it is one quote; without one each call has its own.
        """
        asked = QuoteInput(
            expected=expected,
            starts_on=starts_on,
            ends_on=ends_on,
            usage_basis=usage_basis,
            territories=territories,
        )
        return self._asking.ask(
            questions.request_quote(quote=asked, key=key or secrets.token_hex(16))
        )

    def buy(self, offer: Offer | str, *, key: str | None = None) -> Licence:
        """Accept an offer, or its id. Twice with one key, by default its id, buys once."""
        number = offer if isinstance(offer, str) else offer.id
        asked = questions.accept_offer(offer=number, key=key or f"accept-{number}"[:128])
        return self._asking.ask(asked)

    def licence(self, number: str) -> Licence:
        """Return a licence of this lab, and what each node says of it."""
        return self._asking.ask(questions.licence(number=number))

    def registered(self, number: str, *, seconds: float = 60) -> Licence:
        """Wait until each node has taken a licence or refused it, and return it.

        Tokens need that. Raises NotRegisteredInTimeError; a node that is down is told once it is
        back, and the licence holds meanwhile at the others.
        """
        looks_left = int(seconds / _LOOK_SECONDS)
        while True:
            found = self.licence(number)
            waiting = _pending_at(found)
            if not waiting:
                return found
            if not looks_left:
                raise NotRegisteredInTimeError(f"{number} at {', '.join(waiting)}")
            looks_left -= 1
            time.sleep(_LOOK_SECONDS)

    def licences(self, *, after: str | None = None) -> Pages[Licence]:
        """List the lab's licences by number."""
        ask = self._asking.ask
        return Pages(lambda at: ask(questions.licences(first=FIRST, after=at)), after)

    def offers(self, *, after: str | None = None) -> Pages[Offer]:
        """List the lab's quotes and individual offers."""
        ask = self._asking.ask
        return Pages(lambda at: ask(questions.offers(first=FIRST, after=at)), after)

    def rights(self, urls: Iterable[str], use: str, *, at: datetime | None = None) -> RightsAnswer:
        """Return what may be done with addresses, in their order, however many.

        Where `complete` is false some are UNKNOWN, and `nodes` says who did not answer. A right
        that is unknown is none.
        """
        found = [answer for answer in self.rights_by_batch(urls, use, at=at)]
        return batches.joined_rights(found)

    def rights_by_batch(
        self, urls: Iterable[str], use: str, *, at: datetime | None = None
    ) -> Iterator[RightsAnswer]:
        """Yield the same, up to 1,000 addresses at a time, for more than memory should hold."""
        for batch in batches.of_urls(urls):
            yield self._asking.ask(questions.rights(urls=batch, use=use, at=at))

    def coverage(
        self, urls: Iterable[str], uses: Sequence[str], *, at: datetime | None = None
    ) -> CoverageAnswer:
        """Return which licences cover addresses, in their order, for 1 to 8 uses."""
        ask = self._asking.ask
        found = [
            ask(questions.coverage(urls=batch, uses=uses, at=at)) for batch in batches.of_urls(urls)
        ]
        return batches.joined_coverage(found)

    def works(self, text: str, *, after: str | None = None, partial: bool = False) -> Works:
        """Look for works of all collectives; asked of the hub only."""
        ask = self._asking.ask
        return Works(
            lambda at: ask(questions.works(first=FIRST, text=text, after=at)),
            after,
            partial=partial,
        )

    def tokens(
        self,
        licence: str,
        sites: Sequence[Sequence[str]],
        *,
        uses: Sequence[str] | None = None,
    ) -> LicenceTokens:
        """Mint a bearer token for each of up to 1,000 sites, each by its absolute prefixes.

        A site that is refused has none, and stands in `refused`. A crawler with a key of its own
        needs none of them (`crawler`).
        """
        asked = questions.mint_tokens(licence=licence, sites=sites, uses=uses)
        return self._asking.ask(asked)

    def crawler(
        self,
        licence: str,
        key: Path,
        *,
        user_agent: str,
        uses: Sequence[str] | None = None,
        http: httpx.Client | None = None,
    ) -> Crawler:
        """Return a crawler for the sites of all members; the file of its key is made if missing.

        `http` sends its requests, where that is another client than the one that asks the server.
        """
        bound = BoundCrawler(self._mint, licence, crawl_key(key), uses=uses, clock=self._clock)
        sends = http or self._http
        return Crawler(bound, sends, user_agent=user_agent, clock=self._clock)

    def report(self, lines: Iterable[UsageLine], *, key: str, done: int = 0) -> list[UsageReceipt]:
        """Report usage, 5,000 lines at a time. The same lines with the same key count once.

        `key` names the report: up to 100 characters of `A-Z a-z 0-9 . _ -`. What stops it raises
        ReportStoppedError; called again with its `done`, the report goes on from there.
        """
        receipts = list[UsageReceipt]()
        encoded = (msgspec.json.encode(line) for line in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        for number, batch in enumerate(batches.of_lines(encoded)):
            if number < done:
                continue
            headers["Idempotency-Key"] = f"{key}-{number}"
            try:
                said = self._asking.post("/usage", b"\n".join(batch), headers, is_repeatable=True)
                receipts.append(receipt(said))
            except Exception as error:
                detail = f"{len(receipts)} batches taken, then {type(error).__name__}: {error}"
                done = number
                raise ReportStoppedError(detail, receipts=receipts, done=done) from error
        return receipts

    def invoices(self, *, after: str | None = None) -> Pages[Invoice]:
        """List what each licence was invoiced for, and what of it is open."""
        ask = self._asking.ask
        return Pages(lambda at: ask(questions.invoices(first=FIRST, after=at)), after)

    def usage(self, period: str, *, after: str | None = None) -> Pages[LicenceUsage]:
        """List what was used of each licence in a month (`2026-09`), and what that took in."""
        ask = self._asking.ask
        return Pages(
            lambda at: ask(questions.licence_usage(period=period, first=FIRST, after=at)), after
        )


def _pending_at(licence: Licence) -> list[str]:
    """Return the nodes that have said nothing of a licence yet."""
    pending = RegistrationState.PENDING
    return [each.node for each in licence.registrations if each.state == pending]
