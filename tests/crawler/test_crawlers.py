"""Headers of requests: with a token that is fresh, signed where it is bound, and what sites say."""

import json
import logging

import pytest

from federation.access.bearers import GivenBearer
from federation.access.kept import Pace
from federation.access.wire import Answer
from federation.crawler.crawlers import ALL_SITES_MAX, BoundCrawler, SiteCrawler
from federation.crawler.mint import Mint
from federation.crawler.refusals import (
    LicenceRevokedError,
    LicenceSuspendedError,
    NoSuchSiteError,
    NotMintedError,
)
from federation.signing.crawl_keys import CrawlKey
from federation.signing.signatures import Request, check_request
from tests.crawler.conftest import NOON, data
from tests.seconds import Seconds

KEY = CrawlKey.generate()
NUMBER, URL = "HUB-000001", "https://pub.example/a?page=2"


@pytest.fixture
def time():
    return Seconds()


class Minting:
    """A server that mints: a token's text says which call it came of, and its place in it."""

    def __init__(self):
        self.batches, self.bound, self.wrong = [], 0, {}

    def __call__(self, call):
        variables = json.loads(call.body)["variables"]
        if "key" in variables:
            self.bound += 1
            return data(__typename="LicenceToken", token=f"bound.{self.bound}.x", expiresIn=3600)
        sites = variables["sites"]
        self.batches.append(sites)
        refused = [
            {"place": at, "code": "OUTSIDE_LICENCE", "message": "No."}
            for at, site in enumerate(sites)
            if site[0] in self.wrong
        ]
        missing = {each["place"] for each in refused}
        tokens = [
            None if at in missing else f"site.{len(self.batches)}.{at}" for at in range(len(sites))
        ]
        return data(__typename="LicenceTokens", tokens=tokens, expiresIn=900, refused=refused)


@pytest.fixture
def minting():
    return Minting()


@pytest.fixture
def mint(minting, time):
    pace = Pace(time, lambda: 0.0)
    return Mint("https://hub.example", GivenBearer("t"), fetch=minting, pace=pace)


@pytest.fixture
def crawler(mint):
    return BoundCrawler(mint, NUMBER, KEY, clock=lambda: NOON)


def proof_of(headers, *, method="GET", path="/a", query="?page=2"):
    sent = {name.lower(): [value] for name, value in headers.items()}
    request = Request(method, "pub.example", path, query, sent)
    return check_request(request, key=KEY.public, carriers=("authorization",), now=NOON)


async def test_a_request_is_signed_with_all_it_carries(crawler):
    headers = await crawler.headers("GET", URL, {"User-Agent": "lab-bot"}, use="TRAIN")

    assert list(headers) == [
        "User-Agent",
        "Authorization",
        "X-Licence-Use",
        "Signature-Input",
        "Signature",
    ]
    assert (headers["Authorization"], headers["X-Licence-Use"]) == ("License bound.1.x", "TRAIN")
    assert proof_of(headers).keyid == KEY.kid


async def test_each_request_has_a_signature_of_its_own_under_one_token(crawler, minting):
    proofs = [proof_of(await crawler.headers("GET", URL)) for _ in range(20)]

    assert len({proof.nonce for proof in proofs}) == 20
    assert minting.bound == 1


async def test_an_agent_is_named_and_covered(mint):
    crawler = BoundCrawler(mint, NUMBER, KEY, agent="https://lab.example", clock=lambda: NOON)

    headers = await crawler.headers("HEAD", URL)

    assert headers["Signature-Agent"] == 'sig1="https://lab.example"'
    assert proof_of(headers, method="HEAD").keyid == KEY.kid


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-Licence-Use"])
async def test_headers_that_are_the_crawlers_are_not_given(crawler, name):
    with pytest.raises(ValueError, match="the crawler's"):
        await crawler.headers("GET", URL, {name: "x"}, use="TRAIN")


def said(code):
    return json.dumps({"error": "x", "code": code, "detail": "d", "buy_at": None}).encode()


def test_a_licence_that_a_site_calls_stopped_is_said_to_be(crawler):
    with pytest.raises(LicenceSuspendedError, match=NUMBER):
        crawler.heard(402, said("LICENCE_SUSPENDED"))
    with pytest.raises(LicenceRevokedError, match=NUMBER):
        crawler.heard(401, said("LICENCE_REVOKED"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, said("LICENCE_REVOKED")),
        (503, said("LICENCE_REVOKED")),
        (401, b""),
        (401, b"\xff"),
        (401, b"[" * 10_000),
        (401, b'{"code": 7}'),
        (401, said("LICENCE_REVOKED") + b" " * (16 << 10)),
        (403, said("WITHHELD")),
    ],
)
async def test_other_answers_change_nothing(crawler, minting, time, status, body):
    await crawler.headers("GET", URL)
    time.now += 60

    crawler.heard(status, body)
    await crawler.headers("GET", URL)

    assert minting.bound == 1


async def test_a_token_that_a_site_calls_invalid_is_fetched_anew_once_a_minute(
    crawler, minting, time
):
    for _ in range(123):
        await crawler.headers("GET", URL)
        crawler.heard(401, said("INVALID_TOKEN"))
        time.now += 1

    assert minting.bound == 3


SITES = [
    ["https://a.example/"],
    ["https://b.example/x", "https://a.example/b"],
    ["http://c.example"],
]


async def test_sites_get_their_tokens_together_and_are_renewed_together(mint, minting, time):
    crawler = SiteCrawler(mint, NUMBER, SITES)
    urls = ["https://a.example/1", "https://b.example/x/1?q", "http://c.example/"]

    for expected in (1, 1, 2):
        shown = [(await crawler.headers("GET", url))["Authorization"] for url in urls]
        assert shown == [f"License site.{expected}.{place}" for place in range(3)]
        time.now += 749

    assert minting.batches == [SITES, SITES]


async def test_a_site_without_a_token_costs_no_other_its_own(mint, minting):
    crawler = SiteCrawler(mint, NUMBER, SITES)
    minting.wrong = {"https://a.example/"}

    with pytest.raises(NotMintedError) as refusal:
        await crawler.headers("GET", "https://a.example/1")
    assert refusal.value.said == "OUTSIDE_LICENCE"
    assert await crawler.headers("GET", "http://c.example/1", {"A": "b"}, use="TRAIN") == {
        "A": "b",
        "Authorization": "License site.1.2",
        "X-Licence-Use": "TRAIN",
    }


@pytest.mark.parametrize(
    "url", ["https://b.example/y", "http://a.example/", "https://d.example/", "ftp://a.example/"]
)
async def test_an_address_of_no_site_is_refused_and_nobody_is_asked(mint, minting, url):
    with pytest.raises(NoSuchSiteError):
        await SiteCrawler(mint, NUMBER, SITES).headers("GET", url)

    assert minting.batches == []


async def test_many_sites_are_as_many_calls_as_one_may_ask_for(mint, minting):
    many = [[f"https://s{number}.example/"] for number in range(1_500)]
    large = [[f"https://l{number}.example/{part}" for part in range(50)] for number in range(41)]
    crawler = SiteCrawler(mint, NUMBER, many + large)

    for site in many + large:
        await crawler.headers("GET", site[0])

    assert [len(batch) for batch in minting.batches] == [1_000, 530, 11]
    assert [sum(map(len, batch)) for batch in minting.batches] == [1_000, 2_000, 550]
    with pytest.raises(ValueError, match="at most"):
        SiteCrawler(mint, NUMBER, many[:1] * (ALL_SITES_MAX + 1))


async def test_no_token_is_written_anywhere(crawler, caplog):
    caplog.set_level(logging.DEBUG)
    headers = await crawler.headers("GET", URL)
    crawler.heard(401, said("INVALID_TOKEN"))

    assert headers["Authorization"].split()[1] not in caplog.text + repr(vars(crawler._kept))


async def test_a_server_that_is_down_is_asked_less_and_less_often(time):
    calls = []

    def down(_call):
        calls.append(time.now)
        return Answer(503, {}, b"")

    mint = Mint("https://hub.example", GivenBearer("t"), fetch=down, pace=Pace(time, lambda: 0.0))
    crawler = BoundCrawler(mint, NUMBER, KEY)
    for _ in range(20):
        with pytest.raises(NotMintedError, match="HTTP 503"):
            await crawler.headers("GET", URL)
        time.now += 1

    assert [at - 1_000 for at in calls] == [0, 1, 3, 7, 15]
