"""A copy is reserved where its original is, whichever collective's member holds the original."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex, IndexedClaim
from federation.claimindex.messages import OptOutFact, Slice, SliceClaim, SliceOptOut
from federation.consent.states import Reason, State
from federation.gate.rulings import HeldPolicy
from federation.nodes.changing import CHANGES_MAX
from federation.nodes.originals import with_originals
from federation.registry.facts import fact_of_claim, fact_of_opt_out
from federation.registry.site_store import SiteFacts
from federation.registry.tables import Claim
from tests.databases import HUB_TERMS, a_party
from tests.nodes.policies import enter, index_with, policy_of, served
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


SPAN = (NOW, NOW + timedelta(hours=1))


def a_ruling_elsewhere(node, path, begins, state=State.WITHHELD, use="TRAIN"):
    fact = OptOutFact(None, ELSEWHERE, path, False, use, begins, state=state)
    return SliceOptOut(node, fact)


def copies_of(*paths):
    """Return what a node knows of a site with a copy of each of some pages elsewhere."""
    claims = [
        IndexedClaim(
            *("DE", f"copy of {path}", "m1", ClaimKey("a.example", path, wildcard=False)),
            *(NOW.date() - timedelta(days=9), None, "standard", UrlKey(ELSEWHERE, path)),
        )
        for path in paths
    ]
    return SiteFacts(claims, [], [], frozenset(UrlKey(ELSEWHERE, path) for path in paths))


def changing(node, path, changes, use="TRAIN"):
    """Return rulings by which the word on a use changes so many times within a span."""
    states = (State.WITHHELD, State.OPTED_IN)
    return [
        a_ruling_elsewhere(
            node, path, NOW + timedelta(seconds=number + 1), states[number % 2], use=use
        )
        for number in range(changes)
    ]


def words_on(facts, path):
    """Return (state, use, begin, end) of what a site is told of an original, in order."""
    place = ClaimKey(ELSEWHERE, f"{path}$", wildcard=False)
    said = [one.ruling for one in facts.rulings if one.subject == place]
    return [(one.state, one.use, one.effective_at, one.ends_at) for one in said]


@pytest.fixture
def judged(monkeypatch):
    """The original and the use of each judgement, in order."""
    found, decide = [], ClaimIndex.decide

    def counted(self, claimed, use):
        found.append((claimed.key.path, use))
        return decide(self, claimed, use)

    monkeypatch.setattr(ClaimIndex, "decide", counted)
    return found


def test_an_original_is_judged_only_where_what_bears_on_it_changes(judged):
    claims = [their_claim("FR", path) for path in ("/x", "/n", "/y")]
    said = changing("FR", "/x", 40) + changing("FR", "/n", 3, use="GROUND")
    said += changing("GB", "/y", 7)  # which is another collective's

    with_originals(copies_of("/x", "/n", "/y"), Slice(claims, said), USES, SPAN)

    # At the first instant, at midnight and at each change; twice, by what all say and by what the
    # node alone says, until these are found to differ.
    expected = {("/x", "GROUND"): 4, ("/x", "SEARCH"): 4, ("/x", "TRAIN"): 2 * 42}
    expected |= {("/n", "GROUND"): 2 * 5, ("/n", "SEARCH"): 2, ("/n", "TRAIN"): 2}
    assert Counter(judged) == expected


def test_of_many_originals_on_one_place_it_is_judged_once(judged):
    paths = [f"/x/{number}" for number in range(10, 60)]
    elsewhere = Slice([their_claim("FR", "/x/")], changing("FR", "/x/", 3))

    facts = with_originals(copies_of(*paths), elsewhere, USES, SPAN)

    assert Counter(path for path, _ in judged) == {"/x/10": 4 + 4 + 2 * 5}
    assert words_on(facts, "/x/59") == words_on(facts, "/x/10")
    assert len(words_on(facts, "/x/59")) == 2 + 4


def test_a_use_of_which_the_word_changes_too_often_is_withheld(judged):
    claims = [their_claim("FR", path) for path in ("/x", "/n")]
    most, more = changing("FR", "/n", CHANGES_MAX), changing("FR", "/x", CHANGES_MAX + 1)
    first_change = NOW + timedelta(seconds=1)

    facts = with_originals(copies_of("/x", "/n"), Slice(claims, most + more), USES, SPAN)

    assert words_on(facts, "/x") == [
        (State.OPTED_IN, "GROUND", NOW, None),
        (State.OPTED_IN, "SEARCH", NOW, None),
        (State.WITHHELD, "TRAIN", NOW, None),
    ]
    assert ("/x", "TRAIN") not in judged
    of_most = words_on(facts, "/n")
    assert len(of_most) == 2 + 1 + CHANGES_MAX
    assert of_most[2] == (State.OPTED_IN, "TRAIN", NOW, first_change)


def test_what_a_collective_says_of_pages_of_others_withholds_nothing(judged):
    said = changing("GB", "/x", CHANGES_MAX + 1)

    facts = with_originals(copies_of("/x"), Slice([their_claim("FR", "/x")], said), USES, SPAN)

    assert (facts.rulings, judged) == ([], [])


def test_what_the_node_itself_says_of_an_original_is_its_own_matter(judged):
    own = copies_of("/x")
    index = index_store.indexed_rulings(Slice([], changing("DE", "/x", CHANGES_MAX + 1)))

    facts = with_originals(replace(own, rulings=index), Slice([], []), USES, SPAN)

    assert (facts.rulings, judged) == (index, [])
