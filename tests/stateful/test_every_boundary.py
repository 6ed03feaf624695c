"""Two months with all that staff does, lived once undisturbed and again with every server dying
before and after every kind of commit: the same runs, the same books, the same payments.
"""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from federation.hub.handlers import HANDLERS as HUB_HANDLERS
from federation.nodes.handlers import HANDLERS as NODE_HANDLERS
from federation.values.party import HUB
from tests.banking.bank import status_report
from tests.stateful import paying
from tests.stateful.facts import SHARES_OVER, balances, hold_always, hold_at_rest
from tests.stateful.life import OFFICER, Life
from tests.stateful.machine import open_for_business, scenario_in
from tests.stateful.story import Story
from tests.stateful.world import Request, World, a_world, upload

# What settlement's staff, banks and messages commit, and nobody else in these two months.
WANTED = {
    "bank": {"approve", "confirm", "import", "settle", "undo"},
    "consent": {"record"},
    "correction": {"advise", "approve", "calculate", "open", "withdraw"},
    "exclusion": {"confirm", "propose"},
    "held": {"claim", "decide"},
    "licence": {"accept", "end_early", "offer"},
    "member": {"set_account"},
    "month": {"close", "forward"},
    "overpayment": {"approve", "confirm_undo", "refund", "set_off", "undo", "withdraw"},
    "pay_ahead": {"confirm", "propose"},
    "payments": {"approve", "export", "propose_again", "propose_members"},
    "period": {"cut_off"},
    "proposal": {"confirm"},
    "rates": {"publish"},
    "receipt": {"record"},
    "registry": {"optouts", "works"},
    "relay": {"delivered"},
    "report": {"confirm_missing", "declare_missing", "remind"},
    "run": {"advise", "approve", "calculate", "concur", "object", "settle_objection", "withdraw"},
    "usage": {"ingest"},
}

# Who belongs is told before the story begins, keys and addresses stay as they are in it, and
# no licensor drops an order that it could carry out. Nobody records works in it.
NEVER = {
    "roster.changed",
    "keys.published",
    "entity.changed",
    "held.not_released",
    "identifiers.filtered",
    "identifiers.added",
}
MESSAGES = (HUB_HANDLERS.keys() | NODE_HANDLERS.keys()) - NEVER


async def opened(story: Story) -> None:
    """Licences are sold and paid for: exactly, and with tax withheld beyond one's own limit."""
    await story.sell(HUB, "lab-one", 1_200_000)
    await story.sell(HUB, "lab-two", 36_500_000)
    await story.sell("DE", "lab-one", 7_300_000)
    await story.drain()
    story.at(9, 5)
    await story.bank(
        HUB,
        (1_200_000, {"text": "HUB-000001", "name": "Lab One"}),
        (32_850_000, {"text": "HUB-000002"}),
    )
    entry = await story.entry(HUB)
    items = [
        {"kind": "INVOICE", "ref": "HUB-000002", "amount": "36500000"},
        {"kind": "TAX_WITHHELD", "ref": "HUB-000002", "amount": "-3650000", "note": "certificate"},
    ]
    paid = [{"kind": "INVOICE", "ref": "HUB-000001", "amount": "1200000"}]
    await story.officer(HUB, "settleWithItems", entry="1", items=paid, reason="paid")
    await story.officer(HUB, "undoSettlement", entry="1", reason="not so")
    await story.officer(HUB, "confirmMatch", entries=["1"], items=paid)
    entry = await story.entry(HUB)
    await story.officer(HUB, "settleWithItems", entry=entry, items=items, reason="certificate 7")
    await story.approver(HUB, "approveSettlement", entry=await story.entry(HUB, "PROPOSED"))
    story_de = {"licence": "DE-000001", "receivedOn": "2026-09-05", "amount": "7300000", "key": "r"}
    await story.officer("DE", "recordReceipt", **story_de)
    await shared(story)
    await story.drain()


async def shared(story: Story) -> None:
    """Two collectives have more than the whole of a page that nobody uses."""
    for code, bps in (("DE", 7_000), ("FR", 6_000)):
        said = {"subject": "news.example/de/9$", "state": "OPTED_IN", "shareBps": bps}
        said |= {"effectiveAt": "2026-01-01T00:00:00Z", "declaredBy": "the publisher"}
        officer = "registry_officer"
        await story.do(code, officer, "recordConsent", record=said, reason="their contract")
        number = await story.one(code, "SELECT min(id) FROM proposals_proposal")
        confirmed = {"id": str(number)}
        await story.ask(Request(code, "second-registry", officer, "confirmProposal", confirmed))
        await story.drain()


async def september(story: Story) -> None:
    """A month with a run taken back, an objection that is settled, and everything paid."""
    story.at(9, 20)
    day = "2026-09-10"
    await story.use(
        HUB,
        "buyer@lab-one",
        "s",
        ("HUB-000001", "news.example/de/1", 5_000, day),
        ("HUB-000001", "news.example/fr/1", 3_000, day),
        ("HUB-000001", "orphan.example/1", 900, day),
        ("HUB-000001", "orphan.example/2", 500, day),
        ("HUB-000001", "both.example/1", 700, day),
        ("DE-000001", "news.example/gb/1", 400, day),
        ("DE-000001", "news.example/fr/1", 600, day),
        ("DE-000001", "orphan.example/1", 300, day),
    )
    await story.use(HUB, "buyer@lab-two", "s", ("HUB-000002", "news.example/gb/1", 2_000, day))
    story.at(10, 1)
    rates = b"date,currency,rate\n2026-09-30,GBP,0.85\n2026-10-30,GBP,0.86\n"
    await story.ask(upload(HUB, "settlement", OFFICER, "/settlement/rates", rates))
    await story.officer(HUB, "cutOff", period="2026-09")
    await story.drain()
    await story.officer(HUB, "calculateRun", period="2026-09")
    run = await story.run("2026-09")
    await story.officer(HUB, "adviseRun", runId=run)
    await story.drain()
    await story.officer(HUB, "withdrawRun", runId=run, reason="a look at it")
    await story.drain()
    await story.officer(HUB, "calculateRun", period="2026-09")
    run = await story.run("2026-09")
    await story.officer(HUB, "adviseRun", runId=run)
    await story.drain()
    await story.officer("FR", "concurWithRun", runId=run)
    await story.officer("GB", "objectToRun", runId=run, reason="too little")
    await story.drain()
    await story.officer(HUB, "settleObjection", runId=run, node="GB", outcome="explained")
    story.at(10, 4)
    await story.approver(HUB, "approveRun", runId=run)
    await story.drain()


async def paid(story: Story) -> None:
    """DE has not paid and leaves the net; others are paid; a member's payment is returned."""
    story.at(10, 16)
    of_de = await story.pay_all("DE")
    await story.officer(HUB, "excludeDebtor", period="2026-09", node="DE", reason="never paid")
    await story.approver(HUB, "confirmExclusion", period="2026-09", node="DE")
    await story.drain()
    for number, payee, amount, currency, _ in await story.pay_all(HUB):
        paying.book_payment(story.life, HUB, number, payee, int(amount), currency)
    await story.banks_speak()
    await returned(story, of_de)
    ahead = {"period": "2026-09", "reason": "their time by the law is over"}
    await story.officer("GB", "proposePayAhead", **ahead)
    await story.approver("GB", "confirmPayAhead", period="2026-09")
    await story.officer("GB", "proposeMemberPayments", period="2026-09")
    sent = await story.pay_all("GB")
    [first, *others] = [row[0] for row in sent]
    report = status_report((first, "RJCT", "AC04"), original=sent[0][4])
    await story.file("GB", report)
    for number, _, amount, _, _ in sent:
        if number in others:
            await story.bank("GB", (-int(amount), {"e2e": number, "text": number}))
            back = {"e2e": number, "text": "closed", "return_reason": "AC04"}
            await story.bank("GB", (int(amount), back))
    account = {"account": "GB33BUKB20201555555555"}
    member = sent[0][1].removeprefix("member:")
    await story.do("GB", "registry_officer", "setMemberAccount", member=member, account=account)
    await story.officer("GB", "proposePaymentAgain", id=first)
    for number, _, amount, _, _ in await story.pay_all("GB"):
        await story.bank("GB", (-int(amount), {"e2e": number, "text": number}))


async def returned(story: Story, sent: list[Any]) -> None:
    """What DE paid into the net all the same goes back; what a lab paid it too much is set off."""
    for number, payee, amount, currency, _ in sent:
        paying.book_payment(story.life, "DE", number, payee, int(amount), currency)
    await story.banks_speak()
    await story.officer(HUB, "refundOverpayment", id="2026-09-DE-HUB")
    await story.drain()
    for number, payee, amount, currency, _ in await story.pay_all(HUB):
        paying.book_payment(story.life, HUB, number, payee, int(amount), currency)
    await story.banks_speak()
    await story.sell("DE", "lab-two", 9_000)
    await story.drain()
    await story.bank("DE", (10_000, {"text": "we paid twice", "name": "Lab Two"}))
    items = [{"kind": "OVERPAYMENT", "ref": "DE-000002", "amount": "10000"}]
    entry = await story.entry("DE")
    await story.officer("DE", "settleWithItems", entry=entry, items=items, reason="twice")
    query = "SELECT match_id FROM bank_match_item WHERE kind = 'OVERPAYMENT'"
    [[match]] = await story.life.rows("DE", query)
    against = {"kind": "INVOICE", "ref": "DE-000002", "reason": "as the lab asked"}
    await story.officer("DE", "setOffOverpayment", id=f"OP-{match}-1", **against)
    await story.officer("DE", "withdrawSetOff", id="1")
    await story.officer("DE", "setOffOverpayment", id=f"OP-{match}-1", **against)
    await story.approver("DE", "approveSetOff", id="2")
    await story.officer("DE", "undoSetOff", id="2", reason="the wrong invoice")
    await story.approver("DE", "confirmUndoSetOff", id="2")
    await story.bank(HUB, (700, {"text": "twice", "name": "GB"}))
    items = [{"kind": "OVERPAYMENT", "ref": "PAY-2026-09-DE-HUB", "amount": "700"}]
    entry = await story.entry(HUB)
    await story.officer(HUB, "settleWithItems", entry=entry, items=items, reason="twice")
    query = "SELECT max(match_id) FROM bank_match_item WHERE kind = 'OVERPAYMENT'"
    [[match]] = await story.life.rows(HUB, query)
    await story.officer(HUB, "refundOverpayment", id=f"OP-{match}-1")
    await story.drain()


async def october(story: Story) -> None:
    """GB is down over the close and declared missing; it returns."""
    gb = story.life.world.sites["GB"]
    story.at(10, 20)
    day = "2026-10-10"
    await story.use("FR", "sites", "o", ("HUB-000001", "news.example/fr/1", 900, day))
    await story.use(
        HUB, "buyer@lab-one", "o", ("HUB-000001", "news.example/gb/1", 300, day),
        ("DE-000001", "news.example/gb/1", 100, day),
    )  # fmt: skip
    await story.drain()
    gb.is_up = False
    story.at(11, 1)
    await story.officer(HUB, "cutOff", period="2026-10")
    story.at(11, 7)
    named = {"period": "2026-10", "node": "GB"}
    await story.officer(HUB, "remind", **named)
    await story.officer(HUB, "declareMissing", **named, reason="a flood")
    await story.approver(HUB, "confirmMissing", **named)
    await story.drain()
    await story.officer(HUB, "calculateRun", period="2026-10")
    run = await story.run("2026-10")
    await story.officer(HUB, "adviseRun", runId=run)
    story.life.world.clock.instant += timedelta(days=3)
    await story.approver(HUB, "approveRun", runId=run)
    gb.is_up = True
    await story.drain()


async def corrected(story: Story) -> None:
    """Late usage and a late opt-out are corrected; held money is claimed, once in vain."""
    story.at(11, 12)
    await story.use(
        HUB, "buyer@lab-one", "late", ("HUB-000001", "news.example/gb/2", 2_500, "2026-09-11")
    )
    optout = b"subject,use,effective_at\nnews.example/de/1,*,2026-09-05T00:00:00Z\n"
    await story.ask(upload("DE", "registry", "registry_officer", "/registry/optouts", optout))
    await story.drain()
    for period in ("2026-09", "2026-10"):
        await story.officer(HUB, "openCorrection", period=period)
        await story.drain()
    await story.officer(HUB, "calculateCorrection")
    await story.officer(HUB, "withdrawCorrection", reason="a look at it")
    await story.officer(HUB, "calculateCorrection")
    await story.officer(HUB, "adviseCorrection")
    await story.drain()
    story.at(11, 15)
    await story.approver(HUB, "approveCorrection")
    await story.drain()
    works = b"member_id,claim,content_tier\ngb-b,orphan.example,standard\n"
    await story.ask(upload("GB", "registry", "registry_officer", "/registry/works", works))
    await story.drain()
    for number, accept in ((1, True), (2, False)):
        claim = {"url": f"https://orphan.example/{number}", "member": "gb-b", "evidence": "17"}
        await story.officer("GB", "claimHeldItem", **claim)
        await story.drain()
        decision = {"claim": f"HC-GB-{number:06d}", "accept": accept, "reason": "documents seen"}
        await story.approver(HUB, "decideHeldClaim", **decision)
        await story.drain()
    end = {"number": "HUB-000002", "lastDay": "2026-11-30", "reason": "the lab stops"}
    await story.do(HUB, "licensing_officer", "endLicenceEarly", **end)
    await story.drain()


async def lived(world: World) -> Story:
    story = Story(Life(world, Random(1), 0.0))
    await open_for_business(story.life)
    world.commits.clear()
    for site in world.sites.values():
        site.doom = dict(world.planned.get(site.code, {}))
    for chapter in (opened, september, paid, october, corrected):
        await chapter(story)
    await world.check()
    await hold_always(story.life)
    await hold_at_rest(story.life)
    return story


async def outcome(life: Life) -> dict[str, Any]:
    """Return what must not depend on who died when."""
    runs = "SELECT run_id, period, state FROM settlement_run WHERE state = 'APPROVED' ORDER BY id"
    payments = "SELECT payment_id, state, amount, currency FROM settlement_payment ORDER BY 1"
    members = "SELECT period, member_id, payable, outstanding FROM settlement_member_balance"
    found: dict[str, Any] = {}
    for code in life.world.sites:
        found[code] = {
            "books": await balances(life, code),
            "runs": await life.rows(code, runs),
            "payments": await life.rows(code, payments),
            "members": sorted(await life.rows(code, members)),
            "shares over": await life.rows(code, SHARES_OVER),
            "claims": await life.rows(
                code, "SELECT id, state FROM settlement_held_claim ORDER BY 1"
            ),
        }
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(sqlite, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    async with a_world(sqlite, scenario_in(folder / "files"), folder, Random(1)) as world:
        story = await lived(world)
        return await outcome(story.life), world.commits.copy()


async def test_the_undisturbed_story_does_all_there_is(undisturbed):
    _, commits = undisturbed
    names = {name for _, name, _ in commits}
    wanted = {f"{area}.{act}" for area, acts in WANTED.items() for act in acts}

    assert names == wanted | {f"inbox.{kind}" for kind in MESSAGES}


@pytest.mark.slow
async def test_dying_before_and_after_every_kind_of_commit_changes_nothing(
    undisturbed, sqlite, tmp_path
):
    expected, commits = undisturbed

    async with a_world(sqlite, scenario_in(tmp_path / "files"), tmp_path, Random(1)) as world:
        for code, name, moment in commits:
            world.planned.setdefault(code, {})[name, moment] = 1
        story = await lived(world)
        found = await outcome(story.life)

    assert not [site.doom for site in world.sites.values() if site.doom]
    assert sum(world.crashes.values()) == len(commits)
    assert found == expected
