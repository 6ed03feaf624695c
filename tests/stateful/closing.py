"""Operations of the month's end: cut-off, runs, answers, missing reports, corrections, claims."""

from datetime import date, timedelta
from typing import Any

from federation.values.party import HUB
from tests.federation.harness import MEMBER_IDS
from tests.stateful.life import OFFICER, OFFICERS, Life, at_noon, first_of, last_of, month_of
from tests.stateful.selling import LATE_CLAIMS
from tests.stateful.world import Request, upload

RUNS = "SELECT run_id, period, state FROM settlement_run ORDER BY id DESC LIMIT 6"


async def tick(life: Life) -> None:
    """Time goes by: some hours, or some days."""
    hours = life.random.choice([1, 6, 24, 24, 24, 48, 48, 72, 120])
    life.world.clock.instant += timedelta(hours=hours)


async def publish_rates(life: Life) -> None:
    """Publish the rates of a day, mostly the last of a month; the same day again is refused."""
    day = last_of(life.today, life.random.choice([-1, -1, -1, 0]))
    rate = life.random.choice(["0.85", "0.86", "0.8725"])
    await life.ask(_rates(life, f"date,currency,rate\n{day},GBP,{rate}\n"))


def _rates(life: Life, text: str) -> Request:
    return upload(HUB, life.random.choice(OFFICERS), OFFICER, "/settlement/rates", text.encode())


def ended(life: Life) -> list[str]:
    """Return the months that are over, oldest first."""
    found = []
    start = first_of(life.today, 0)
    while month_of(start := first_of(start, -1)) >= "2026-09":
        found.append(month_of(start))
    return found[::-1]


async def go_on(life: Life) -> None:
    """Do what the oldest month waits for, as its staff would."""
    locked = {row[0] for row in await life.rows(HUB, "SELECT period FROM settlement_locked_period")}
    months = [period for period in ended(life) if period not in locked]
    if not months:
        await tick(life)
        return
    period = months[0]
    states = dict(await life.rows(HUB, "SELECT period, state FROM metering_period"))
    if period not in states:
        await life.ask(life.officer(HUB, "cutOff", period=period))
    elif states[period] != "REPORTED":
        await carry(life)
    else:
        await _settle(life, period)


async def close_month(life: Life, *, wait: bool = False) -> None:
    """Staff stays with a month until it is settled, or gives up; may wait for one to be over."""
    locked = await life.rows(HUB, "SELECT period FROM settlement_locked_period")
    if not [period for period in ended(life) if (period,) not in locked]:
        if not wait and life.chance(0.5):
            return
        life.world.clock.instant = at_noon(first_of(life.today, 1))
    for _ in range(14):
        await go_on(life)
        if len(await life.rows(HUB, "SELECT period FROM settlement_locked_period")) > len(locked):
            return


async def _settle(life: Life, period: str) -> None:
    runs = await life.rows(
        HUB,
        "SELECT run_id, state, objections_until FROM settlement_run "
        "WHERE period = :period AND state IN ('CALCULATED', 'ADVISED')",
        period=period,
    )
    if not runs:
        answer = await life.ask(life.officer(HUB, "calculateRun", period=period))
        if answer.code in {"NO_RATE", "STALE_RATE"}:
            day = last_of(date.fromisoformat(f"{period}-01"))
            await life.ask(_rates(life, f"date,currency,rate\n{day},GBP,0.86\n"))
    elif runs[0][1] == "CALCULATED":
        await life.ask(life.officer(HUB, "adviseRun", runId=runs[0][0]))
    else:
        answer = await life.ask(life.approver(HUB, "approveRun", runId=runs[0][0]))
        if answer.code == "RUN_STATE":  # something has come since it was calculated
            await life.ask(life.officer(HUB, "withdrawRun", runId=runs[0][0], reason="new inputs"))
        elif answer.code == "OBJECTIONS_OPEN":
            life.world.clock.instant += timedelta(days=1)
            await settle_objections(life)
        elif answer.code == "SAME_PERSON" and life.chance(0.5):
            await life.ask(life.officer(HUB, "withdrawRun", runId=runs[0][0], reason="by another"))


async def meddle(life: Life) -> None:
    """Ask something of a run or a month that may be quite out of place."""
    chance = life.random
    run = await life.pick(HUB, RUNS)
    period = chance.choice([*ended(life)[-3:], month_of(life.today)])
    requests = [
        life.officer(HUB, "cutOff", period=period),
        life.officer(HUB, "calculateRun", period=period),
    ]
    if run:
        node = chance.choice(life.world.nodes)
        requests += [
            life.officer(HUB, "adviseRun", runId=run[0]),
            life.approver(HUB, "approveRun", runId=run[0]),
            life.officer(HUB, "withdrawRun", runId=run[0], reason="again"),
            life.officer(node, "concurWithRun", runId=run[0]),
            life.officer(node, "objectToRun", runId=run[0], reason="too little"),
            life.officer(HUB, "settleObjection", runId=run[0], node=node, outcome="explained"),
        ]
    await life.ask(chance.choice(requests))


async def approve_and_withdraw(life: Life) -> None:
    """One approves a run while another takes it back."""
    run = await life.pick(HUB, "SELECT run_id FROM settlement_run WHERE state = 'ADVISED'")
    if run:
        approve = life.approver(HUB, "approveRun", runId=run[0])
        withdraw = life.officer(HUB, "withdrawRun", runId=run[0], reason="again")
        answers = await life.world.send_both(approve, withdraw)
        life.note(approve, answers[0])
        life.note(withdraw, answers[1])
        assert not all(answer.is_done for answer in answers), "approved and withdrawn"


async def settle_objections(life: Life) -> None:
    """Answer an objection that stands."""
    found = await life.pick(
        HUB,
        "SELECT run_id, node FROM settlement_response "
        "WHERE answer = 'OBJECTED' AND settled_by IS NULL ORDER BY run_id, node",
    )
    if found:
        run, node = found
        await life.ask(life.officer(HUB, "settleObjection", runId=run, node=node, outcome="shown"))


async def declare_missing(life: Life) -> None:
    """Remind a node, declare its report missing, or confirm that."""
    chance = life.random
    rows = await life.rows(
        HUB, "SELECT period FROM metering_period WHERE state <> 'REPORTED' ORDER BY period"
    )
    down = [code for code in life.world.nodes if not life.world.sites[code].is_up]
    months = [row[0] for row in rows] or ended(life)[-1:]
    if not months:
        return
    named: dict[str, Any] = {"period": months[0], "node": chance.choice(down or life.world.nodes)}
    await life.ask(life.officer(HUB, "remind", **named))
    if down or life.chance(0.1):
        await life.ask(life.officer(HUB, "declareMissing", **named, reason="a flood"))
        await life.ask(life.approver(HUB, "confirmMissing", **named))


async def object_(life: Life) -> None:
    """A node says something to a run that is advised."""
    found = await life.pick(HUB, "SELECT run_id FROM settlement_run WHERE state = 'ADVISED'")
    node = life.random.choice(life.world.nodes)
    if found and life.chance(0.5):
        await life.ask(life.officer(node, "concurWithRun", runId=found[0]))
    elif found:
        await life.ask(life.officer(node, "objectToRun", runId=found[0], reason="too little"))


async def correct_fully(life: Life) -> None:
    """Staff takes in what came late for a month or two, and corrects them."""
    for _ in range(life.random.randint(1, 2)):
        await correct(life)
        await carry(life)
    for _ in range(5):
        await correct(life)


async def carry(life: Life) -> None:
    """Carry what is on its way, and do what nodes wait to do, for a while."""
    for _ in range(6):
        for code in life.world.nodes:
            await life.world.work(code)
        for sender, _, entity_id in await life.world.links():
            await life.world.deliver(sender, entity_id)


async def correct(life: Life) -> None:
    """Do the next step of a correction, or one that is out of place."""
    chance = life.random
    locked = await life.rows(HUB, "SELECT period FROM settlement_locked_period ORDER BY period")
    open_ = await life.rows(
        HUB,
        "SELECT state FROM settlement_run WHERE corrects IS NOT NULL "
        "AND state IN ('CALCULATED', 'ADVISED')",
    )
    state = open_[0][0] if open_ else None
    named = {
        None: life.officer(HUB, "calculateCorrection"),
        "CALCULATED": life.officer(HUB, "adviseCorrection"),
        "ADVISED": life.approver(HUB, "approveCorrection"),
    }
    if locked and state is None and life.chance(0.5):
        period = chance.choice(locked[-4:])[0]
        await life.ask(life.officer(HUB, "openCorrection", period=period))
    elif life.chance(0.1):
        await life.ask(life.officer(HUB, "withdrawCorrection", reason="again"))
    else:
        request = named[state] if life.chance(0.9) else chance.choice(list(named.values()))
        answer = await life.ask(request)
        if answer.code == "OBJECTIONS_OPEN":
            life.world.clock.instant += timedelta(days=1)


async def miss_a_month(life: Life) -> None:
    """A node is down over the close; two people declare its report missing."""
    node = life.random.choice(life.world.nodes)
    states = await life.rows(HUB, "SELECT period FROM metering_period WHERE state <> 'REPORTED'")
    if states or not all(life.world.sites[code].is_up for code in life.world.nodes):
        return
    life.world.sites[node].is_up = False
    life.world.clock.instant = at_noon(first_of(life.today, 1))
    await go_on(life)
    await carry(life)
    life.world.clock.instant += timedelta(days=7)
    named: dict[str, Any] = {"period": month_of(first_of(life.today, -1)), "node": node}
    await life.ask(life.officer(HUB, "declareMissing", **named, reason="a flood"))
    await life.ask(life.approver(HUB, "confirmMissing", **named))
    await carry(life)
    if life.chance(0.7):
        await close_month(life)


async def claim_held(life: Life) -> None:
    """A member registers an address that money is held for, and its node claims the money."""
    chance = life.random
    code, member, address = chance.choice(LATE_CLAIMS)
    listed = await life.rows(
        code, "SELECT url_key FROM settlement_held_listing WHERE closed_on IS NULL ORDER BY id"
    )
    ours = [item for item in LATE_CLAIMS if (item[2],) in listed]
    url = f"https://{address}"
    if ours and life.chance(0.9):
        code, member, address = chance.choice(ours)
        url = f"https://{address}"
        body = f"member_id,claim,content_tier\n{member},{address},standard\n".encode()
        await life.ask(upload(code, "registry", "registry_officer", "/registry/works", body))
        await carry(life)
    elif listed:
        url = f"https://{chance.choice(listed)[0]}"
        member = chance.choice(MEMBER_IDS[code])
    claim = {"url": url, "member": member, "evidence": "contract 17"}
    await life.ask(life.officer(code, "claimHeldItem", **claim))


async def decide_held(life: Life) -> None:
    """The hub decides a claim, or a dispute."""
    found = await life.pick(
        HUB,
        "SELECT id, url_key, node, claim_id FROM settlement_held_claim "
        "WHERE state = 'FILED' ORDER BY id",
    )
    if found and life.chance(0.7):
        decision = {"claim": found[0], "accept": life.chance(0.7), "reason": "documents seen"}
        await life.ask(life.approver(HUB, "decideHeldClaim", **decision))
    elif found:
        decision = {
            "url": f"https://{found[1]}",
            "node": found[2],
            "claimId": found[3],
            "reason": "both agreed",
        }
        await life.ask(life.approver(HUB, "decideDispute", **decision))


async def dispute(life: Life) -> None:
    """Collectives whose members claim one address each want what is held; the hub decides."""
    listed = await life.pick(
        "FR",
        "SELECT url_key FROM settlement_held_listing WHERE closed_on IS NULL "
        "AND url_key LIKE 'both.example/%' ORDER BY id",
    )
    page = f"https://{listed[0]}" if listed else "https://both.example/1"
    for code, member in (("FR", "fr-a"), ("GB", "gb-a")):
        if life.chance(0.8):
            claim = {"url": page, "member": member, "evidence": "contract 17"}
            await life.ask(life.officer(code, "claimHeldItem", **claim))
    await carry(life)
    filed = await life.rows(
        HUB,
        "SELECT node, claim_id FROM settlement_held_claim WHERE state = 'FILED' "
        "AND url_key = :key ORDER BY id",
        key=page.removeprefix("https://"),
    )
    if filed and life.chance(0.8):
        node, claim_id = life.random.choice(filed)
        decision = {"url": page, "node": node, "claimId": claim_id, "reason": "both agreed"}
        answer = await life.ask(life.approver(HUB, "decideDispute", **decision))
        if answer.is_done and len({row[0] for row in filed}) > 1:
            life.counts["dispute between nodes decided"] += 1
        await carry(life)
