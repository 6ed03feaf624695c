"""What others have at the places of a site, of which these, and how long they are, others chose."""

import random
from datetime import UTC, date, datetime

import pytest

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey
from federation.claimindex import near_store
from federation.claimindex.near_store import Near, slice_near
from federation.claimindex.tables import IndexClaim, IndexOptOut

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOST = "a.example"
DEEP = "/a" * 400  # segments of one path: it lies within eight hundred others


def claimed(path, *, host=HOST, wildcard=False, node="FR"):
    return IndexClaim(
        node=node,
        claim_id=f"{node}{host}{path}{wildcard}"[:64],
        holder_id=f"of-{node}",
        host=host,
        path=path,
        wildcard=wildcard,
        counts_from=date(2026, 1, 1),
        content_tier="a",
        recorded_at=NOON,
    )


def withheld(path, *, host=HOST, wildcard=False):
    return IndexOptOut(
        node="FR", host=host, path=path, wildcard=wildcard, use="*", effective_at=NOON
    )


async def told(database, rows, *paths):
    """Return which claims and rulings DE is told of, with these rows, about places of its site."""
    async with database.write("test.rows") as session:
        session.add_all(rows)
    places = {ClaimKey(HOST, path, wildcard=False) for path in paths}
    async with database.read() as session:
        found = await slice_near(session, "DE", places)
    if found.is_cut:
        return "more than is told"
    held = sorted(one.fact.host + one.fact.path for one in found.claims)
    said = sorted((one.fact.host or "") + (one.fact.path or "") for one in found.opt_outs)
    return held, said


async def test_of_places_deep_in_a_site_what_stands_above_and_below_is_found(database):
    places = [f"{DEEP}/{number}" for number in range(100)]
    rows = [
        claimed("/a/"),
        claimed(f"{DEEP}/7/x"),
        claimed("/b"),
        claimed("/a", node="DE"),
        withheld("/a/a"),
        withheld(f"{DEEP}/7/x/y"),
        withheld(f"{DEEP}/8/y"),
    ]

    assert await told(database, rows, *places) == (
        [f"{HOST}/a/", f"{HOST}{DEEP}/7/x"],
        [f"{HOST}/a/a", f"{HOST}{DEEP}/7/x/y", f"{HOST}{DEEP}/8/y"],
    )


async def test_a_claim_above_many_places_is_counted_once(database, monkeypatch):
    monkeypatch.setattr(near_store, "CLAIMS_MAX", 2)
    monkeypatch.setattr(near_store, "PLACES_AT_ONCE", 1)
    rows = [claimed("/"), claimed("/", wildcard=True)]

    assert await told(database, rows, "/a", "/b", "/c") == ([f"{HOST}/"] * 2, [])
    assert await told(database, [claimed("/c")], "/a", "/b", "/c") == "more than is told"


async def test_no_longer_answer_is_given_than_is_read(database, monkeypatch):
    rows = [claimed("/a"), withheld("/a/1")]
    monkeypatch.setattr(near_store, "LETTERS_MAX", 6)
    assert await told(database, rows, "/") == ([f"{HOST}/a"], [f"{HOST}/a/1"])
    monkeypatch.setattr(near_store, "LETTERS_MAX", 5)
    assert await told(database, [], "/") == "more than is told"


async def test_a_claim_on_subdomains_is_not_hidden_by_a_wider_one_of_the_host_alone(database):
    rows = [
        claimed("/"),
        claimed("/a", wildcard=True),
        withheld("/a/1", host=f"b.{HOST}"),
        withheld("/a/2", host=f"b{HOST}"),
    ]

    assert await told(database, rows, "/") == ([f"{HOST}/", f"{HOST}/a"], [f"b.{HOST}/a/1"])


@pytest.mark.parametrize("seed", range(20))
def test_near_is_what_is_at_a_place_above_it_or_below_it(seed):
    pick = random.Random(seed)

    def path():
        return "/" + "".join(pick.choice(["a", "b", "/", "/"]) for _ in range(pick.randint(0, 5)))

    places = {ClaimKey(pick.choice([HOST, f"b.{HOST}"]), path(), False) for _ in range(4)}
    near = Near(places)
    hosts = {pair for place in places for pair in candidate_hosts(place.host)}
    for _ in range(200):
        end = pick.choice(["", "$", "*"])
        key = ClaimKey(pick.choice([HOST, f"b.{HOST}", "example"]), path() + end, bool(end))
        bare = key.path.removesuffix("$")
        expected = (key.host, key.wildcard) in hosts and (
            "*" in bare
            or any(bare in candidate_paths(place.path) for place in places)
            or any(place.path in candidate_paths(bare) for place in places)
        )

        assert near.is_near(key) is expected, (places, key)
