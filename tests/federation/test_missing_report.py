"""A node is down over the close: two people declare it missing, its share is held, it returns."""

from datetime import UTC, datetime

import pytest

from federation.scenario import documents as ask
from federation.scenario.story import first_instant_after
from federation.values.party import HUB
from tests.federation.correcting import (
    ADVISE,
    APPROVE,
    CALCULATE,
    OPEN,
    in_force,
    is_reported,
    publish_rates,
)
from tests.federation.harness import a_line, nothing_changes, report_lines, resumed, soon, tell
from tests.federation.missing import CONFIRM, DECLARE, WORK

SEPTEMBER, OCTOBER = "2026-09", "2026-10"


EXPECTED = """query($period: String!) { expectedReports(period: $period) {
  node dueOn reminders sequence missing } }"""

REMIND = """mutation { remind(period: "2026-10", node: "GB") {
  __typename ... on ExpectedReport { dueOn } ... on Refused { code message } } }"""


@pytest.fixture
async def months(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        await publish_rates(small)
        yield small, small.story()


async def use(small, period, key):
    """Every member's page is used; GB's site takes in a line of France as well."""
    day = f"{period}-10T12:00:00Z"
    small.set_clock(datetime.fromisoformat(day))
    pages = [("de", 1_000), ("fr", 3_000), ("gb", 2_000)]
    lines = [
        a_line(f"{key}-{page}", "HUB-000001", f"https://news.example/{page}/1", units=units)
        | {"occurred_at": day}
        for page, units in pages
    ]
    await report_lines(small.at("GB", "sites"), lines[:2], key)
    await report_lines(small.at("DE", "sites"), lines[2:], key)


async def cut_off(small, period):
    small.set_clock(first_instant_after(period))
    await small.at(HUB, "settlement").ask(ask.CUT_OFF, period=period)


async def all_but_gb_forwarded(small):
    rows = (await small.rows([HUB]))[HUB]["metering_progress"]
    done = {row[1] for row in rows if row[0] == OCTOBER and row[2] is not None}
    waiting = [await small.at(code, "auditor").ask(ask.DELIVERIES) for code in ("DE", "FR")]
    return done == {"DE", "FR"} and not any(waiting)


async def lived_until_gb_is_missing(small, story):
    await use(small, SEPTEMBER, "s")
    small.set_clock(first_instant_after(SEPTEMBER))
    await story.settle(SEPTEMBER)
    await small.silence()
    await use(small, OCTOBER, "o")
    await small.stop("GB")
    await cut_off(small, OCTOBER)
    await soon(lambda: all_but_gb_forwarded(small), what="forwarding")


async def test_two_people_declare_a_report_missing_and_its_share_is_held(months):  # noqa: PLR0915 - one story
    small, story = months
    await lived_until_gb_is_missing(small, story)
    officer, approver = small.at(HUB, "settlement"), small.at(HUB, "approver")
    due = {"period": OCTOBER, "node": "GB"}
    work_before = await officer.ask(WORK)
    small.set_clock(datetime(2026, 11, 7, tzinfo=UTC))
    overdue = await officer.ask(WORK)
    reminded = await officer.ask(REMIND)
    async with nothing_changes(small):
        unready = await tell(small, HUB, officer, ask.CALCULATE, period=OCTOBER)
        nobody = await tell(small, HUB, approver, CONFIRM, **due)
        without = await tell(small, HUB, officer, DECLARE, reason=" ", **due)
        not_in_it = await tell(small, HUB, officer, DECLARE, period=OCTOBER, node="US", reason="x")
        waits = await tell(small, HUB, officer, DECLARE, period=OCTOBER, node="DE", reason="x")
    declared = await officer.ask(DECLARE, reason="its machine room flooded", **due)
    async with nothing_changes(small):
        itself = await tell(small, HUB, officer, CONFIRM, **due)
        still = await tell(small, HUB, officer, ask.CALCULATE, period=OCTOBER)
    work = await approver.ask(WORK)
    confirmed = await approver.ask(CONFIRM, **due)
    await soon(lambda: is_reported(small, OCTOBER), what="the others' reports")
    found = await officer.ask(EXPECTED, period=OCTOBER)
    ready = await officer.ask(WORK)
    run = await officer.ask(ask.CALCULATE, period=OCTOBER)
    await officer.ask(ask.ADVISE, run=run["runId"])
    await approver.ask(ask.APPROVE_RUN, run=run["runId"])
    held, _, _ = await in_force(small, OCTOBER)
    journal = (await small.rows([HUB]))[HUB]["settlement_posting"]
    # GB comes back: it catches up, follows the run, and its report makes a correction.
    await small.start("GB")
    small.hurry()
    await small.silence()

    async def gb_reported():
        rows = await officer.ask(EXPECTED, period=OCTOBER)
        return [row["sequence"] for row in rows if row["node"] == "GB"] == [1]

    await soon(gb_reported, what="GB's report")
    await small.silence()
    await officer.ask(OPEN, period=OCTOBER)
    await small.silence()
    await soon(lambda: is_reported(small, OCTOBER), what="the round's reports")
    await small.silence()
    await officer.ask(CALCULATE)
    await officer.ask(ADVISE)
    await approver.ask(APPROVE)
    await small.silence()
    corrected, classes, _ = await in_force(small, OCTOBER)
    after = (await small.rows([HUB]))[HUB]["settlement_posting"]

    item = {"kind": "usage report", "subject": "2026-10 GB", "turn": "GB", "until": "2026-11-05"}
    assert item | {"why": "not in yet"} in work_before
    assert item | {"why": "overdue by 2 days"} in overdue
    assert reminded["dueOn"] == "2026-11-05"
    assert unready.code == still.code == "MISSING_REPORT"
    assert "(2026-10: GB" in unready.body["data"]["calculateRun"]["message"]
    assert (nobody.code, without.code, not_in_it.code) == ("NOT_MISSING", "REASON", "NOT_MISSING")
    assert waits.code == "NOT_MISSING"
    assert "DE only waits for what GB sends on" in str(waits.body)
    assert (declared["declaredBy"], declared["confirmedBy"]) == ("settlement", None)
    assert itself.code in {"NOT_ALLOWED", "SAME_PERSON"}
    assert confirmed["confirmedBy"] == "approver"
    assert [row["turn"] for row in work if row["kind"] == "missing report"] == [
        "settlement_approver"
    ]
    assert [(row["node"], row["sequence"], row["missing"]) for row in found] == [
        ("DE", 1, False),
        ("FR", 1, False),
        ("GB", None, True),
    ]
    why = "all reports but that of GB are in: to be calculated"
    assert [row["why"] for row in ready if row["kind"] == "run"] == [why]
    # What GB took in is away with it; what GB earns is held at the mean of September alone.
    premium = 3_000 * 1_000 * 10_000
    assert [row for row in held if row[0] == "HUB-000001"] == [
        ("HUB-000001", "~LATE:GB", str(2_000 * premium))
    ]
    assert in_suspense(journal) == sum_of_shares(await small.at(HUB, "auditor").rows(RUNS))
    assert [row for row in corrected if row[0] == "HUB-000001"] == [
        ("HUB-000001", "DE", str(1_000 * premium)),
        ("HUB-000001", "FR", str(3_000 * 1_000 * 1_000 * 10_000)),
        ("HUB-000001", "GB", str(2_000 * premium)),
    ]
    assert classes["MATCHED"] == (3, "6000")
    assert in_suspense(after) == 0


RUNS = '{ runs(period: "2026-10") { edges { node { document corrects } } } }'


def in_suspense(postings):
    late = "Liabilities:HUB:Suspense:Late"
    return sum(int(row[4]) * ((row[3] == late) - (row[2] == late)) for row in postings)


def sum_of_shares(runs):
    from federation.settlement.run import compute  # noqa: PLC0415 - the rules' own words
    from federation.settlement.run_document import decode  # noqa: PLC0415

    [original] = [run for run in runs if run["corrects"] is None]
    result = compute(decode(original["document"].encode()))
    return sum(row.shares.get("~LATE:GB", 0) for row in result.licences.values())
