"""Five nodes and a hub over real HTTP: one crawler, the sites of all, and what stops it.

Business time and the monotonic time of pulls stand still and are moved together (`later`), so that
what holds "within a minute" is counted in their seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
import uvicorn

from federation.access.bearers import ClientCredential, GivenBearer
from federation.access.kept import Pace
from federation.cli import own_keys as command
from federation.crawler.crawlers import BoundCrawler
from federation.crawler.mint import Mint
from federation.crawler.refusals import LicenceRevokedError, LicenceSuspendedError
from federation.edge.auth import published_keys
from federation.errors import RefusalError
from federation.messaging.pulls import PULL_SECONDS
from federation.signing.crawl_keys import CrawlKey
from federation.signing.statuslist import TTL_SECONDS
from federation.site.install import protect
from federation.site.policy_source import POLL_SECONDS
from federation.site.site_config import SiteConfig
from federation.trust.key_life import PUBLISHED_BEFORE
from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
    MEMBERS,
    TOML,
    WORKS,
    lived,
    open_for_business,
    resumed,
    small_federation,
    soon,
    write_scenario,
)
from tests.federation.key_changes import is_listed, kid_of, made_next
from tests.seconds import Seconds

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

TWO_MORE = """
[[collective]]
code = "ES"
name = "Collective ES"
country = "ES"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
account = "ES9121000418450200051332"
plan = "per_usage"
[[collective]]
code = "IT"
name = "Collective IT"
country = "IT"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
account = "IT60X0542811101000000123456"
plan = "per_usage"
[[licensee]]
id = "lab-one"
"""
FIVE = TOML.replace('[[licensee]]\nid = "lab-one"\n', TWO_MORE.lstrip(), 1)
MORE_MEMBERS = """ES,es-a,Eva,ES,2025-01-01,ES9121000418450200051332
IT,it-a,Ida,IT,2025-01-01,IT60X0542811101000000123456
"""
MORE_WORKS = """ES,es-a,libro.example,standard,,
IT,it-a,giornale.example,standard,,
"""
SITES = {
    "DE": ("de-a", "https://news.example", "/de/1"),
    "FR": ("fr-b", "https://journal.example", "/a"),
    "GB": ("gb-b", "https://press.example", "/a?page=2"),
    "ES": ("es-a", "https://libro.example", "/a"),
    "IT": ("it-a", "https://giornale.example", "/"),
}
SOLD, NATIONAL, USE = "HUB-000001", "DE-000001", "GROUND"
KEY = CrawlKey.generate()
ISSUE = """mutation($party: String!) {
  issueClient(kind: SITE, party: $party, name: "Gate", key: "gate") {
    ... on GivenCredential { secret client { id } } } }"""
SET = """mutation($number: String!) { %s(number: $number, reason: "A test.") {
  ... on Licence { status } ... on Refused { code message } } }"""


async def page(scope, receive, send):
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"A page."})


class Server(uvicorn.Server):
    """A server that leaves signals to the tests."""

    @contextmanager
    def capture_signals(self):
        yield


class Site:
    """A member's site on a port of its own, behind the gate that a publisher installs."""

    def __init__(self, config, path):
        self.config, self.path = config, path
        self.url = config.origins[0] + path
        self.port, self.polled_at = 0, 0.0

    async def open(self):
        self.gate = protect(page, self.config)
        self.gate.background.start = lambda: None  # polled as `later` says
        self._server = Server(uvicorn.Config(self.gate, port=0, log_config=None, lifespan="on"))
        self._task = asyncio.create_task(self._server.serve())

        async def started():
            return self._server.started

        await soon(started, what="a site")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def close(self):
        self._server.should_exit = True
        await self._task

    async def refresh(self):
        """Fetch the policy; where the site's access token is over, once more with another."""
        refresh = self.gate.background.rounds["policy"].act
        try:
            await asyncio.to_thread(refresh)
        except RefusalError:
            await asyncio.to_thread(refresh)


@dataclass
class Five:
    """The federation, its sites, and time."""

    small: object
    http: aiohttp.ClientSession
    time: Seconds
    sites: dict = field(default_factory=dict)
    crawlers: dict = field(default_factory=dict)

    async def later(self, seconds, *, step=PULL_SECONDS):
        """Let time pass; each site polls when that is due, and no sooner."""
        left = seconds
        while left > 0:
            passed = min(step, left)
            left -= passed
            self.small.clock.instant += timedelta(seconds=passed)
            self.time.now += passed
            for site in self.sites.values():
                if self.time.now - site.polled_at >= POLL_SECONDS:
                    site.polled_at = self.time.now
                    await site.refresh()

    async def poll(self):
        """Have every site fetch its policy now."""
        for site in self.sites.values():
            site.polled_at = self.time.now
            await site.refresh()

    def crawler(self, code, licence=SOLD):
        """Return the lab's crawler with tokens of one server."""
        server = self.small.running[code]
        bearer = GivenBearer(lambda: server.token("buyer@lab-one", "lab"))
        mint = Mint(server.url, bearer, clock=self.small.clock, pace=Pace(self.time, lambda: 0.0))
        return BoundCrawler(mint, licence, KEY, clock=self.small.clock)

    async def send(self, site, headers, *, method="GET", path=None, host=None):
        """Send one request to a site's socket; return its status and the code of a refusal."""
        sent = {"Host": host or site.config.origins[0].removeprefix("https://"), **headers}
        address = f"http://127.0.0.1:{site.port}{path or site.path}"
        async with self.http.request(method, address, headers=sent) as answer:
            body = await answer.read()
            refused = answer.status != 200 and method != "HEAD"
            return answer.status, (await answer.json())["code"] if refused else body

    async def visit(self, crawler, site):
        """Crawl one page of a site, whatever it answers."""
        return await self.send(site, await crawler.headers("GET", site.url, use=USE))

    async def everywhere(self, crawler):
        """Crawl a page of each site; return what they answered, each different answer once."""
        return {await self.visit(crawler, site) for site in self.sites.values()}


OPEN = {(200, b"A page.")}


async def open_site(small, code, folder):
    member, origin, path = SITES[code]
    node = small.running[code]
    made = await small.at(code, "registry").ask(ISSUE, party=member)
    config = SiteConfig(
        node=node.url,
        member_id=member,
        node_jwks=[small.key(code).public_jwk()],
        hub_jwks=[small.key(HUB).public_jwk()],
        client=ClientCredential(client_id=made["client"]["id"], secret=made["secret"]),
        directory=folder / code,
        origins=[origin],
        clock=small.clock,
    )
    site = Site(config, path)
    await site.open()
    return site


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def five_past(any_backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("five")
    scenario = write_scenario(
        folder / "files",
        scenario_toml=FIVE,
        members_csv=MEMBERS + MORE_MEMBERS,
        works_csv=WORKS + MORE_WORKS,
    )
    federation = small_federation(any_backend, scenario, folder)
    async with lived(any_backend, federation, open_for_business) as past:
        yield past


@asynccontextmanager
async def opened(small, folder) -> AsyncIterator[Five]:
    """Open every site of a federation."""
    async with aiohttp.ClientSession() as http:
        five = Five(small, http, Seconds())
        for keeper in small.keepers.values():
            keeper.service.server.monotonic = five.time
        try:
            for code in SITES:
                five.sites[code] = await open_site(small, code, folder)
            await five.poll()
            yield five
        finally:
            for site in five.sites.values():
                await site.close()


@pytest_asyncio.fixture(loop_scope="session")
async def five(any_backend, five_past, tmp_path):
    async with resumed(any_backend, five_past) as small:
        small.set_clock(DAY)
        async with opened(small, tmp_path) as found:
            yield found


async def test_a_token_minted_anywhere_opens_the_sites_of_all_five(five):
    found = {}
    for code in five.small.codes:
        crawler = five.crawler(code)
        for where, site in five.sites.items():
            found[code, where] = await five.visit(crawler, site)

    assert len(found) == 30
    assert set(found.values()) == OPEN


async def test_what_a_crawler_did_not_sign_is_refused_at_every_site(five):
    crawler, others = five.crawler("IT"), five.crawler("ES")
    for code, site in five.sites.items():
        other = five.sites["GB" if code != "GB" else "FR"]

        async def swapped(site=site, **changed):
            headers = await crawler.headers("GET", site.url, use=USE)
            return await five.send(site, headers | changed.pop("headers", {}), **changed)

        signed = await crawler.headers("GET", site.url, use=USE)
        another = (await others.headers("GET", site.url))["Authorization"]
        refused = (401, "INVALID_SIGNATURE")
        assert await swapped(path="/another") == refused
        assert await swapped(path=site.path + "&x") == refused
        assert (await swapped(method="HEAD"))[0] == 401
        assert await swapped(headers={"Authorization": another}) == refused
        assert await swapped(host="evil.example") == (421, "UNKNOWN_HOST")
        assert await five.send(other, signed, path=site.path) == refused
        assert await five.send(site, signed) == (200, b"A page.")
        assert await five.send(site, signed) == (401, "REQUEST_REPLAYED")


@pytest.mark.parametrize(
    ("licensor", "licence", "act", "refused", "raised"),
    [
        (HUB, SOLD, "suspendLicence", (402, "LICENCE_SUSPENDED"), LicenceSuspendedError),
        (HUB, SOLD, "revokeLicence", (401, "LICENCE_REVOKED"), LicenceRevokedError),
        ("DE", NATIONAL, "suspendLicence", (402, "LICENCE_SUSPENDED"), LicenceSuspendedError),
        ("DE", NATIONAL, "revokeLicence", (401, "LICENCE_REVOKED"), LicenceRevokedError),
    ],
)
async def test_a_licence_that_is_stopped_is_stopped_at_every_site_within_a_minute(
    five, licensor, licence, act, refused, raised
):
    """A minute after everybody has just asked, which is the worst moment."""
    assert 2 * PULL_SECONDS + POLL_SECONDS <= TTL_SECONDS
    crawlers = [five.crawler(code, licence) for code in ("IT", licensor)]
    for crawler in crawlers:
        assert await five.everywhere(crawler) == OPEN

    await five.small.at(licensor, "licensing").ask(SET % act, number=licence)
    await five.small.silence()
    assert await five.everywhere(crawlers[0]) == OPEN
    await five.later(TTL_SECONDS)

    for crawler in crawlers:
        assert await five.everywhere(crawler) == {refused}
    with pytest.raises(raised):
        await five.crawler(licensor, licence).headers("GET", five.sites["DE"].url)
    if act == "suspendLicence":
        await five.small.at(licensor, "licensing").ask(SET % "reinstateLicence", number=licence)
        await five.small.silence()
        await five.later(TTL_SECONDS)
        assert await five.everywhere(crawlers[0]) == OPEN


async def test_without_a_hub_the_sites_go_on_until_its_word_is_over_and_open_again_with_it(five):
    crawler = five.crawler("FR")
    assert await five.everywhere(crawler) == OPEN
    await five.small.stop(HUB)

    await five.later(49 * 60, step=10 * 60)
    assert await five.everywhere(crawler) == OPEN
    await five.later(12 * 60, step=60)
    assert await five.everywhere(five.crawler("FR")) == {(503, "POLICY_UNAVAILABLE")}

    await five.small.start(HUB)
    five.small.keepers[HUB].service.server.monotonic = five.time
    await five.later(2 * TTL_SECONDS)
    assert await five.everywhere(crawler) == OPEN


async def is_published(small, code, kid):
    """Wait until a server that runs publishes a key that a command made beside it."""

    async def known():
        return kid in await published_keys(small.keepers[code].service.server)

    await soon(known, what=f"{kid} at {code}")


async def test_the_keys_of_all_servers_change_under_traffic_and_nobody_is_refused(five):
    small = five.small
    old = {code: small.token_key(code).kid for code in small.codes}
    new = {code: await made_next(small, code) for code in small.codes}
    small.hurry()
    await small.silence()
    for code in small.codes:  # each looks at its database again after seconds that no clock moves
        await is_published(small, code, new[code])
        if code != HUB:
            await is_listed(small, code, new[code])
    await five.later(PUBLISHED_BEFORE.total_seconds(), step=12 * 3600)
    crawlers = {code: five.crawler(code) for code in small.codes}  # their tokens are of old keys
    for crawler in crawlers.values():
        assert await five.everywhere(crawler) == OPEN

    for code in small.codes:
        await command.activate(small.keepers[code].config, new[code], None, small.clock)
    signing = dict(old)
    while signing != new:
        for code in small.codes:
            fresh = five.crawler(code)
            site = five.sites["GB"]
            headers = await fresh.headers("GET", site.url, use=USE)
            signing[code] = kid_of(headers["Authorization"].split()[1])
            assert await five.send(site, headers) == (200, b"A page.")
            assert await five.visit(crawlers[code], site) == (200, b"A page.")
    for code in small.codes:
        assert await five.everywhere(five.crawler(code)) == OPEN
        assert await five.everywhere(crawlers[code]) == OPEN


async def test_who_restarts_loses_no_revocation_and_no_nonce(five):
    crawler, site = five.crawler("IT"), five.sites["DE"]
    served = await crawler.headers("GET", site.url, use=USE)
    assert await five.send(site, served) == (200, b"A page.")
    national = five.crawler("IT", NATIONAL)
    assert await five.visit(national, site) == (200, b"A page.")
    await five.small.at("DE", "licensing").ask(SET % "revokeLicence", number=NATIONAL)
    await five.small.silence()
    await site.refresh()
    assert await five.visit(national, site) == (401, "LICENCE_REVOKED")

    await site.close()
    await five.small.stop("DE")
    await site.open()  # its node is away: what it knew lies on its disk
    assert await five.visit(national, site) == (401, "LICENCE_REVOKED")
    assert await five.send(site, served) == (401, "REQUEST_REPLAYED")
    await five.small.start("DE")
    await site.refresh()
    assert await five.visit(national, site) == (401, "LICENCE_REVOKED")
    assert await five.send(site, served) == (401, "REQUEST_REPLAYED")
    assert await five.visit(crawler, site) == (200, b"A page.")
