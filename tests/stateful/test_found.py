"""What lives by chance have found, told as short stories."""

from datetime import timedelta
from random import Random

import pytest

from federation.values.party import HUB
from tests.stateful.facts import hold_always, hold_at_rest
from tests.stateful.life import OFFICER, Life
from tests.stateful.machine import open_for_business, scenario_in
from tests.stateful.story import Story
from tests.stateful.world import Request, a_world, upload

RATES = b"date,currency,rate\n2026-09-30,GBP,0.85\n2026-10-30,GBP,0.86\n"


@pytest.fixture
async def story(sqlite, tmp_path):
    async with a_world(sqlite, scenario_in(tmp_path / "files"), tmp_path, Random(1)) as world:
        story = Story(Life(world, Random(1), 0.0))
        await open_for_business(story.life)
        yield story
        await world.check()
        await hold_always(story.life)
        await hold_at_rest(story.life)


async def settled(story, *more):
    """September is over: two collectives share what one licence earned, and who is in `more`."""
    await story.sell(HUB, "lab-one", 3_650_000)
    await story.drain()
    receipt = {"licence": "HUB-000001", "receivedOn": "2026-09-02", "amount": "3650000", "key": "r"}
    story.at(9, 20)
    await story.officer(HUB, "recordReceipt", **receipt)
    await story.use(
        HUB,
        "buyer@lab-one",
        "s",
        ("HUB-000001", "news.example/de/1", 5_000, "2026-09-10"),
        ("HUB-000001", "news.example/gb/1", 3_000, "2026-09-10"),
        *more,
    )
    story.at(10, 1)
    await story.ask(upload(HUB, "settlement", OFFICER, "/settlement/rates", RATES))
    await story.officer(HUB, "cutOff", period="2026-09")
    await story.drain()


async def approved(story, period):
    await story.officer(HUB, "calculateRun", period=period)
    run = await story.run(period)
    await story.officer(HUB, "adviseRun", runId=run)
    story.life.world.clock.instant += timedelta(days=3)
    await story.approver(HUB, "approveRun", runId=run)


async def test_a_correction_of_a_month_from_before_a_licence_was_sold_leaves_it_out(story):
    await settled(story)
    await approved(story, "2026-09")
    await story.sell("DE", "lab-two", 730_000)  # from the 1st of September on
    await story.drain()
    late = ("DE-000001", "news.example/de/1", 70, "2026-09-12")
    await story.use(HUB, "buyer@lab-two", "late", late)
    late = ("HUB-000001", "news.example/fr/1", 900, "2026-09-12")
    await story.use(HUB, "buyer@lab-one", "late", late)
    await story.officer(HUB, "openCorrection", period="2026-09")
    await story.drain()

    await story.officer(HUB, "calculateCorrection")
    await story.officer(HUB, "adviseCorrection")
    story.at(10, 9)
    await story.approver(HUB, "approveCorrection")
    await story.drain()

    [[carried]] = await story.life.rows(
        HUB, "SELECT document FROM settlement_run WHERE corrects <> ''"
    )
    assert b"DE-000001" not in carried


async def test_a_node_that_was_missing_has_its_run_before_its_report(story):
    gb = story.life.world.sites["GB"]
    await story.drain()
    gb.is_up = False
    await settled(story)
    story.at(10, 7)
    named = {"period": "2026-09", "node": "GB"}
    await story.officer(HUB, "declareMissing", **named, reason="a flood")
    await story.approver(HUB, "confirmMissing", **named)
    await story.drain()
    await approved(story, "2026-09")
    story.at(10, 10)
    gb.is_up = True
    for _ in range(10):  # the run has come, and the month's worker has not had its turn
        for sender, _, entity_id in await story.life.world.links():
            await story.life.world.deliver(sender, entity_id)

    assert await story.life.rows("GB", "SELECT run_id FROM settlement_distribution")
    assert not await story.life.rows("GB", "SELECT sequence FROM metering_report")
    await story.life.world.check()


async def test_what_left_the_net_is_not_proposed_again(story):
    await story.sell("DE", "lab-one", 7_300_000)
    await story.drain()
    receipt = {"licence": "DE-000001", "receivedOn": "2026-09-02", "amount": "7300000", "key": "r"}
    story.at(9, 20)
    await story.officer("DE", "recordReceipt", **receipt)
    used = [("DE-000001", f"news.example/{node}/1", 500, "2026-09-10") for node in ("fr", "gb")]
    await story.use(HUB, "buyer@lab-one", "s", *used)
    story.at(10, 1)
    await story.ask(upload(HUB, "settlement", OFFICER, "/settlement/rates", RATES))
    await story.officer(HUB, "cutOff", period="2026-09")
    await story.drain()
    await approved(story, "2026-09")
    await story.drain()
    number = "PAY-2026-09-DE-HUB"
    await story.officer("DE", "cancelPayment", id=number, reason="no money")
    story.at(10, 20)
    await story.officer(HUB, "excludeDebtor", period="2026-09", node="DE", reason="never paid")
    await story.approver(HUB, "confirmExclusion", period="2026-09", node="DE")
    await story.drain()
    before = await story.life.world.sites["DE"].mark()

    again = Request("DE", "settlement", OFFICER, "proposePaymentAgain", {"id": number})
    answer = await story.life.world.send(again)

    assert answer.code == "PAYMENT_STATE"
    assert "is not owed since excluded/2026-09/DE" in answer.value
    assert await story.life.world.sites["DE"].mark() == before


async def test_a_run_that_is_taken_back_and_advised_again_credits_once(story):
    await settled(story, ("HUB-000001", "press.example/copy/1", 700, "2026-09-10"))
    await story.officer(HUB, "calculateRun", period="2026-09")
    first = await story.run("2026-09")
    await story.officer(HUB, "adviseRun", runId=first)
    await story.drain()
    await story.officer(HUB, "withdrawRun", runId=first, reason="a look at it")
    await story.drain()

    await approved(story, "2026-09")
    await story.drain()

    assert await story.run("2026-09") == first
    credits_ = "SELECT licence, stated_by FROM settlement_stated_credit WHERE run_id = :run"
    assert await story.life.rows("FR", credits_, run=first) == [("HUB-000001", "GB")]
    assert await story.life.rows("FR", "SELECT run_id FROM settlement_distribution") == [(first,)]
