"""GB's site has a copy of a page at FR: it is told, and keeps to, what FR's member says of it.

And of a page that both their members claim, what FR says.

So does GB itself where it mints tokens for that site.
"""

from datetime import UTC, datetime, timedelta

import pytest

from federation.addresses.urls import normalise_url
from federation.claimindex.messages import NOTHING
from federation.gate.rulings import HeldPolicy
from federation.messaging.pulls import PULL_SECONDS
from federation.nodes.originals import OriginalsHolder
from federation.nodes.site_memory import SiteMemory
from federation.registry.site_store import Elsewhere
from federation.server import PeerDownError
from federation.signing.policy import open_site_policy
from federation.site.policy_source import POLL_SECONDS
from federation.values.party import HUB
from tests.federation.asked_about import CONTESTED, COPY, JOURNAL
from tests.federation.batches import MINT as MINT_MANY
from tests.federation.callers import MINT, on_one_database
from tests.federation.harness import fetch, resumed, tell

MIDNIGHT = datetime(2026, 9, 20, tzinfo=UTC)  # from then on fr-b withholds all from training
BEFORE = MIDNIGHT - timedelta(minutes=10)
SECOND = timedelta(seconds=1)
OWN = "https://press.example/own"  # no copy
OPT_OUT = """mutation { recordOptOut(subject: "journal.example", use: "GROUND", reason: "no") {
  __typename ... on Refused { code message } } }"""

OPT_OUT_ONE = OPT_OUT.replace('"journal.example"', '"both.example/1"')
RIGHTS = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use) { items { status reason } } }"""


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(BEFORE)
        for keeper in small.keepers.values():  # documents are pulled again by the tests' clock
            keeper.service.server.monotonic = lambda: small.clock().timestamp()
        yield small


async def told(small, member="gb-b", page=COPY):
    """Return what the gate of a site says of a page, by the policy that its node gives it."""
    answer = await fetch(small, "GB", f"/sites/{member}/policy", small.at("GB", "registry"))
    pins = [{small.key(who).kid: small.key(who).public} for who in ("GB", HUB)]
    held = HeldPolicy(open_site_policy(answer.body, *pins))
    return lambda use, at: held.why_withheld([normalise_url(page)], use, at)


async def test_a_copy_is_reserved_from_the_instant_from_which_its_original_is(small):
    why = await told(small)

    assert [why("TRAIN", at) for at in (MIDNIGHT - SECOND, MIDNIGHT)] == [None, "OPTED_OUT"]
    assert why("GROUND", MIDNIGHT) is None


async def test_a_node_hears_of_an_original_by_its_next_pull_and_holds_it_meanwhile(small):
    await told(small)
    await small.member("FR", "fr-b").ask(OPT_OUT)
    await small.silence()
    assert (await told(small))("GROUND", BEFORE) is None
    small.set_clock(BEFORE + timedelta(seconds=PULL_SECONDS))
    assert (await told(small))("GROUND", small.clock()) == "OPTED_OUT"

    await small.stop(HUB)
    small.set_clock(small.clock() + timedelta(minutes=5))
    why = await told(small)

    assert why("GROUND", small.clock()) == "OPTED_OUT"
    assert why("TRAIN", small.clock()) is None


async def test_a_site_keeps_to_what_another_collective_withholds_of_a_page_that_both_claim(small):
    """Within 65 seconds: the node asks the hub every 15, a site its node every 30."""
    theirs, other = CONTESTED, "https://both.example/2"
    before = [(await told(small, "gb-a", page))("GROUND", BEFORE) for page in (theirs, other)]
    await small.member("FR", "fr-a").ask(OPT_OUT_ONE)
    await small.silence()
    small.set_clock(BEFORE + timedelta(seconds=PULL_SECONDS))

    after = [
        (await told(small, "gb-a", page))(use, small.clock())
        for page, use in ((theirs, "GROUND"), (theirs, "TRAIN"), (other, "GROUND"))
    ]

    assert before == [None, None]
    assert after == ["OPTED_OUT", None, None]
    assert PULL_SECONDS + POLL_SECONDS < 65
    [item] = (await small.lab("lab-one").ask(RIGHTS, urls=[theirs], use="GROUND"))["items"]
    assert (item["status"], item["reason"]) == ("RESERVED", "OPTED_OUT")


async def test_what_nobody_knows_yet_is_refused_and_nothing_is_asked_where_there_is_no_copy(small):
    service = small.keepers["GB"].service
    holder = OriginalsHolder(service.server, service._peers, SiteMemory(service.server))
    await small.stop(HUB)

    with pytest.raises(PeerDownError):
        await holder.elsewhere("gb-b", Elsewhere(frozenset({normalise_url(JOURNAL)})))
    assert await holder.elsewhere("gb-a", Elsewhere()) == NOTHING


async def minted(small, *pages, uses=("TRAIN",)):
    """Return what GB mints for pages one by one, and then for all of them in one batch."""
    lab, asked = small.lab("lab-one", "GB"), {"licence": "HUB-000001", "uses": list(uses)}
    found = []
    for page in pages:
        answer = await tell(small, "GB", lab, MINT, audience=[page], **asked)
        found.append(answer.body["data"]["mintToken"].get("code"))
    answer = await tell(small, "GB", lab, MINT_MANY, sites=[[page] for page in pages], **asked)
    batch = answer.body["data"]["mintTokens"]
    if "code" in batch:
        return found, batch["code"]
    refused = {one["place"]: one["code"] for one in batch["refused"]}
    return found, [refused.get(place) for place, _ in enumerate(pages)]


@on_one_database
async def test_a_node_mints_no_token_for_a_copy_that_the_originals_collective_withholds(small):
    assert await minted(small, COPY, OWN) == ([None, None], [None, None])
    small.set_clock(MIDNIGHT)

    of_training = await minted(small, COPY, OWN)
    of_grounding = await minted(small, COPY, uses=("TRAIN", "GROUND"))
    await small.stop(HUB)
    unknown = await minted(small, COPY, OWN)

    assert of_training == (["NOT_OFFERED", None], ["NOT_OFFERED", None])
    assert of_grounding == ([None], [None])  # it is for what is open there
    assert unknown == (["PEER_DOWN", "PEER_DOWN"], "PEER_DOWN")
