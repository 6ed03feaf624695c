"""A lab's program with the typed client: a real hub, three nodes, two gated sites, over HTTP."""

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import select

from federation.access.bearers import ClientCredential, NoTokenError
from federation.access.wire import UnreachableError
from federation.demo.plan import SitePart
from federation.demo.sites import MemberSite
from federation.metering.tables import Line
from federation.signing.keys import SigningKey
from federation.values.party import HUB
from federation_client import (
    AsyncLab,
    Expected,
    IncompleteError,
    Lab,
    RefusedError,
    ReportStoppedError,
    UsageLine,
)
from federation_client.generated.words import NodeState
from federation_client.retrying import TRIES_MAX
from tests.federation.conftest import publish_tariff
from tests.federation.harness import nothing_changes, resumed
from tests.federation.programs import imported
from tests.federation.site_clients import ISSUE as ISSUE_SITE
from tools.client.blocking import blocking

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
PROGRAM = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
LINES_MAX = 25
ISSUE = """mutation($publicKey: String) {
  issueClient(kind: LAB, party: "lab-one", name: "Program", key: "p", publicKey: $publicKey) {
    ... on GivenCredential { secret client { id } } } }"""
REVOKE = """mutation($id: ID!) { revokeClient(client: $id) { ... on Client { state } } }"""
AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
SITES = [
    SitePart("GB", "gb-b", "https://press.example"),
    SitePart("DE", "de-a", "https://news.example"),
]
OPEN = ["https://press.example/a", "https://news.example/de/1"]
URLS = [*OPEN, "https://news.example/de/private/1"]
URLS += [f"https://nobody.example/{number}" for number in range(1_000 - len(URLS))]
LINES = [
    UsageLine(
        event_id=f"e-{number}",
        licence="DE-000001",
        url=OPEN[1],
        use="TRAIN",
        units=1,
        occurred_at=AT,
    )
    for number in range(5)
]


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(AT)
        await publish_tariff(found.at(HUB, "licensing"))
        yield found


async def client_of(small, *, by="secret", code=HUB):
    key = SigningKey.generate() if by == "key" else None
    jwk = msgspec.json.encode(key.public_jwk()).decode() if key else None
    made = await small.at(code, "licensing").ask(ISSUE, publicKey=jwk)
    issuer = small.running[code].config.entity_id if key else None
    return ClientCredential(
        client_id=made["client"]["id"], secret=made["secret"], key=key, issuer=issuer
    )


@asynccontextmanager
async def sites_of(small, folder):
    """Open two members' sites, each a server of its own behind its gate; yield by host."""
    servers = SimpleNamespace(federation=small.federation, http=small.http, clock=small.clock)
    async with AsyncExitStack() as stack:
        found = {}
        for part in SITES:
            made = await small.at(part.collective, "registry").ask(ISSUE_SITE, party=part.member)
            credential = ClientCredential(client_id=made["client"]["id"], secret=made["secret"])
            site = MemberSite(part, folder, part.member)
            await site.install(servers, credential)
            stack.push_async_callback(site.close)
            found[site.host] = site
        yield found


async def used(small, code):
    """Return what a server was told was used."""
    line = Line.url, Line.use, Line.units, Line.source
    async with small.databases[code].read() as session:
        return [tuple(row) for row in await session.execute(select(*line).order_by(Line.url))]


class ToSites(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Leads the addresses of members' sites to their servers on loopback, as DNS would."""

    def __init__(self, sites):
        self._sites = sites
        self._awaited, self._blocking = httpx.AsyncHTTPTransport(), httpx.HTTPTransport()

    def _led(self, request):
        at = self._sites[request.url.host].port
        led = request.url.copy_with(scheme="http", host="127.0.0.1", port=at)
        request.url = led
        return request

    async def handle_async_request(self, request):
        return await self._awaited.handle_async_request(self._led(request))

    def handle_request(self, request):
        return self._blocking.handle_request(self._led(request))

    async def aclose(self):
        await self._awaited.aclose()

    def close(self):
        self._blocking.close()


def test_the_program_is_no_longer_than_the_page_promises():
    assert len([line for line in PROGRAM.splitlines() if line.strip()]) <= LINES_MAX


@pytest.mark.parametrize(("face", "by"), [("awaited", "secret"), ("blocking", "key")])
async def test_the_program_of_the_page_goes_the_whole_way(
    small, tmp_path, monkeypatch, capsys, face, by
):
    monkeypatch.chdir(tmp_path)
    client = await client_of(small, by=by)
    async with sites_of(small, tmp_path) as sites:
        mounts = {f"https://{host}": ToSites(sites) for host in sites}
        url = small.running[HUB].url
        if face == "awaited":
            program = imported(tmp_path, PROGRAM)
            async with httpx.AsyncClient(mounts=mounts) as http:
                program.AsyncLab = partial(AsyncLab, http=http, clock=small.clock)
                await program.one_month(url, client, URLS)
        else:
            program = imported(tmp_path, blocking(PROGRAM))
            with httpx.Client(mounts=mounts) as http:
                program.Lab = partial(Lab, http=http, clock=small.clock)
                await asyncio.to_thread(program.one_month, url, client, URLS)
        for site in sites.values():
            await site.hand_in()

    assert capsys.readouterr().out.splitlines() == [
        "DE-000001 365000 365000 EUR",
        "HUB-000001 1200000 1200000 EUR",
        "HUB-000003 510000 510000 EUR",
    ]
    assert await used(small, HUB) == [(url, "TRAIN", 1, "lab") for url in sorted(OPEN)]
    assert await used(small, "GB") == [("https://press.example/a", "TRAIN", 1, "site")]
    assert await used(small, "DE") == [("https://news.example/de/1", "TRAIN", 1, "site")]
    async with lab_at(small, client) as lab:
        [sold] = [each async for each in lab.licences() if each.number == "HUB-000003"]
        [offer] = [each async for each in lab.offers() if each.licence == sold.number]
    assert (sold.fee.minor, sold.fee.currency, sold.uses) == (510_000, "EUR", ("TRAIN",))
    assert (offer.kind, offer.state) == ("TARIFF", "ACCEPTED")


async def test_an_offer_is_bought_once_and_a_refusal_writes_nothing(small):
    async with lab_at(small, await client_of(small)) as lab:
        expected = [Expected(node="DE", use="TRAIN", content_tier="premium", units=500_000)]
        offer = await lab.quote(expected, date(2026, 10, 1), date(2027, 9, 30))
        await lab.registered((await lab.buy(offer)).number)

        async with nothing_changes(small, HUB):
            again = await lab.buy(offer.id)
            with pytest.raises(RefusedError) as taken:
                await lab.buy(offer, key="another")
            with pytest.raises(RefusedError) as unknown:
                await lab.licence("HUB-000002")  # another lab's

    assert (again.number, again.fee.minor) == ("HUB-000003", 450_000)
    assert (taken.value.code, unknown.value.code) == ("OFFER_NOT_OPEN", "UNKNOWN_LICENCE")


async def test_a_client_that_is_revoked_has_no_token_any_more(small):
    client = await client_of(small)
    async with lab_at(small, client) as lab:
        assert (await lab.licence("HUB-000001")).licensee == "lab-one"
        await small.at(HUB, "licensing").ask(REVOKE, id=client.client_id)

        with pytest.raises(NoTokenError, match="HTTP 401 invalid_client"):
            await lab.licence("HUB-000001")


async def test_a_list_goes_on_from_the_cursor_of_its_last_entry(small, monkeypatch):
    monkeypatch.setattr("federation_client.awaited.lab.FIRST", 1)  # a page each
    client = await client_of(small)
    async with lab_at(small, client) as lab:
        invoices = lab.invoices()
        first = await anext(aiter(invoices))
    async with lab_at(small, client) as lab:
        rest = [each async for each in lab.invoices(after=invoices.cursor)]
        usage = [each.number async for each in lab.usage("2026-10")]

    assert [first.licence, *(each.licence for each in rest)] == ["DE-000001", "HUB-000001"]
    assert usage == ["DE-000001", "HUB-000001"]


async def test_a_node_is_asked_the_same(small):
    async with lab_at(small, await client_of(small, code="DE"), "DE") as lab:
        sold = [each.number async for each in lab.licences()]
        rights = await lab.rights([OPEN[1], "https://news.example/de/private/1"], "TRAIN")
        minted = await lab.tokens("DE-000001", [["https://news.example/de/"]], uses=["TRAIN"])

    assert sold == ["DE-000001", "HUB-000001"]
    assert [each.status for each in rights.items] == ["LICENSABLE", "RESERVED"]
    assert (len(minted.tokens), minted.expires_in, minted.refused) == (1, 900, ())


async def test_who_does_not_answer_stays_visible(small):
    async with lab_at(small, await client_of(small)) as lab:
        whole = await lab.rights([*OPEN, "https://nobody.example/"], "TRAIN")
        assert [each async for each in lab.works("another question")] == []
        await small.stop("DE")

        rights = await lab.rights([*OPEN, "https://nobody.example/"], "TRAIN")
        covered = await lab.coverage(OPEN, ["TRAIN"])
        works = lab.works("reef")
        with pytest.raises(IncompleteError) as stopped:
            [each async for each in works]
        partial_list = lab.works("reef", partial=True)
        assert [each async for each in partial_list] == []
        await small.start("DE")
        again = lab.works("reef", after=works.cursor)
        assert [each async for each in again] == []

    assert again.is_complete
    assert (whole.complete, [each.status for each in whole.items]) == (
        True,
        ["LICENSABLE", "LICENSABLE", "NOT_REPRESENTED"],
    )
    assert (rights.complete, [each.status for each in rights.items]) == (
        False,
        ["LICENSABLE", "UNKNOWN", "NOT_REPRESENTED"],
    )
    assert [each.node for each in rights.nodes if each.state != NodeState.OK] == ["DE"]
    assert (covered.complete, covered.items[1].uses[0].why) == (False, "UNKNOWN")
    assert stopped.value.missing == ("DE",)
    assert (works.is_complete, partial_list.is_complete) == (False, False)


class Network(httpx.AsyncHTTPTransport):
    """A network that breaks for some of the requests that report usage, by their number.

    `lost` are answered, and the answer does not arrive; `down` do not reach the server.
    """

    def __init__(self, *, lost=(), down=()):
        super().__init__()
        self._lost, self._down, self.seen = lost, down, 0

    async def handle_async_request(self, request):
        self.seen += request.url.path == "/usage"
        if request.url.path == "/usage" and self.seen in self._down:
            raise httpx.ConnectError("the network is gone")
        answer = await super().handle_async_request(request)
        if request.url.path == "/usage" and self.seen in self._lost:
            await answer.aread()
            raise httpx.ReadError("the network is gone")
        return answer


@asynccontextmanager
async def lab_behind(small, network, monkeypatch):
    """Yield a lab that reports two lines at a time, and the pauses that it did not really make."""
    monkeypatch.setattr("federation_client.batches.LINES_MAX", 2)
    url, client, pauses = small.running[HUB].url, await client_of(small), []

    async def sleep(seconds):
        pauses.append(seconds)

    async with httpx.AsyncClient(transport=network) as http:
        lab = AsyncLab(url, client, http=http, clock=small.clock)
        lab._asking._sleep = sleep
        yield lab, pauses


async def test_a_report_whose_answer_is_lost_counts_once(small, monkeypatch):
    network = Network(lost=[2])
    async with lab_behind(small, network, monkeypatch) as (lab, pauses):
        receipts = await lab.report(LINES, key="2026-10")

    assert [(each.batch, each.lines) for each in receipts] == [
        ("2026-10-0", 2),
        ("2026-10-1", 2),
        ("2026-10-2", 1),
    ]
    assert (network.seen, len(pauses)) == (4, 1)
    assert len(await used(small, HUB)) == 5


async def test_a_report_that_stopped_goes_on_from_where_it_stopped(small, monkeypatch):
    network = Network(down=range(2, 2 + TRIES_MAX))
    async with lab_behind(small, network, monkeypatch) as (lab, _):
        with pytest.raises(ReportStoppedError) as stopped:
            await lab.report(LINES, key="2026-10")
        taken = len(await used(small, HUB))
        rest = await lab.report(LINES, key="2026-10", done=stopped.value.done)

    assert isinstance(stopped.value.__cause__, UnreachableError)
    assert (stopped.value.done, taken) == (1, 2)
    assert [each.batch for each in stopped.value.receipts] == ["2026-10-0"]
    assert [(each.batch, each.classes["ACCEPTED"].units) for each in rest] == [
        ("2026-10-1", 2),
        ("2026-10-2", 1),
    ]
    assert (network.seen, len(await used(small, HUB))) == (1 + TRIES_MAX + 2, 5)


def lab_at(small, client, code=HUB):
    return AsyncLab(small.running[code].url, client, clock=small.clock)
