"""An advised run waits for the nodes: they concur, object, or are silent until the window ends."""

from datetime import UTC, datetime

from sqlalchemy import text

from federation.scenario import documents as ask
from federation.values.party import HUB
from tests.adversary.rogue import rows
from tests.federation.gate import answered_during
from tests.federation.harness import PERIOD, nothing_changes, soon, tell
from tests.federation.missing import WORK
from tests.federation.objecting import CONCUR, DIFF, OBJECT, SETTLE

ANSWERS = "query($run: String!) { runAnswers(runId: $run) { node answer reason outcome } }"


WITHDRAW = """mutation($run: String!) { withdrawRun(runId: $run, reason: "a receipt was missed") {
  __typename ... on Refused { code message } } }"""

RECEIPT = """mutation { recordReceipt(
  licence: "HUB-000002", receivedOn: "2026-09-30", amount: "-100000", key: "back") {
  __typename ... on Refused { code message } } }"""


STATED = """query($run: ID!) { statedCredits(run: $run, first: 10) { edges { node {
  statedBy licence use claim weight units } } } }"""


async def code_of(small, code, person, document, **variables):
    return (await tell(small, code, person, document, **variables)).code


async def test_silence_concurs_when_the_window_is_over(advised):
    small, run = advised
    approver = small.at(HUB, "approver")
    async with nothing_changes(small):
        early = await code_of(small, HUB, approver, ask.APPROVE_RUN, run=run)
    work = await approver.ask(WORK)
    at_home = await small.at("FR", "settlement").ask(WORK)
    small.set_clock(datetime(2026, 10, 11, tzinfo=UTC))
    later = await approver.ask(WORK)
    late = await code_of(small, "FR", small.at("FR", "settlement"), OBJECT, run=run, reason="no")
    await approver.ask(ask.APPROVE_RUN, run=run)

    until = "2026-10-11T00:00:00+00:00"
    assert early == "OBJECTIONS_OPEN"
    item = {"kind": "run", "subject": f"{PERIOD} {run[:16]}"}
    assert item | {"why": "nodes may object", "turn": "nodes", "until": until} in work
    mine = {"why": "concur or object; silence concurs", "turn": "settlement_officer"}
    assert item | mine | {"until": until} in at_home
    why = "to be approved by somebody else than settlement"
    assert item | {"why": why, "turn": "settlement_approver", "until": None} in later
    assert late is None  # the last instant of the window is in it


async def test_an_objection_is_answered_before_anything_is_approved(advised):
    small, run = advised
    approver = small.at(HUB, "approver")
    for code in ("DE", "GB"):
        await small.at(code, "settlement").ask(CONCUR, run=run)
    await small.at("FR", "settlement").ask(OBJECT, run=run, reason="our site was counted twice")
    await small.silence()
    async with nothing_changes(small, "FR"):
        turned = await code_of(small, "FR", small.at("FR", "settlement"), CONCUR, run=run)
    small.set_clock(datetime(2026, 10, 20, tzinfo=UTC))
    async with nothing_changes(small):
        unanswered = await code_of(small, HUB, approver, ask.APPROVE_RUN, run=run)
    answered = await small.at(HUB, "settlement").ask(SETTLE, run=run)
    answers = await approver.ask(ANSWERS, run=run)
    await approver.ask(ask.APPROVE_RUN, run=run)

    assert turned == "RUN_ANSWER"
    assert unanswered == "OBJECTIONS_OPEN"
    assert answered == {
        "__typename": "RunAnswer",
        "settledBy": "settlement",
        "outcome": "as agreed",
    }
    assert [(row["node"], row["answer"], row["reason"]) for row in answers] == [
        ("DE", "CONCURRED", None),
        ("FR", "OBJECTED", "our site was counted twice"),
        ("GB", "CONCURRED", None),
    ]


async def test_others_are_answered_while_a_month_is_computed(advised, monkeypatch):
    """At the hub that calculates it and approves it, and at a node that recomputes it."""
    small, run = advised
    officer, approver = small.at(HUB, "settlement"), small.at(HUB, "approver")
    await officer.ask(WITHDRAW, run=run)
    async with answered_during(small, HUB, monkeypatch, "federation.runs.inputs.computed_with"):
        again = await officer.ask(ask.CALCULATE, period=PERIOD)
    await officer.ask(ask.ADVISE, run=again["runId"])
    small.set_clock(datetime(2026, 11, 1, tzinfo=UTC))
    recomputed = "federation.distribution.service.computed"
    async with answered_during(small, "FR", monkeypatch, recomputed):
        async with answered_during(small, HUB, monkeypatch, "federation.runs.inputs.computed_with"):
            await approver.ask(ask.APPROVE_RUN, run=again["runId"])
        await small.silence()


async def test_what_changed_between_two_runs_and_why(advised):
    small, run = advised
    officer = small.at(HUB, "settlement")
    await small.at(HUB, "two-hats", "settlement_officer").ask(WITHDRAW, run=run)
    await officer.ask(RECEIPT)
    again = await officer.ask(ask.CALCULATE, period=PERIOD)
    found = await officer.ask(DIFF, new=again["runId"], old=run)
    first = await officer.ask(DIFF, new=again["runId"])
    await small.silence()
    async with nothing_changes(small):
        unknown = await code_of(small, HUB, officer, DIFF, new="f" * 64)

    # Of the licence's 8,000.00 a month's share was recognised, and still is: 7,000.00 are there.
    assert found["shares"] == []
    assert found["causes"] == [
        {
            "kind": "received",
            "name": "HUB-000002",
            "old": "800000",
            "new": "700000",
            "oldAmount": {"minor": "800000", "currency": "GBP"},
            "newAmount": {"minor": "700000"},
        }
    ]
    assert first["causes"] == []
    assert {row["party"] for row in first["shares"]} == {"DE", "FR", "GB"}
    assert unknown == "UNKNOWN_RUN"


async def test_what_another_collective_states_for_ours_is_seen_before_it_is_approved(advised):
    small, run = advised
    at_home = await small.at("FR", "settlement").rows(STATED, run=run)
    [(claim,)] = await rows(
        small, "FR", "SELECT claim_id FROM registry_claim WHERE host = 'journal.example'"
    )

    # Three tenths of 300 units, the part of the work's owner; the units stand on GB's own part.
    assert at_home == [
        {
            "statedBy": "GB",
            "licence": "HUB-000001",
            "use": "TRAIN",
            "claim": claim,
            "weight": "900000000000",
            "units": "0",
        }
    ]
    for code in ("DE", "GB"):
        assert await small.at(code, "settlement").rows(STATED, run=run) == []


async def test_an_approved_run_credits_nothing_else_than_was_advised(advised):
    small, run = advised
    await small.stop("FR")
    async with small.databases["FR"].write("test") as session:
        await session.execute(text("UPDATE settlement_stated_credit SET weight = '1'"))
    small.set_clock(datetime(2026, 10, 11, tzinfo=UTC))
    await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run)
    await small.start("FR")

    async def parked():
        return await small.at("FR", "auditor").rows(ask.PARKED)

    [message] = await soon(parked, what="the run at FR")
    assert (message["kind"], message["code"]) == ("run.approved", "RUN_MISMATCH")
    assert await small.at("FR", "auditor").ask(ask.DISTRIBUTION, period=PERIOD) is None
