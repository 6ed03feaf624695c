"""A copy is reserved where its original is, whichever collective's member holds the original."""

import random
from datetime import timedelta
from itertools import product

import pytest

from federation.addresses.urls import UrlKey
from federation.consent.states import Reason
from federation.gate.rulings import HeldPolicy
from federation.registry import index_store, own_store
from federation.registry.facts import fact_of_claim, fact_of_opt_out
from federation.registry.index import ClaimIndex
from federation.registry.messages import Slice, SliceClaim, SliceOptOut
from federation.registry.tables import Claim
from tests.databases import HUB_TERMS, a_party
from tests.nodes.policies import enter, policy_of, served
from tests.nodes.random_registries import HOSTS, INSTANTS, NOW, PATHS, USES, a_registry, a_ruling

REGISTRIES = 60
ELSEWHERE = "c.example"  # where members of other collectives hold pages, and none of the node's


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    return database


def their_claim(node, path):
    row = Claim(
        claim_id=f"{node}{path}", member_id=f"of {node}", host=ELSEWHERE, path=path, wildcard=False
    )
    row.content_tier = "standard"
    return SliceClaim(node, fact_of_claim(node, row, NOW.date() - timedelta(days=100)))


def their_ruling(node, row):
    return SliceOptOut(node, fact_of_opt_out(node, row))


def what_others_say(seed):
    """Return what the index knows of two other collectives at the place where originals are."""
    pick = random.Random(seed)
    held = {(pick.choice(["FR", "GB"]), pick.choice(PATHS)) for _ in range(pick.randint(0, 3))}
    said = []
    for _ in range(pick.randint(0, 6)):
        row = a_ruling(pick)
        code = pick.choice(["FR", "GB"])
        if row.member_id is not None:
            row.member_id = f"of {code}"
        else:
            row.host, row.wildcard = ELSEWHERE, False
        said.append(their_ruling(code, row))
    return Slice([their_claim(*one) for one in sorted(held)], said)


def copies_of_what_is_elsewhere(seed):
    members, held, rulings = a_registry(seed, claims=(2, 6))
    for claim in held:
        claim.canonical = f"{ELSEWHERE}{random.Random(claim.path).choice(PATHS)}"
        claim.owner_bps = 1
    return members, held, [row for row in rulings if row.host != ELSEWHERE]


async def index_with(node, keys, elsewhere):
    async with node.read() as session:
        own = await own_store.own_rows(session, "DE", keys)
    return ClaimIndex(
        [*own.claims, *index_store.indexed_claims(elsewhere)],
        [
            *(own_store.indexed("DE", row) for row in own.rulings),
            *index_store.indexed_rulings(elsewhere),
        ],
    )


async def test_the_gate_says_of_each_copy_what_the_hubs_index_says(node):
    said, copies = set(), 0
    for seed in range(REGISTRIES):
        await enter(node, copies_of_what_is_elsewhere(seed))
        elsewhere = what_others_say(seed)
        policy = await policy_of(node, elsewhere=elsewhere)
        gate, older = HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None))
        keys = [UrlKey(h, path) for h in HOSTS for path in PATHS if served(policy, h, path)]
        index = await index_with(node, keys, elsewhere)
        for key, use, at in product(keys, USES, INSTANTS):
            expected = index.why_reserved(key, use, at)

            assert gate.why_withheld([key], use, at) == expected, (seed, key, use, at)
            assert expected is None or older.why_withheld([key], use, at) is not None
            said.add(expected)
            copies += bool(index.look_up(key, at).canonicals)
    assert said == {None, *Reason}
    assert copies == 6_252
