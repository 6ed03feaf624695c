"""A page that members of two collectives claim: the gate refuses what either withholds there."""

import random
from datetime import timedelta
from itertools import product

import pytest

from federation.addresses.urls import RULES, UrlKey, normalise_subject
from federation.claimindex.messages import Slice, SliceClaim, SliceOptOut
from federation.consent.states import State
from federation.gate.rulings import HeldPolicy
from federation.nodes import contested
from federation.registry.facts import fact_of_claim, fact_of_new_opt_out, fact_of_opt_out
from federation.registry.imports import NewOptOut
from federation.registry.tables import Claim
from tests.databases import HUB_TERMS, a_party
from tests.nodes.policies import enter, index_with, policy_of, served
from tests.nodes.random_registries import HOSTS, INSTANTS, NOW, PATHS, USES, a_registry, a_ruling

REGISTRIES = 40


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    return database


def what_others_have_there(seed):
    """Return what members of two other collectives claim on the site, and what these say."""
    pick = random.Random(seed)
    claims = {}
    for _ in range(pick.randint(1, 3)):
        code, host, path = pick.choice(["FR", "GB"]), pick.choice(HOSTS), pick.choice(PATHS)
        wild = pick.random() < 0.2
        row = Claim(
            claim_id=f"{code}{host}{path}{wild}",
            member_id=f"of {code}",
            host=host,
            path=path,
            wildcard=wild,
        )
        row.content_tier = "standard"
        begins = NOW.date() + timedelta(days=pick.choice([-100, -100, 1]))
        claims[row.claim_id] = SliceClaim(code, fact_of_claim(code, row, begins))
    said = []
    for _ in range(pick.randint(0, 6)):
        row, code = a_ruling(pick), pick.choice(["FR", "GB"])
        if row.member_id is not None:
            row.member_id = f"of {code}"
        said.append(SliceOptOut(code, fact_of_opt_out(code, row)))
    return Slice([*claims.values()], said)


async def test_a_gate_refuses_what_any_claimants_collective_withholds_and_opens_nothing(node):
    found = {"refused": 0, "of theirs": 0, "besides": 0, "not theirs": 0}
    for seed in range(REGISTRIES):
        registry = a_registry(seed)
        originals = {claim.canonical for claim in registry[1]}  # of these all say one word together
        await enter(node, registry)
        elsewhere = what_others_have_there(seed)
        alone = HeldPolicy(await policy_of(node))
        policy = await policy_of(node, elsewhere=elsewhere)
        gate, older = HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None))
        keys = [UrlKey(h, path) for h in HOSTS for path in PATHS if served(policy, h, path)]
        index = await index_with(node, keys, elsewhere)
        here = await index_with(node, keys, Slice([], []))
        by_patterns = any("*" in (one.fact.path or "") for one in elsewhere.opt_outs)
        for key, use, at in product(keys, USES, INSTANTS):
            held = here.look_up(key, at)
            if not held.claims:
                continue  # from midnight on it is no page of the site
            said = gate.why_withheld([key], use, at)
            expected = index.why_reserved(key, use, at)
            own = alone.why_withheld([key], use, at)
            theirs = {claim.node for claim in index.claimants(key, at)} - {"DE"}

            assert said is not None or expected is None, (seed, key, use, at)
            if not held.canonicals and key.text not in originals:
                assert said is not None or own is None, (seed, key, use, at)
            assert said is None or older.why_withheld([key], use, at) is not None, seed
            if not theirs and not by_patterns:
                assert (said is None) == (expected is None), (seed, key, use, at)
                found["not theirs"] += 1
            found["refused"] += said is not None
            found["of theirs"] += expected is not None and own is None
            found["besides"] += said is not None and (expected, own) == (None, None)
    assert found == {"refused": 491, "of theirs": 132, "besides": 0, "not theirs": 2376}


async def test_where_others_have_more_than_is_told_all_pages_are_withheld(node):
    await enter(node, (*a_registry(1)[:2], []))
    policy = await policy_of(node, elsewhere=Slice([], [], is_cut=True))
    keys = [UrlKey(h, path) for h in HOSTS for path in PATHS if served(policy, h, path)]

    said = {HeldPolicy(policy).why_withheld([key], "TRAIN", NOW) for key in keys}

    assert (len(keys) > 0, said) == (True, {"OPTED_OUT"})


def site_claim():
    return Claim(
        claim_id="own",
        member_id="m1",
        host="a.example",
        path="/",
        wildcard=False,
        content_tier="standard",
        works=1,
        rules=RULES,
        recorded_at=NOW - timedelta(days=9),
    )


def of_fr(paths, patterns):
    """Return what FR's members claim on a host, and the patterns that they withhold there."""
    claims, said = [], []
    for path in paths:
        row = Claim(claim_id=path, member_id="of FR", host="a.example", path=path, wildcard=False)
        row.content_tier = "standard"
        claims.append(SliceClaim("FR", fact_of_claim("FR", row, NOW.date())))
    for pattern in patterns:
        new = NewOptOut(
            None, normalise_subject(f"a.example{pattern}"), "*", NOW, State.OPT_OUT, None, None
        )
        said.append(SliceOptOut("FR", fact_of_new_opt_out("FR", new, None)))
    return Slice(claims, said)


async def test_patterns_that_come_to_the_same_place_are_told_there_once(node):
    await enter(node, (*a_registry(1)[:1], [site_claim()], []))
    elsewhere = of_fr(["/x", "/n"], [f"/*{number}" for number in range(50)])

    policy = await policy_of(node, elsewhere=elsewhere)

    assert {key.text: len(its) for key, its in policy.rulings.places.items()} == {
        "a.example/x": 1,
        "a.example/n": 1,
    }


async def test_where_others_say_more_than_can_be_looked_through_all_is_withheld(node, monkeypatch):
    await enter(node, (*a_registry(1)[:1], [site_claim()], []))
    elsewhere = of_fr(["/x", "/n"], [f"/*{number}" for number in range(50)])
    page = UrlKey("a.example", "/alone")
    found = {}
    for most in (50 * 2 * 50 + 1_000, 50 * 2 * 50 - 1):
        monkeypatch.setattr(contested, "WORK_MAX", most)
        policy = HeldPolicy(await policy_of(node, elsewhere=elsewhere))
        found[most] = policy.why_withheld([page], "TRAIN", NOW)

    assert list(found.values()) == [None, "OPTED_OUT"]
