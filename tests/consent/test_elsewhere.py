"""A copy at one node whose original a member of another node holds: who knows of that one's no.

Also a page that members of two nodes claim. What the hub's index has, the hub, metering, tokens and
gates go by, of the pages of a site too; a node's own `consent` and `rights(ownOnly: true)` know its
own word, and say so.
"""

from datetime import UTC, datetime

import pytest

from federation.addresses.urls import normalise_subject
from federation.claimindex import near_store
from federation.claimindex.messages import Slice, SliceRequest
from federation.claimindex.shared_hosts import SharedHosts
from federation.consent.states import Reason, State
from federation.history.kinds import Saying
from federation.mandates import asking
from federation.nodes.index import of_others
from federation.registry import edits
from federation.registry.edits import Edit
from federation.registry.imports import NewOptOut
from tests.consent.everybody import NOT_SAID, Everybody
from tests.databases import HUB_TERMS, a_party, opened
from tests.nodes.policies import policy_of
from tests.registry.registries import deltas, import_claims, import_members, receive

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
COPY, ORIGINAL = "https://copy.example/", "https://song.example/1"
BOTH, OWN = "https://both.example/", "https://own.example/"
PAGES = (COPY, BOTH, OWN)
SITE = ("copy.example", "both.example", "own.example")  # of m1 at DE
NO_TOKEN = "no token, whatever is said"


@pytest.fixture
async def servers(backend):
    """Lend the node DE, which has a copy, the node FR, which has its original, and the hub."""
    async with (
        backend.url(migrated=True) as de_url,
        backend.url(migrated=True) as fr_url,
        backend.url(migrated=True) as hub_url,
        opened(de_url) as de,
        opened(fr_url) as fr,
        opened(hub_url) as hub,
    ):
        for code, node in (("DE", de), ("FR", fr)):
            async with node.write("setup") as session:
                session.add(a_party("HUB", terms=HUB_TERMS))
            await import_members(node, node=code)
        await import_claims(
            de,
            "m1,own.example,standard,,,,,",
            "m1,both.example,standard,,,,,",
            "m1,copy.example,standard,,song.example/1,2500,,",
        )
        fr_claims = ("m1,song.example,standard,,,,,", "m1,both.example,standard,,,,,")
        await import_claims(fr, *fr_claims, node="FR")
        all_ = Everybody(de, hub, members=("m1",))
        await all_.sell()
        yield all_, fr


async def say_no(node, code, subject):
    new = NewOptOut(None, normalise_subject(subject), "*", NOON, State.WITHHELD, None, None)
    async with node.write("record") as session:
        edit = Edit(opt_outs=[(new, None, None)])
        await edits.write(session, code, edit, Saying("rosa", "a test", NOON))


async def asked(all_, use="TRAIN"):
    """Return {who: {page: why not}}, with gates that are told what the index says elsewhere."""
    keys, places = [("song.example", "/1")], [(each, "/") for each in SITE]
    async with all_.hub.read() as session:
        answer = await near_store.answer(session, SliceRequest(keys, places), "DE")
    elsewhere = of_others("DE", answer)
    policies = {"m1": await policy_of(all_.node, "m1", NOON, elsewhere)}
    found = await all_.asked(PAGES, use, NOON, policies)
    # The copies of a lab are of one collective's part here: the other's is not taken.
    return {who: said for who, said in found.items() if not who.startswith("copy")}


async def tell(all_, fr):
    for code, node in (("DE", all_.node), ("FR", fr)):
        await receive(all_.hub, *await deltas(node), node=code)


async def test_of_an_original_elsewhere_its_no_is_followed_by_all_who_ask_the_index(servers):
    all_, fr = servers
    await say_no(fr, "FR", "song.example/1")
    await tell(all_, fr)

    said = {who: pages[COPY] for who, pages in (await asked(all_)).items()}

    assert said == {
        "consent": None,
        "rights at the node": None,
        "metering by the node": None,
        "tokens of the node": NOT_SAID,
        "rights at the hub": Reason.WITHHELD,
        "rights at the hub, the node asked": Reason.WITHHELD,
        "metering by the hub": NOT_SAID,
        "tokens of the hub": NOT_SAID,
        "gate of m1": Reason.WITHHELD,
    }


async def test_what_a_node_did_not_ask_it_says(servers):
    all_, _ = servers
    question = asking.Question("TRAIN", NOON)
    async with all_.node.read() as session:
        found = await asking.answers(session, "DE", None, PAGES, question)

    assert {one.asked: one.not_asked for one in found} == {
        COPY: ("song.example/1",),
        BOTH: (),
        OWN: (),
    }


async def test_of_a_page_that_two_collectives_claim_a_no_of_one_is_enough_at_the_hub(servers):
    """The site refuses it too; by its own word alone the node answers `consent` as before."""
    all_, fr = servers
    await say_no(fr, "FR", "both.example")
    await tell(all_, fr)

    said = {who: pages.get(BOTH, NO_TOKEN) for who, pages in (await asked(all_)).items()}

    assert said == {
        "consent": None,
        "rights at the node": None,
        "metering by the node": None,
        "tokens of the node": NOT_SAID,
        "rights at the hub": Reason.WITHHELD,
        "rights at the hub, the node asked": Reason.WITHHELD,
        "metering by the hub": NOT_SAID,
        "tokens of the hub": NO_TOKEN,
        "gate of m1": Reason.OPTED_OUT,  # whatever they call it, it is no matter of this site's
    }


async def test_below_a_place_of_a_site_its_node_is_told_what_others_claim_and_withhold(servers):
    all_, fr = servers
    await import_claims(fr, "m1,own.example/guest,standard,,,,,", node="FR")
    for subject in ("both.example/a", "own.example/guest/1$", "own.example/host", "song.example"):
        await say_no(fr, "FR", subject)
    await tell(all_, fr)
    places = [(host, "/") for host in SITE]

    async with all_.hub.read() as session:
        asked = SliceRequest([], places)
        found = await near_store.answer(session, asked, "DE")
        own = await near_store.answer(session, asked, "FR")
        narrow = await near_store.answer(session, SliceRequest([], [("own.example", "/gu")]), "DE")

    held = sorted(one.fact.host + one.fact.path for one in found.claims)
    said = sorted((one.fact.host or "") + (one.fact.path or "") for one in found.opt_outs)
    assert held == ["both.example/", "own.example/guest"]
    assert said == ["both.example/a", "own.example/guest/1$"]
    assert {(one.node, one.fact.canonical) for one in own.claims} == {
        ("DE", None),
        ("DE", "song.example/1"),
    }
    assert narrow == Slice([], [])
    async with all_.hub.read() as session:
        known = SharedHosts()
        shared = [(await known.of(session, code)).hosts for code in ("DE", "FR")]
    assert shared == [["both.example", "own.example"]] * 2


async def test_more_claims_and_rulings_than_are_told_are_said_to_be_more(servers, monkeypatch):
    all_, fr = servers
    await say_no(fr, "FR", "both.example/a")
    await tell(all_, fr)

    places = SliceRequest([], [("both.example", "/")])
    for limit in ("CLAIMS_MAX", "RULINGS_MAX", "HOSTS_MAX"):
        with monkeypatch.context() as patched:
            patched.setattr(near_store, limit, 0)
            async with all_.hub.read() as session:
                if limit == "HOSTS_MAX":
                    found = await SharedHosts().of(session, "DE")
                else:
                    found = await near_store.answer(session, places, "DE")
        assert found == Slice([], [], is_cut=True)
