"""The hub sends whatever it likes: a node follows what agrees with its own books, nothing else."""

from datetime import UTC, datetime

from federation.scenario import documents as ask
from federation.scenario.story import first_instant_after
from tests.adversary.hostile_hub import HostileHub
from tests.adversary.lies import AFTER_SEPTEMBER, LIES, OF_CORRECTIONS
from tests.adversary.rogue import rows
from tests.federation.correcting import (
    ADVISE,
    APPROVE,
    CALCULATE,
    NOVEMBER,
    OCTOBER,
    OPEN,
    SEPTEMBER,
    correct,
    is_reported,
)
from tests.federation.gate import answered_during
from tests.federation.harness import HUB, PERIOD, soon, tell
from tests.federation.objecting import CONCUR, OBJECT, SETTLE

BEFORE, AFTER = datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


async def approved(small, run):
    """Let the hub approve after the window, and lie in its place before it."""

    async def approve():
        small.set_clock(AFTER)
        await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run)
        small.set_clock(BEFORE)

    return await HostileHub.instead_of(small, approve, "DE", "FR")


async def follows(hub, node, run):
    [(kind, honest)] = hub.honest[node]
    await hub.send(node, kind, honest)
    found = await hub.small.at(node, "auditor").ask(ask.DISTRIBUTION, period=PERIOD)
    assert (node, found) == (node, {"runId": run})


async def test_a_node_follows_no_run_that_its_books_contradict_and_then_the_honest_one(advised):
    small, run = advised
    hub = await approved(small, run)
    [(kind, honest)] = hub.honest["FR"]
    early = await hub.is_parked("FR", kind, honest, "OBJECTIONS_OPEN")
    small.set_clock(AFTER)
    for lie in LIES:
        [(kind, honest)] = hub.honest[lie.node]
        await hub.lies(lie, kind, honest)

    assert early.endswith("(FR may object until 2026-10-11T00:00:00+00:00)")
    for node in ("DE", "FR"):
        await follows(hub, node, run)
    [(kind, honest)] = hub.honest["FR"]
    await hub.lies(AFTER_SEPTEMBER, kind, honest)
    await hub.is_parked("FR", kind, honest, "RUN_MISMATCH")


async def test_a_month_that_was_cut_off_here_is_followed_before_the_next(advised):
    small, run = advised
    hub = await approved(small, run)
    small.set_clock(AFTER)
    [(kind, honest)] = hub.honest["FR"]
    await hub.send("FR", "run.withdrawn", {"run_id": run, "reason": "a mistake"})
    await hub.lies(LIES[0], kind, honest)
    withdrawn = await hub.is_parked("FR", kind, honest, "RUN_MISMATCH")

    assert withdrawn.endswith(f"({run[:16]} was not advised as the run of a month)")


async def test_an_objection_is_answered_or_the_run_is_not_followed(advised):
    small, run = advised
    await small.at("FR", "settlement").ask(OBJECT, run=run, reason="counted twice")
    await small.silence()
    await small.at(HUB, "settlement").ask(SETTLE, run=run)
    hub = await approved(small, run)
    [(kind, honest)] = hub.honest["FR"]
    answered = honest["objection_answered"]
    silent = {name: value for name, value in honest.items() if name != "objection_answered"}
    small.set_clock(AFTER)
    reason = await hub.is_parked("FR", kind, silent, "OBJECTIONS_OPEN")
    await follows(hub, "FR", run)

    assert answered == "as agreed"
    assert reason.endswith("(FR objected and was not answered)")


async def test_who_objected_may_give_in_once_the_window_is_over(advised):
    small, run = advised
    await small.at("FR", "settlement").ask(OBJECT, run=run, reason="counted twice")
    await small.silence()
    await small.at(HUB, "settlement").ask(SETTLE, run=run)
    hub = await approved(small, run)
    [(_, honest)] = hub.honest["FR"]
    honest.pop("objection_answered")
    early = await tell(small, "FR", small.at("FR", "settlement"), CONCUR, run=run)
    small.set_clock(AFTER)
    await small.at("FR", "settlement").ask(CONCUR, run=run)
    await follows(hub, "FR", run)

    assert early.code == "RUN_ANSWER"


async def corrected(small):
    """Let the hub approve a correction of two months that does not reach the nodes."""
    await small.at(HUB, "settlement").ask(OPEN, period=SEPTEMBER)
    await small.silence()
    await soon(lambda: is_reported(small, SEPTEMBER), what="the round's reports")
    await small.silence()
    await small.at(HUB, "settlement").ask(CALCULATE)
    await small.at(HUB, "settlement").ask(ADVISE)

    async def approve():
        await small.at(HUB, "approver").ask(APPROVE)

    return await HostileHub.instead_of(small, approve, "DE", "FR", "GB")


async def test_a_node_follows_no_correction_that_it_cannot_compute_itself(two_months):
    small = two_months
    hub = await corrected(small)
    for lie in OF_CORRECTIONS:
        kind, honest = hub.honest[lie.node][0]
        await hub.lies(lie, kind, honest)
    for node in hub.honest:
        for kind, honest in hub.honest[node]:
            await hub.send(node, kind, honest)

    for node in hub.honest:
        assert await small.at(node, "auditor").rows(ask.PARKED) == []
        assert await rows(small, node, FOLLOWED) == [(SEPTEMBER,), (OCTOBER,)]


FOLLOWED = "SELECT period FROM settlement_node_correction ORDER BY id"


async def test_the_next_month_takes_up_what_a_correction_left_and_no_more(two_months, monkeypatch):
    """And others are answered while the node computes what it owes."""
    small = two_months
    await correct(small, SEPTEMBER)
    small.set_clock(first_instant_after(NOVEMBER))
    officer = small.at(HUB, "settlement")
    await officer.ask(ask.CUT_OFF, period=NOVEMBER)
    await soon(lambda: is_reported(small, NOVEMBER), what="the month's reports")
    run = await officer.ask(ask.CALCULATE, period=NOVEMBER)
    await officer.ask(ask.ADVISE, run=run["runId"])

    async def approve():
        await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run["runId"])

    hub = await HostileHub.instead_of(small, approve, "DE")
    [(kind, honest)] = hub.honest["DE"]
    more = honest | {"set_off": str(int(honest["set_off"]) + 1)}
    reason = await hub.is_parked("DE", kind, more, "NO_SUCH_DEBIT")
    async with answered_during(
        small, "DE", monkeypatch, "federation.distribution.hub_debits.read_run"
    ):
        await hub.send("DE", kind, honest)
    found = await small.at("DE", "auditor").ask(ask.DISTRIBUTION, period=NOVEMBER)

    # 200.50 for September, of which October's credit took up 50.49.
    assert honest["set_off"] == "15001"
    assert reason.endswith("(15002 of DE with HUB, which owes it 15001)")
    assert found == {"runId": honest["run_id"]}
