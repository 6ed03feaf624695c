"""Late usage and opt-outs found after approval: settled months computed again, never reopened."""

from collections import defaultdict

import pytest

from federation.values.party import HUB
from tests.federation.correcting import (
    ADVISE,
    APPROVE,
    CALCULATE,
    OCTOBER,
    OPEN,
    SEPTEMBER,
    STEP,
    correct,
    in_force,
    is_reported,
    live,
    publish_rates,
)
from tests.federation.gate import answered_during
from tests.federation.harness import nothing_changes, resumed, soon, tell

WITHDRAW = 'mutation { withdrawCorrection(reason: "again") { ' + STEP + " } }"


async def member_totals(small):
    """Return what each member got of each month's service, whenever it was attributed."""
    totals = defaultdict(int)
    for code in small.scenario.codes:
        rows = await small.rows([code])
        for row in rows[code].get("settlement_member_amount", []):
            totals[code, row[1], row[2], row[3], row[4], row[6]] += int(row[8])
        for row in rows[code].get("settlement_member_adjustment", []):
            totals[code, row[4], row[2], row[6], row[7], row[8]] += int(row[9])
    return {key: amount for key, amount in totals.items() if amount}


async def held(small):
    """Return what is held by service month, licence, reason and address."""
    totals = defaultdict(int)
    for code in small.codes:
        found = (await small.rows([code]))[code]
        months = {row[1]: row[2] for row in found.get("settlement_run", [])}
        for _, run, licence, reason, url_key, _, amount, currency, _ in found.get(
            "settlement_held_item", []
        ):
            totals[code, months[run], licence, reason, url_key, currency] += int(amount)
    return {key: amount for key, amount in totals.items() if amount}


async def balances(small):
    """Return the journal of every server as balances, without what moves only by date."""
    totals = defaultdict(int)
    for code in small.codes:
        found = (await small.rows([code]))[code]
        for row in found["settlement_posting"]:
            debit, credit, amount, currency = row[2], row[3], int(row[4]), row[5]
            totals[debit, currency] += amount
            totals[credit, currency] -= amount
    return {key: amount for key, amount in totals.items() if amount}


async def outcome(small):
    return {
        "september": await in_force(small, SEPTEMBER),
        "october": await in_force(small, OCTOBER),
        "members": await member_totals(small),
        "held": await held(small),
    }


@pytest.fixture
async def in_time(any_backend, opened_past):
    """What the two months come to, and the books, where nothing is late."""
    async with resumed(any_backend, opened_past) as small:
        await publish_rates(small)
        await live(small, small.story(), late=False)
        return await outcome(small), await balances(small)


async def test_originals_and_corrections_are_a_recomputation_from_scratch(
    in_time, two_months, monkeypatch
):
    """And others are answered while the hub and a node compute."""
    small, (from_scratch, books) = two_months, in_time
    before = await outcome(small)
    at_a_node = "federation.corrections.correcting.read_run"
    at_the_hub = "federation.runs.corrections.recompute"
    async with (
        answered_during(small, "FR", monkeypatch, at_a_node),
        answered_during(small, HUB, monkeypatch, at_the_hub),
    ):
        runs = await correct(small, SEPTEMBER)
    corrected = await outcome(small)

    assert before != corrected
    assert corrected == from_scratch
    assert [(run["period"], run["state"]) for run in runs] == [
        (SEPTEMBER, "CALCULATED"),
        (OCTOBER, "CALCULATED"),
    ]
    # The carried month: September's fee of lab-two waited for use and paid October's; no more.
    assert before["october"][2]["HUB-000002"].brought_forward != {"HUB-000002": "0"}
    assert corrected["october"][2]["HUB-000002"].brought_forward == {"HUB-000002": "0"}
    different = {
        key: (amount, books.get(key, 0))
        for key, amount in (await balances(small)).items()
        if amount != books.get(key, 0)
    }
    # Each remittance is one conversion: a second one rounds once more, in its own account.
    assert different == {
        ("Liabilities:GB:Due:HUB", "GBP"): (123_534, 123_533),
        ("Equity:GB:FxRounding", "GBP"): (-1, 0),
    }


async def test_a_correction_is_made_by_two_and_leaves_nothing_when_refused(two_months):
    small = two_months
    before = await outcome(small)
    officer = small.at(HUB, "two-hats", "settlement_officer")
    async with nothing_changes(small):
        early = await tell(small, HUB, officer, CALCULATE)
        unknown = await tell(small, HUB, officer, OPEN, period="2026-07")
        none = await tell(small, HUB, small.at(HUB, "approver"), APPROVE)
    await officer.ask(OPEN, period=SEPTEMBER)
    await small.silence()
    await soon(lambda: is_reported(small, SEPTEMBER), what="the round's reports")
    await small.silence()
    await officer.ask(CALCULATE)
    async with nothing_changes(small):
        again = await tell(small, HUB, officer, CALCULATE)
        in_between = await tell(small, HUB, officer, OPEN, period=OCTOBER)
        not_advised = await tell(small, HUB, small.at(HUB, "approver"), APPROVE)
    await officer.ask(ADVISE)
    await small.silence()
    async with nothing_changes(small):
        maker = small.at(HUB, "two-hats", "settlement_approver")
        own = await tell(small, HUB, maker, APPROVE)
    await officer.ask(WITHDRAW)
    await small.silence()

    assert early.code == "NOTHING_TO_CORRECT"
    assert unknown.code == "ADJUSTMENT_WINDOW"
    assert none.code == "CORRECTION_STATE"
    assert len(again.body["data"]["calculateCorrection"]["runs"]) == 2
    assert in_between.code == "CORRECTION_STATE"
    assert not_advised.code == "RUN_STATE"
    assert own.code == "SAME_PERSON"
    assert await outcome(small) == before
