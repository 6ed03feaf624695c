"""A dispute within one node: found, documented, decided by two people, and paid from what is held."""

import pytest

from tests.federation.disputing import (
    ASK,
    BRING,
    CONFIRM,
    CONFLICTS,
    CONSENT,
    DISPUTES,
    OPEN,
    PAPER,
    PROPOSE,
    SUSPENSE,
    WORK_LIST,
    held_of,
    released_to,
)
from tests.federation.harness import PERIOD, nothing_changes, resumed
from tests.federation.holding import balances, code_of, moved


@pytest.fixture
async def small(any_backend, twins_past):
    async with resumed(any_backend, twins_past) as small:
        yield small


async def opened(small):
    """Open the dispute over twins.example and ask both sides; return it."""
    rosa = small.at("DE", "registry")
    page = await rosa.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"]]
    made = await rosa.ask(OPEN, id=conflict["id"])
    return await rosa.ask(ASK, id=made["id"])


async def test_what_two_members_claim_is_listed_held_and_shared_as_both_agree(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    page = await rosa.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"]]
    assert (conflict["claim"], conflict["dispute"]) == ("twins.example/", None)
    assert [side["party"] for side in conflict["sides"]] == ["de-a", "de-b"]
    assert conflict["days"] == [{"startsOn": "2025-01-01", "endsOn": None}]
    own = await small.member("DE", "de-a").ask(CONFLICTS)
    assert [side["party"] for side in own["edges"][0]["node"]["sides"]] == ["de-a", None]

    made = await opened(small)
    assert made["id"] == "D-000001"
    shown = (await sara.ask(DISPUTES))["edges"][0]["node"]
    held = held_of(shown)
    assert set(held) == {
        ("HUB-000001", "twins.example/a"),
        ("HUB-000001", "twins.example/b/1"),
        ("DE-000001", "twins.example/a"),
    }
    total = sum(amount for amount, _ in held.values())
    rows = await sara.ask(SUSPENSE)
    assert sum(int(row["amount"]["minor"]) for row in rows) == total > 0
    assert {row["ref"] for row in rows} == {"twins.example/"}

    await small.member("DE", "de-a").ask(BRING, id=made["id"], party="de-b", paper=PAPER)
    outcome = {
        "kind": "PRO_RATA",
        "shares": [{"party": "de-a", "bps": 6_667}, {"party": "de-b", "bps": 3_333}],
    }
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)
    await small.member("DE", "de-a").ask(CONSENT, id=made["id"], party="de-a")
    async with nothing_changes(small):
        assert await code_of(sara.ask(CONFIRM, id=made["id"])) == "CONSENT_MISSING"
    await rosa.ask(CONSENT, id=made["id"], party="de-b")
    before = await balances(small)

    done = await sara.ask(CONFIRM, id=made["id"])

    assert (done["state"], done["outcome"], done["decidedBy"]) == ("DECIDED", "PRO_RATA", "approver")
    given = released_to(done)
    assert sum(given.values()) == total
    assert all(left == 0 for _, left in held_of(done).values())
    assert moved(before, await balances(small)) == {
        ("DE", "Liabilities:DE:Outstanding", "EUR", ""): total,
        ("DE", "Liabilities:DE:Members", "EUR", "de-a"): -given["de-a"],
        ("DE", "Liabilities:DE:Members", "EUR", "de-b"): -given["de-b"],
    }
    assert {row["document"] for row in done["released"]} == {f"release/{PERIOD}/D-000001"}
    assert await sara.ask(SUSPENSE) == []
    async with nothing_changes(small):
        assert await code_of(sara.ask(CONFIRM, id=made["id"])) == "DISPUTE_STATE"
    assert "dispute" not in {row["kind"] for row in await rosa.ask(WORK_LIST)}
