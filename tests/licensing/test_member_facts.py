"""What a node knows of a member for its terms: its outermost addresses, and whose lie below."""

from datetime import UTC, datetime

import pytest

from federation.addresses.urls import ClaimKey, normalise_claim
from federation.claimindex import delta_store, index_store
from federation.licensing.counter import Counter
from federation.licensing.member_facts import member_facts
from federation.nodes.site_terms import site_terms
from federation.registry import store
from federation.rsl.evaluating import Asked, State, evaluate
from federation.rsl.member_terms import CLAIMS_MAX, RESERVED_MAX, terms_of
from tests.databases import HUB_TERMS, a_party
from tests.registry.registries import (
    deltas,
    holder,
    import_claims,
    import_members,
    import_opt_outs,
)

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
COUNTER = Counter("hub", "Hub", "https://hub.example/buy", ["TRAIN", "SEARCH"], [], "", "", "")
SITE = "https://pub.example"


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    await import_members(database)
    return database


async def facts_of(node, member="m1"):
    async with node.read() as session:
        return await member_facts(session, "DE", member, counter=COUNTER, now=NOON)


def claimed(*texts, member="m1", days=","):
    return [f"{member},{text},standard,,,,{days}" for text in texts]


def keys(*texts):
    return [normalise_claim(text) for text in texts]


def states(facts, *paths, usage="ai-train"):
    terms = terms_of(facts)
    return [evaluate(terms, Asked(SITE + path, usage)).state == State.OFFERED for path in paths]


async def test_claims_within_others_take_no_room_from_claims_elsewhere(node):
    nested = [f"a.example/{n:04}" for n in range(CLAIMS_MAX + 1)]
    await import_claims(node, *claimed("a.example", *nested, "z.example"))

    facts = await facts_of(node)

    assert facts.claims == keys("a.example", "z.example")
    assert [each.url for each in terms_of(facts).contents] == [
        "https://a.example/",
        "https://z.example/",
    ]


async def test_what_another_member_claims_below_is_not_for_sale_with_the_rest_of_the_host(node):
    await import_claims(
        node,
        *claimed("pub.example", "pub.example/both"),
        *claimed("pub.example/b_/", "pub.example/both", "pub.example:8443/c", member="m2"),
    )

    facts = await facts_of(node)

    assert facts.claims == keys("pub.example")
    assert facts.others == keys("pub.example/b_/", "pub.example/both")
    assert states(facts, "/", "/b", "/bx/1", "/b_/1", "/both/1", "/c/1") == [
        *(True, True, True),
        *(False, False, True),
    ]
    assert states(facts, "/", "/b_/1", usage="search") == [True, False]
    below = [each for each in terms_of(facts).contents if each.url == f"{SITE}/b_/"]
    assert [(each.server, each.licences[0].prohibits[0].words) for each in below] == [
        (None, ("ai-train", "ai-input", "ai-index"))
    ]
    assert states(await facts_of(node, "m2"), "/", "/b_/1") == [False, True]


async def test_only_what_counts_today_or_tomorrow_is_anothers(node):
    await import_claims(
        node,
        *claimed("pub.example"),
        *claimed("pub.example/over", member="m2", days="2026-01-01,2026-09-10"),
        *claimed("pub.example/ends", member="m2", days="2026-01-01,2026-09-11"),
        *claimed("pub.example/begins", member="m2", days="2026-09-11,"),
        *claimed("pub.example/later", member="m2", days="2026-09-12,"),
    )

    assert (await facts_of(node)).others == keys("pub.example/begins", "pub.example/ends")


async def test_below_a_claim_on_all_subdomains_are_those_of_others_and_not_the_other_way_round(
    node,
):
    await import_claims(
        node,
        *claimed("*.pub.example", "news.example/x"),
        *claimed("a.pub.example/b", "evilpub.example/b", "*.news.example/x/y", member="m2"),
    )

    assert (await facts_of(node)).others == keys("a.pub.example/b")


async def test_below_whom_more_members_stand_than_a_document_holds_everything_is_reserved(node):
    below = [f"pub.example/{n:04}" for n in range(RESERVED_MAX + 2)]
    await import_claims(node, *claimed("pub.example"), *claimed(*below, member="m2"))

    facts = await facts_of(node)

    assert facts.others == keys(*below[:-1])
    assert states(facts, "/", "/x") == [False, False]


async def test_a_site_is_told_what_another_member_below_it_reserves(node):
    await import_claims(node, *claimed("pub.example"), *claimed("pub.example/b/", member="m2"))
    await import_opt_outs(node, "member:m2,TRAIN,2026-09-01T00:00:00Z")

    class Here:
        code, url = "DE", "https://de.example"

        @staticmethod
        def clock():
            return NOON

        @staticmethod
        def monotonic():
            return 0.0

    async with node.read() as session:
        told = await site_terms(session, Here, "m1")

    assert [(each.subject, each.use) for each in told.optouts] == [("pub.example/b/", "TRAIN")]


@pytest.mark.parametrize(
    ("near", "found"),
    [
        (("pub.example", "/a_/b"), ["pub.example/", "pub.example/a_", "pub.example/a_/b/c"]),
        (("pub.example", "/a_/"), ["pub.example/", "pub.example/a_", "pub.example/a_/b/c"]),
        (("x.pub.example", "/a_"), ["pub.example/", "pub.example/a_", "pub.example/a_/b/c"]),
        ((None, "/ax"), ["pub.example/", "pub.example/ax", "z.example/"]),
        (("z.example", "/"), ["z.example/"]),
    ],
)
async def test_only_claims_near_an_address_are_read(node, near, found):
    """Of hosts above it as well, which a wildcard may make its own: whoever asks looks at that."""
    await import_claims(
        node,
        *claimed("pub.example", "pub.example/a_", "pub.example/ax", "pub.example/a_/b/c"),
        *claimed("z.example"),
    )
    for delta in await deltas(node):
        async with node.write("index") as session:
            await delta_store.apply_delta(session, "DE", delta)
    there = [
        ClaimKey(host, f"/{path}", False) for host, _, path in (x.partition("/") for x in found)
    ]

    async with node.read() as session:
        day = NOON.date()
        own = await store.claims_held(session, "m1", on=day, near=near, limit=9)
        index = await index_store.claims_held(session, *holder("m1"), on=day, near=near, limit=9)

    assert own == there
    assert index == there
