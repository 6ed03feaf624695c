"""What everybody reads of a member costs its node little, however often and by whom it is asked."""

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from federation.licensing.counter import Counter
from federation.nodes import terms as module
from federation.nodes.terms import CounterHolder, Terms, TermsNotKnownError
from federation.quotas import Quota
from federation.registry.service import UnknownMemberError
from federation.values.party import HUB
from tests.federation.harness import small_federation, write_scenario
from tests.federation.market import open_market
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOLD = Counter("hub", "Hub", "https://h/buy", ["TRAIN"], ["ai-train"], "", "", "")
PATHS = ("license.xml", "tdmrep.json", "robots.txt")


class Sells(CounterHolder):
    """What the hub sells, without a hub."""

    async def current(self):
        return SOLD


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def market(sqlite, tmp_path_factory):
    async with open_market(sqlite, tmp_path_factory.mktemp("market")) as found:
        yield found


@pytest.fixture
def server(market):
    return market.small.keepers["DE"].service.server


@pytest.fixture
def terms(server):
    return Terms(server, Sells(server, None))


@pytest.fixture
def made(monkeypatch):
    """Of which members facts were read from the database, in this order."""
    found, real = [], module.member_facts

    async def noted(session, node, member, **more):
        found.append(member)
        return await real(session, node, member, **more)

    monkeypatch.setattr(module, "member_facts", noted)
    return found


async def test_a_thousand_who_ask_at_once_have_it_made_once(terms, made):
    found = await asyncio.gather(*(terms.of("de-a") for _ in range(1_000)))

    assert made == ["de-a"]
    assert len({each["license.xml"].etag for each in found}) == 1


async def test_that_there_is_no_such_member_is_kept_as_well(terms, made):
    for _ in range(3):
        with pytest.raises(UnknownMemberError):
            await terms.of("nobody")

    assert made == ["nobody"]


async def test_it_is_made_again_after_ten_seconds_and_when_the_registry_changed(
    market, terms, made
):
    day = market.small.clock.instant
    await terms.of("de-a")
    terms.look_again()
    await terms.of("de-a")
    market.small.set_clock(day + timedelta(seconds=module.KEPT_SECONDS))
    try:
        await terms.of("de-a")
    finally:
        market.small.set_clock(day)

    assert made == ["de-a"] * 3


async def test_strangers_fill_no_memory(terms, made, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES_MAX", 20 * module.NOBODY_BYTES)

    for number in range(100):
        with pytest.raises(UnknownMemberError):
            await terms.of(f"nobody-{number}")

    assert (len(terms._kept), terms._bytes) == (20, 20 * module.NOBODY_BYTES)
    with pytest.raises(UnknownMemberError):
        await terms.of("nobody-99")
    assert len(made) == 100
    await asyncio.sleep(0)
    assert terms._flights == {}


async def test_a_stranger_has_a_quota(market, server):
    kept, server.quotas = server.quotas, still({"anonymous": Quota(burst=3, per_minute=1)})
    try:
        answers = [(await market.get("DE", "/sites/de-a/robots.txt"))[0] for _ in range(4)]
    finally:
        server.quotas = kept

    assert answers == [200, 200, 200, 429]


async def test_who_guesses_secrets_at_a_licence_server_waits(market):
    hub = market.small.keepers[HUB].service.server
    kept, hub.quotas = hub.quotas, still({"oauth": Quota(burst=180, per_minute=1)})
    url, secret = f"{market.base(HUB, 'DE/de-a')}/token", market.clients["one"].secret
    try:
        for _ in range(20):  # each counts as one of 180
            assert (await market.buy(HUB, "DE/de-a", resource="/"))[0] == 200
        market.clients["one"].secret = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        answers = [await market.post(url, {"grant_type": "x"}) for _ in range(4)]
    finally:
        hub.quotas, market.clients["one"].secret = kept, secret

    assert [status for status, _, _ in answers] == [401, 401, 429, 429]
    assert answers[2][1] == {"error": "temporarily_unavailable"}
    assert answers[2][2]["Retry-After"].isdigit()


async def test_a_lab_has_a_quota_of_tokens(market):
    hub = market.small.keepers[HUB].service.server
    kept, hub.quotas = hub.quotas, still({"tokens": Quota(burst=1, per_minute=1)})
    try:
        answers = [(await market.buy(HUB, "DE/de-a", resource="/"))[0] for _ in range(2)]
    finally:
        hub.quotas = kept

    assert answers == [200, 429]


async def test_a_node_that_knows_no_hub_yet_says_so(sqlite, tmp_path):
    folder = tmp_path
    async with small_federation(sqlite, write_scenario(folder / "files"), folder) as small:
        url = f"{small.running['DE'].url}/sites/de-a/license.xml"
        async with small.http.get(url) as answer:
            found = json.loads(await answer.read())

        assert (answer.status, found["code"]) == (503, "TERMS_NOT_KNOWN")
        assert answer.headers["Retry-After"] == "1"


async def test_what_a_node_does_not_understand_of_the_hub_is_not_kept(server):
    class Peers:
        text = "nothing"

        async def get_text(self, url, *, bytes_max):
            assert (url.endswith("/buy"), bytes_max) == (True, 1 << 20)
            return self.text

    peers = Peers()
    holder = CounterHolder(server, peers)
    for text in ("nothing", "[" * 100_000, "[]", '{"hub": 1}', '{"uses": "TRAIN"}'):
        peers.text = text
        with pytest.raises(TermsNotKnownError):
            await CounterHolder(server, peers).current()
    good = msgspec.to_builtins(SOLD)
    for wrong in ({"buy_at": "https://h/\n/buy"}, {"buy_at": "/buy"}, {"uses": ["~"]}):
        peers.text = json.dumps(good | wrong)
        with pytest.raises(TermsNotKnownError):
            await CounterHolder(server, peers).current()
    peers.text = msgspec.json.encode(SOLD).decode()
    assert await holder.current() == SOLD
