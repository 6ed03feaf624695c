"""Late usage and opt-outs found after approval: settled months computed again, never reopened."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from federation.scenario.story import first_instant_after
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.gate import answered_during
from tests.federation.harness import a_line, nothing_changes, report_lines, resumed, soon, tell

SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"
NEWS = "https://news.example"
RATES = "date,currency,rate\n2026-09-30,GBP,0.85\n2026-10-30,GBP,0.86\n2026-11-30,GBP,0.87\n"

STEP = """__typename ... on Correction { runs { runId period state corrects postedIn } }
  ... on Refused { code message }"""

OPEN = """mutation($period: String!) { openCorrection(period: $period) {
  __typename ... on CorrectionRound { number } ... on Refused { code message } } }"""

CALCULATE = "mutation { calculateCorrection { " + STEP + " } }"
ADVISE = "mutation { adviseCorrection { " + STEP + " } }"
APPROVE = "mutation { approveCorrection { " + STEP + " } }"
WITHDRAW = 'mutation { withdrawCorrection(reason: "again") { ' + STEP + " } }"
OPTOUT = "subject,use,effective_at\nnews.example/de/withheld/,*,2026-09-05T00:00:00Z\n"

ON_TIME = {
    ("DE", "sites"): [
        a_line("s-1", "HUB-000001", f"{NEWS}/de/1", units=5_000),
        a_line("s-2", "HUB-000001", f"{NEWS}/fr/1", units=3_000),
        a_line("s-3", "HUB-000001", f"{NEWS}/de/withheld/1", units=1_234),
        a_line("s-4", "HUB-000001", "https://press.example/copy/1", units=777),
        a_line("s-5", "HUB-000001", "https://both.example/1", units=91),
    ],
    (HUB, "lab-one"): [
        a_line("l-1", "DE-000001", f"{NEWS}/gb/1", units=400),
        a_line("l-2", "DE-000001", "https://nobody.example/1", units=150),
    ],
}

LATE = {
    ("DE", "sites"): [
        a_line("s-1", "HUB-000001", f"{NEWS}/de/1", units=5_000),  # again: a duplicate, late
        a_line("s-8", "HUB-000001", f"{NEWS}/gb/1", units=2_500),
        a_line("s-9", "HUB-000001", "https://press.example/copy/2", units=41),
        a_line("s-10", "HUB-000001", f"{NEWS}/de/1", units=0),  # malformed, late
    ],
    (HUB, "lab-two"): [a_line("l-9", "HUB-000002", f"{NEWS}/fr/1", use="SEARCH", units=60)],
    (HUB, "lab-one"): [a_line("l-9", "DE-000001", "https://nobody.example/2", units=350)],
}

IN_OCTOBER = {
    ("FR", "sites"): [
        a_line("o-1", "HUB-000001", f"{NEWS}/fr/2", units=900, occurred_at="2026-10-11T00:00:00Z")
    ],
    (HUB, "lab-two"): [
        a_line(
            "o-1",
            "HUB-000002",
            f"{NEWS}/gb/1",
            use="SEARCH",
            units=45,
            occurred_at="2026-10-12T00:00:00Z",
        )
    ],
}


async def report(small, lines, key):
    for (code, who), rows in lines.items():
        person = small.at(code, who) if code != HUB else small.lab(who)
        await report_lines(person, rows, key)


async def opt_out(small):
    officer = small.at("DE", "registry")
    await officer.post("/registry/optouts", OPTOUT.encode(), "text/csv")
    await small.silence()


async def settle(small, story, period):
    small.set_clock(first_instant_after(period))
    await story.settle(period)
    await small.silence()


async def correct(small, period, maker="settlement", checker="approver"):
    officer = small.at(HUB, maker)
    await officer.ask(OPEN, period=period)
    await small.silence()
    await soon(lambda: is_reported(small, period), what="the round's reports")
    await small.silence()
    done = await officer.ask(CALCULATE)
    await officer.ask(ADVISE)
    await small.at(HUB, checker).ask(APPROVE)
    await small.silence()
    return done["runs"]


async def is_reported(small, period):
    found = await small.at(HUB, "settlement").ask(
        "query($period: String!) { period(period: $period) { state } }", period=period
    )
    return found["state"] == "REPORTED"


async def in_force(small, period):
    """Return what a month comes to: the rules' own words on the document in force."""
    rows = await small.at(HUB, "auditor").ask(
        "query($period: String!) { runs(period: $period) { state document } }", period=period
    )
    text = next(row["document"] for row in rows if row["state"] == "APPROVED")
    document = decode(text.encode())
    return document.shares_by, document.classes, document.licences


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


async def publish_rates(small):
    await small.at(HUB, "settlement").post("/settlement/rates", RATES.encode(), "text/csv")


async def live(small, story, *, late):
    """Live two months; what is late comes after both are settled, or in time."""
    small.set_clock(datetime(2026, 9, 20, 12, tzinfo=UTC))
    await report(small, ON_TIME, "first")
    if not late:
        await report(small, LATE, "late")
        await opt_out(small)
    await settle(small, story, SEPTEMBER)
    await report(small, IN_OCTOBER, "october")
    await settle(small, story, OCTOBER)
    if late:
        small.set_clock(datetime(2026, 11, 10, tzinfo=UTC))
        await report(small, LATE, "late")
        await opt_out(small)


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
    at_a_node = "federation.distribution.correcting.read_run"
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
