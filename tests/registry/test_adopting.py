"""What version 1.0 of the rules took, after an upgrade to 1.1: at a node and in the index."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex import delta_store, index_store
from federation.claimindex.messages import RegistryDelta
from federation.consent.states import State
from federation.registry import facts, own_store, store
from federation.registry.adopting import adopt_rules
from federation.registry.receiving import BadDeltaError, receive_delta
from federation.registry.tables import Claim, OptOut
from tests.databases import contents, refused
from tests.registry.registries import (
    NO_CLAIM,
    TOO_WIDE,
    deltas,
    holder,
    hub_entries,
    index_of,
    own_entries,
    owners,
    receive,
)

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(microseconds=1)
EARLIER, TODAY = datetime(2026, 9, 9, 23, 59, tzinfo=UTC), date(2026, 9, 10)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def a_claim(claim_id, host, path="/", **changes):
    """A claim as version 1.0 kept it."""
    values = {"member_id": "m1", "wildcard": False, "content_tier": "standard", "works": 1}
    values |= {"canonical": None, "owner_bps": None, "valid_from": None, "valid_to": None}
    values |= {"rules": "1.0", "ended_because": None}
    return Claim(claim_id=claim_id, host=host, path=path, **(values | changes))


def an_opt_out(host, path="/", **changes):
    values = {"member_id": None, "wildcard": False, "use": "*", "effective_at": SINCE}
    values |= {"ends_at": None, "recorded_at": SINCE, "rules": "1.0", "ended_because": None}
    values |= {"state": State.OPT_OUT}
    return OptOut(host=host, path=path, **(values | changes))


CLAIMS = {
    "c01": ("x.example", "/"),
    "c02": ("co.uk", "/"),
    "c03": ("example", "/", {"wildcard": True}),
    "c04": ("x.example", "/a b"),
    "c05": ("star.example", "/a*b"),
    "c06": ("a..example", "/"),
    "c07": ("copy.example", "/", {"canonical": "co.uk/", "owner_bps": 5_000}),
    "c08": ("copy.example", "/1", {"canonical": "x.example/a|b", "owner_bps": 5_000}),
    "c09": ("com", "/", {"valid_to": date(2026, 3, 1)}),  # over long since
    "c10": ("x.example", "/a%20b"),  # what c04 says, spelled anew
}
OPT_OUTS = [
    ("x.example", "/private/"),
    ("uk", "/", {"wildcard": True}),
    ("p.example", "/star/*"),
    ("p.example", "/1$"),
    ("p.example", "/c$d e"),
    ("p.example", "/" + "*" * 17),
]


@pytest.fixture
async def old(node, hub):
    """A node and the hub's index with what version 1.0 took."""
    claims = [a_claim(name, *row[:2], **dict(*row[2:])) for name, row in CLAIMS.items()]
    opt_outs = [an_opt_out(*row[:2], **dict(*row[2:])) for row in OPT_OUTS]
    delta = RegistryDelta(
        version=1,
        claims=[facts.fact_of_claim("DE", row, date(2025, 3, 1)) for row in claims],
        opt_outs=[facts.fact_of_opt_out("DE", row) for row in opt_outs],
    )
    async with hub.write("1.0") as session:
        await delta_store.next_version(session, "DE")
        await delta_store.apply_delta(session, "DE", delta)
    async with node.write("1.0") as session:
        await delta_store.next_version(session, "DE")
        session.add_all([*claims, *opt_outs])
    return node


async def adopt(database, now=NOON):
    async with database.write("adopt") as session:
        return await adopt_rules(session, node="DE", now=now)


async def kept_claims(database):
    async with database.read() as session:
        rows = await session.scalars(select(Claim).order_by(Claim.claim_id))
        return {row.claim_id: (row.host, row.path, row.canonical, row.valid_to) for row in rows}


async def test_what_the_rules_refuse_by_now_ends_today_and_is_listed_with_the_reason(old):
    ended = await adopt(old)

    assert [(row.member_id, row.text, row.reason) for row in ended] == [
        ("m1", "co.uk/", f"{TOO_WIDE} (co.uk/: a public suffix)"),
        ("m1", "*.example/", f"{TOO_WIDE} (*.example/: every name below a public suffix)"),
        (
            "m1",
            "x.example/a b",
            "The same claim twice for one member. (x.example/a%20b)",
        ),
        (
            "m1",
            "star.example/a*b",
            f"{NO_CLAIM} (a raw * or $ in the path: the characters are %2A and %24)",
        ),
        ("m1", "a..example/", f"{NO_CLAIM} (no host)"),
        ("m1", "copy.example/", f"{TOO_WIDE} (co.uk/: a public suffix)"),
        (None, "*.uk/", f"{TOO_WIDE} (*.uk/: every name below a public suffix)"),
        (None, f"p.example/{'*' * 17}", f"{NO_CLAIM} (more than 16 * in a pattern)"),
    ]
    async with old.read() as session:
        claims, opt_outs = await store.ended(session, 1_000)
    assert [(row.claim_id, row.valid_to) for row in claims] == [
        (name, TODAY) for name in ("c02", "c03", "c04", "c05", "c06", "c07")
    ]
    assert [(row.host, row.ends_at) for row in opt_outs] == [("uk", NOON), ("p.example", NOON)]
    reasons = [row.ended_because for row in (*claims, *opt_outs)]
    assert reasons == [row.reason for row in ended]


async def test_what_the_rules_take_stands_and_is_spelled_anew(old):
    await adopt(old)

    found = await kept_claims(old)

    assert found["c01"] == ("x.example", "/", None, None)
    assert found["c08"] == ("copy.example", "/1", "x.example/a%7Cb", None)
    assert found["c09"] == ("com", "/", None, date(2026, 3, 1))
    assert found["c10"] == ("x.example", "/a%20b", None, None)
    async with old.read() as session:
        rows = await session.scalars(select(OptOut).order_by(OptOut.id))
        withheld = [(row.host, row.path, row.effective_at, row.ends_at) for row in rows]
    assert withheld == [
        ("x.example", "/private/", SINCE, None),
        ("uk", "/", SINCE, NOON),
        ("p.example", "/star/%2A", SINCE, None),
        ("p.example", "/1%24", SINCE, None),
        ("p.example", "/c%24d%20e", SINCE, None),
        ("p.example", "/" + "%2A" * 17, SINCE, NOON),
        ("p.example", "/star/*", NOON, None),
        ("p.example", "/1$", NOON, None),
    ]


async def test_the_index_is_told_and_knows_what_the_node_knows(old, hub):
    await adopt(old)
    await receive(hub, *await deltas(old))

    hosts = ["x.example", "www.co.uk", "co.uk", "star.example", "copy.example", "p.example"]
    keys = [UrlKey(host, "/") for host in [*hosts, "a.uk", "y.example", "com"]]
    async with old.read() as session:
        own = await own_store.own_rows(session, "DE", keys)
    async with hub.read() as session:
        known = await index_store.index_slice(session, keys)
    assert hub_entries(known) == own_entries("DE", own)
    assert [row[:2] for row in (await contents(hub))["registry_version"]] == [("DE", 2)]


async def test_a_claim_that_ended_counts_to_the_day_before_and_for_nobody_after(old, hub):
    await adopt(old)
    await receive(hub, *await deltas(old))

    for url in ("https://co.uk/", "https://any.example/", "https://star.example/a*b"):
        assert await owners(hub, url, EARLIER) == {holder("m1")}
        assert await owners(hub, url, NOON) == set()
    assert await owners(hub, "https://star.example/axb", EARLIER) == {holder("m1")}  # *.example
    assert await owners(hub, "https://x.example/a b", NOON) == {holder("m1")}


async def test_an_opt_out_that_ended_withholds_until_then_and_a_pattern_from_then_on(old, hub):
    await adopt(old)
    await receive(hub, *await deltas(old))

    async def withheld(url):
        index = await index_of(hub, url)
        return [index.is_reserved(normalise_url(url), "TRAIN", at) for at in (BEFORE, NOON)]

    assert await withheld("https://a.uk/") == [True, False]
    assert await withheld("https://p.example/star/one") == [False, True]
    assert await withheld("https://p.example/star/*") == [True, True]  # the page of that name
    assert await withheld("https://p.example/1") == [False, True]
    assert await withheld("https://p.example/c$d%20e/f") == [True, True]
    assert await withheld("https://x.example/private/1") == [True, True]


async def test_the_registry_is_read_again_once(old):
    async with old.read() as session:
        assert not await store.is_all_read(session)
    await adopt(old)
    after = await contents(old)

    assert await adopt(old, NOON + timedelta(days=1)) == []
    assert await contents(old) == after
    async with old.read() as session:
        assert await store.is_all_read(session)


async def test_what_this_version_took_is_not_held_against_the_next_list_of_suffixes(node):
    async with node.write("1.1") as session:
        session.add(a_claim("c", "co.uk", rules="1.1"))
    before = await contents(node)

    assert await adopt(node) == []
    assert await contents(node) == before


@pytest.mark.usefixtures("old")
async def test_a_claim_that_a_node_never_made_is_not_withdrawn(hub):
    foreign = RegistryDelta(version=1, withdrawn_claims=["c01"])

    refusal = await refused(
        hub, BadDeltaError, lambda session: receive_delta(session, "FR", foreign)
    )

    assert refusal.detail == "claim c01 is withdrawn and was never made"
