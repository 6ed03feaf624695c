"""A dispute between two collectives: its clocks are the hub's, its outcome leads what is released.

The hub never says who is right: what the collectives agree to, or one's silence, does.
"""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from federation.values.party import HUB
from tests.federation.disputing import (
    ASK,
    BRING,
    CONFIRM,
    CONFLICTS,
    CONSENT,
    DISPUTES,
    NOTICE,
    OPEN,
    PAPER,
    PROPOSE,
    WORK_LIST,
)
from tests.federation.harness import nothing_changes, resumed
from tests.federation.holding import BOTH, CLAIM, DISPUTE, balances, code_of, moved

BETWEEN = """{ disputesBetween(first: 10) { edges { node {
  id claim state sides { party dueOn isDocumented } } } } }"""


@pytest.fixture
async def small(any_backend, held_past):
    async with resumed(any_backend, held_past) as small:
        yield small


async def both_filed(small):
    """File FR's and GB's claim on what is held for both.example."""
    ours = await small.at("FR", "settlement").ask(CLAIM, url=BOTH, member="fr-a")
    theirs = await small.at("GB", "settlement").ask(CLAIM, url=BOTH, member="gb-a")
    await small.silence()
    return ours, theirs


async def opened(small):
    sven = small.at(HUB, "settlement")
    page = await sven.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"]]
    assert (conflict["claim"], [side["party"] for side in conflict["sides"]]) == (
        "both.example/",
        ["FR", "GB"],
    )
    made = await sven.ask(OPEN, id=conflict["id"])
    return await sven.ask(ASK, id=made["id"])


def decide(small, node, claim):
    return small.at(HUB, "approver").ask(DISPUTE, url=BOTH, node=node, claim=claim["claimId"])


async def test_what_the_collectives_agree_to_is_what_the_hub_releases(small):
    sven, anton = small.at(HUB, "settlement"), small.at(HUB, "approver")
    ours, theirs = await both_filed(small)
    made = await opened(small)
    ada, ben = small.member("GB", "gb-a"), small.member("GB", "gb-b")
    for person in (small.at("GB", "registry"), small.at("FR", "auditor"), ada):
        [seen] = await person.rows(BETWEEN)
        assert (seen["id"], seen["claim"], seen["state"]) == ("D-000001", "both.example/", "ASKED")
        assert [side["party"] for side in seen["sides"]] == ["FR", "GB"]
    for person in (small.at("DE", "registry"), ben):
        assert await person.rows(BETWEEN) == []
    async with nothing_changes(small):
        assert await code_of(decide(small, "GB", theirs)) == "DISPUTE_OPEN"
        shares = [{"party": "FR", "bps": 5_000}, {"party": "GB", "bps": 5_000}]
        shared = sven.ask(PROPOSE, id=made["id"], outcome={"kind": "PRO_RATA", "shares": shares})
        assert await code_of(shared) == "BAD_OUTCOME"
    outcome = {"kind": "WITHDRAWN", "inFavourOf": "GB", "on": "2026-11-01"}
    proposer = small.at(HUB, "two-hats", "settlement_officer")
    await proposer.ask(PROPOSE, id=made["id"], outcome=outcome)
    async with nothing_changes(small):
        assert await code_of(anton.ask(CONFIRM, id=made["id"])) == "CONSENT_MISSING"
    await sven.ask(CONSENT, id=made["id"], party="FR")
    same = small.at(HUB, "two-hats", "settlement_approver")
    async with nothing_changes(small):
        assert await code_of(same.ask(CONFIRM, id=made["id"])) == "SAME_PERSON"
    before = await balances(small)

    done = await anton.ask(CONFIRM, id=made["id"])

    assert (done["state"], done["outcome"]) == ("DECIDED", "WITHDRAWN")
    assert moved(before, await balances(small)) == {}  # a claim has to be decided on
    async with nothing_changes(small):
        assert await code_of(decide(small, "FR", ours)) == "DECIDED_OTHERWISE"
    accepted = await decide(small, "GB", theirs)
    await small.silence()
    assert (accepted["id"], accepted["state"]) == (theirs["id"], "ACCEPTED")
    changes = moved(before, await balances(small))
    held = changes["HUB", "Liabilities:HUB:Suspense:Disputed", "EUR", ""]
    assert changes["HUB", "Liabilities:HUB:Due:GB", "EUR", ""] == -held < 0
    got = -changes["GB", "Liabilities:GB:Members", "GBP", "gb-a"]
    remitted = changes["GB", "Liabilities:GB:Due:HUB", "GBP", ""]
    fee = -changes["GB", "Income:GB:AdminFee", "GBP", ""]
    assert (got + fee, fee) == (remitted, remitted * 1_500 // 10_000)
    assert remitted == round(Fraction(held * 85, 100))  # half to even
    assert not [key for key in changes if key[0] == "FR"]
    # FR has not ended its claim: from the day on which it agreed to, it is contested again.
    kinds = {row["kind"]: row["subject"] for row in await sven.ask(WORK_LIST)}
    assert kinds["conflict"] == "both.example/"


async def test_a_collective_that_brings_nothing_loses_by_time(small):
    sven, anton = small.at(HUB, "settlement"), small.at(HUB, "approver")
    ours, theirs = await both_filed(small)
    made = await opened(small)
    await sven.ask(BRING, id=made["id"], party="FR", paper=PAPER)
    outcome = {"kind": "EXPIRED", "inFavourOf": "FR", "on": "2027-01-10"}
    small.set_clock(datetime(2026, 12, 21, tzinfo=UTC))
    await sven.ask(NOTICE, id=made["id"])
    [waits] = [row for row in await sven.ask(WORK_LIST) if row["kind"] == "dispute"]
    assert (waits["subject"], waits["turn"], waits["until"]) == (
        "D-000001",
        "settlement_officer",
        "2027-01-05",
    )
    small.set_clock(datetime(2027, 1, 5, tzinfo=UTC))
    async with nothing_changes(small):
        assert await code_of(sven.ask(PROPOSE, id=made["id"], outcome=outcome)) == "TOO_EARLY"
    small.set_clock(datetime(2027, 1, 6, tzinfo=UTC))
    await sven.ask(PROPOSE, id=made["id"], outcome=outcome)
    await anton.ask(CONFIRM, id=made["id"])
    async with nothing_changes(small):
        assert await code_of(decide(small, "GB", theirs)) == "DECIDED_OTHERWISE"

    accepted = await decide(small, "FR", ours)

    await small.silence()
    assert accepted["state"] == "ACCEPTED"
    shown = (await sven.ask(DISPUTES))["edges"][0]["node"]
    assert [side["isDocumented"] for side in shown["sides"]] == [True, False]
