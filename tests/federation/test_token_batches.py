"""Tokens for many sites in one call: each its token or its own refusal, at hub and node."""

import re
from collections import Counter

import msgspec
import pytest
from sqlalchemy import event

from federation.quotas import Quota
from federation.scenario.servers import HUB_ENTITY
from federation.signing.bound_tokens import open_licence_token
from federation.tokens import batches
from federation.values.party import HUB
from tests.federation.batches import MINT
from tests.federation.gate import answered_during
from tests.federation.harness import DAY, nothing_changes, tell
from tests.federation.holders import Holder
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNA, BRUNO, ADA = (
    ["https://news.example/de/"],
    ["http://JOURNAL.example"],
    ["https://press.example"],
)
NOBODY, TWO_MEMBERS = ["https://nobody.example/"], [*ANNA, *BRUNO]


async def mint(small, sites, code=HUB, **asked):
    asked = {"licence": "HUB-000001", "sites": sites} | asked
    answer = await tell(small, code, small.lab("lab-one", code), MINT, **asked)
    assert answer.status == 200
    return answer.body["data"]["mintTokens"]


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_each_site_gets_its_token_in_the_order_asked(shop, code):
    found = await mint(shop, [ANNA, BRUNO, ADA], code)

    assert (found["expiresIn"], found["refused"]) == (900, [])
    issuers = (await Holder.of(shop)).held.issuers
    tokens = [
        open_licence_token(token, issuers=issuers, hub=HUB_ENTITY, now=DAY)
        for token in found["tokens"]
    ]
    assert [token.audience for token in tokens] == [
        ("https://news.example/de/",),
        ("http://journal.example/",),
        ("https://press.example/",),
    ]
    assert {token.licence for token in tokens} == {"HUB-000001"}
    assert {token.uses for token in tokens} == {("GROUND", "TRAIN")}
    assert len({token.jti for token in tokens}) == 3


async def test_a_site_that_is_refused_costs_no_other_its_token(shop):
    pattern, deep = ["https://news.example/de/*"], ["https://news.example/de" + "/a" * 32]
    sites = [NOBODY, ANNA, TWO_MEMBERS, ["ftp://x"], [], pattern, BRUNO, deep, [deep[0][:-2]]]

    found = await mint(shop, sites)

    assert [token is None for token in found["tokens"]] == [
        True,
        False,
        *[True] * 4,
        False,
        True,
        False,
    ]
    assert [(each["place"], each["code"]) for each in found["refused"]] == [
        (0, "OUTSIDE_LICENCE"),
        (2, "OUTSIDE_LICENCE"),
        (3, "MALFORMED_URL"),
        (4, "OUTSIDE_LICENCE"),
        (5, "INVALID_GRANT"),
        (7, "INVALID_GRANT"),
    ]


async def test_a_node_mints_for_addresses_as_they_are_and_refuses_what_is_none(shop):
    found = await mint(shop, [NOBODY, ["ftp://x"]], "DE")

    assert [token is None for token in found["tokens"]] == [False, True]
    assert [(each["place"], each["code"]) for each in found["refused"]] == [(1, "MALFORMED_URL")]


REFUSED = {
    "no site": ({"sites": []}, "TOO_MANY_SITES"),
    "1,001 sites": ({"sites": [ANNA] * 1001}, "TOO_MANY_SITES"),
    "2,001 prefixes": ({"sites": [ANNA * 50] * 40 + [ANNA]}, "TOO_MANY_SITES"),
    "another's licence": ({"licence": "HUB-000002"}, "UNKNOWN_LICENCE"),
    "no licence": ({"licence": "HUB-000999"}, "UNKNOWN_LICENCE"),
    "a use not granted": ({"uses": ["SEARCH"]}, "OUTSIDE_LICENCE"),
}


@pytest.mark.parametrize("code", [HUB, "DE"])
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_wrong_with_the_whole_refuses_the_whole(shop, name, code):
    changes, refusal = REFUSED[name]

    async with nothing_changes(shop, code):
        found = await mint(shop, **({"sites": [ANNA]} | changes), code=code)

    assert found["code"] == refusal


PRIVATE = ["https://news.example/de/private/"]


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_what_is_reserved_for_all_the_uses_asked_has_no_token(shop, code):
    found = await mint(shop, [ANNA, PRIVATE, [*ANNA, *PRIVATE]], code)

    assert [(each["place"], each["code"]) for each in found["refused"]] == [
        (1, "NOT_OFFERED"),
        (2, "NOT_OFFERED"),
    ]
    assert found["refused"][0]["message"].endswith("reserved at news.example/de/private/)")


async def test_what_is_reserved_for_one_use_has_a_token_for_the_others(shop):
    both, training = await mint(shop, [BRUNO]), await mint(shop, [BRUNO], uses=["TRAIN"])

    assert (both["refused"], training["refused"][0]["code"]) == ([], "NOT_OFFERED")


READ = ("licensing_registration", "registry_index_claim")


async def test_a_batch_is_read_at_once(shop):
    """500 hosts go into one statement, of how many members ever."""
    engine, seen = shop.keepers[HUB].service.server.db._reader.sync_engine, set()

    def note(_connection, _cursor, statement, asked, *_):
        if re.search(r"\bs\d+\.example|HUB-000001", str(asked)):  # others read as well
            found = (name for name in READ if f"FROM {name}" in statement)
            seen.update((name, str(asked)) for name in found)  # a slow read is begun anew

    event.listen(engine, "before_cursor_execute", note)
    counts = []
    try:
        for count in (2, 400, 1000):
            sites = [[f"https://s{number}.example/"] for number in range(1, count)] + [ANNA]
            assert (await mint(shop, sites))["tokens"][-1] is not None
            counts.append(Counter(name for name, _ in seen))
            seen.clear()
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert [[found[name] for name in READ] for found in counts] == [[1, 1], [1, 1], [1, 1]]


async def test_others_are_answered_while_a_batch_is_signed(shop, monkeypatch):
    work = "federation.tokens.batches.mint_licence_token"
    async with answered_during(shop, HUB, monkeypatch, work):
        found = await mint(shop, [ANNA])

    assert found["refused"] == []


async def test_a_batch_counts_each_of_its_sites(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"tokens": Quota(burst=3, per_minute=1)})
    try:
        assert (await mint(shop, [ANNA, NOBODY]))["refused"][0]["place"] == 1
        assert (await mint(shop, [ANNA, ANNA]))["code"] == "TOO_MANY_REQUESTS"
        assert (await mint(shop, [ANNA]))["refused"] == []
    finally:
        server.quotas = kept


async def test_a_full_batch_is_one_answer_of_less_than_a_megabyte(shop):
    """A thousand tokens of one prefix each; a full batch of refusals is smaller."""
    found = await mint(shop, [ANNA] * batches.SITES_MAX)

    assert len(found["tokens"]) == 1000
    assert len(msgspec.json.encode(found)) < 1_000_000
