"""The stateful test itself: steps by chance, checks in between, an end with nothing under way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from federation.scenario.model import Scenario
from federation.values.party import HUB
from tests.federation.harness import TOML, write_scenario
from tests.stateful import closing, exchange, notices, paying, selling
from tests.stateful.facts import hold_always, hold_at_rest
from tests.stateful.life import ACCOUNTS, LABS, Bank, Life
from tests.stateful.world import DefectError, Request, a_world, done

Operation = Callable[[Life], Awaitable[None]]
THIRD = '[[licensee]]\nid = "lab-three"\nname = "Lab Three"\n'


async def deliver(life: Life) -> None:
    """Some of what waits is delivered, in any order of senders and targets."""
    links = await life.world.links()
    life.random.shuffle(links)
    for sender, target, entity_id in links[: life.random.randint(1, 4)]:
        _doom(life, target if life.chance(0.5) else sender)
        await life.world.deliver(sender, entity_id)
    for site in life.world.sites.values():
        site.crash_in = None


async def work(life: Life) -> None:
    """A node does what its month waits for."""
    code = life.random.choice(life.world.nodes)
    _doom(life, code)
    await life.world.work(code)
    life.world.sites[code].crash_in = None


def _doom(life: Life, code: str) -> None:
    if life.chance(life.mischief):
        at = (life.random.randint(1, 4), life.random.choice(["before", "after"]))
        life.world.sites[code].crash_in = at


async def deliver_again(life: Life) -> None:
    """A delivery of long ago comes once more."""
    network = life.world.network
    if network.copies:
        sender, target, body = life.random.choice(network.copies)
        sites = life.world.sites
        if sites[sender].is_up:
            network.counts["long after"] += 1
            await life.world.guarded(sites[sender].peers.repeat(sites[target], body))


async def ask_again(life: Life) -> None:
    """Somebody repeats a request of long ago, word for word."""
    if life.earlier:
        life.counts["asked again much later"] += 1
        request = life.random.choice(life.earlier)
        if life.world.sites[request.code].is_up:
            await life.plainly(request)


async def go_down(life: Life) -> None:
    """A server is down for a while, or comes back: a node, or the hub for all of them."""
    down = [code for code, site in life.world.sites.items() if not site.is_up]
    if down and life.chance(0.5):
        life.world.sites[down[0]].is_up = True
    elif not down and life.chance(0.4):
        code = life.random.choice([*life.world.nodes, HUB])
        life.counts[f"outage of {code if code == HUB else 'a node'}"] += 1
        life.world.sites[code].is_up = False


OPERATIONS: dict[Operation, int] = {
    selling.sell: 7,
    selling.end_early: 1,
    selling.change_status: 1,
    selling.report_usage: 18,
    selling.claim_work: 2,
    selling.opt_out: 1,
    closing.tick: 14,
    closing.go_on: 12,
    closing.close_month: 6,
    closing.miss_a_month: 1,
    closing.object_: 2,
    closing.correct_fully: 3,
    closing.meddle: 4,
    closing.approve_and_withdraw: 1,
    closing.settle_objections: 2,
    closing.declare_missing: 2,
    closing.correct: 3,
    closing.claim_held: 4,
    closing.decide_held: 3,
    closing.dispute: 3,
    closing.publish_rates: 1,
    paying.lab_pays: 4,
    paying.collect: 9,
    paying.bank_life: 1,
    paying.record_receipt: 2,
    paying.bank_books: 6,
    paying.give_back: 3,
    paying.state: 10,
    paying.match: 9,
    paying.match_exactly: 3,
    paying.approve_match: 3,
    paying.undo_match: 3,
    paying.pay: 8,
    paying.pay_round: 6,
    paying.change_payment: 3,
    paying.pay_members: 6,
    paying.exclude: 2,
    paying.pay_ahead: 1,
    paying.use_overpayment: 2,
    exchange.sell_currency: 3,
    exchange.bank_exchanges: 2,
    exchange.treasury_day: 6,
    notices.notify: 5,
    deliver: 30,
    work: 8,
    deliver_again: 3,
    ask_again: 4,
    go_down: 4,
}


@dataclass
class Plan:
    """How long a life is and how often it is examined."""

    seed: int
    steps: int
    check_every: int = 50
    mischief: float = 0.25


def scenario_in(folder: Path) -> Scenario:
    """Write the small federation with a third lab."""
    return write_scenario(
        folder, scenario_toml=TOML.replace("[[licensee]]", THIRD + "[[licensee]]", 1)
    )


async def live(backend: Any, folder: Path, plan: Plan) -> Life:
    """Live a life by chance; whatever breaks says with which seed and after which steps."""
    random = Random(plan.seed)
    scenario = scenario_in(folder / "files")
    async with a_world(backend, scenario, folder, random) as world:
        life = Life(world, random, plan.mischief)
        await open_for_business(life)
        step = 0
        try:
            for step in range(1, plan.steps + 1):
                await one_step(life)
                if step % plan.check_every == 0:
                    await world.check()
                    await hold_always(life)
            await without_the_hub(life)
            await come_to_rest(life)
        except Exception as error:
            story = "\n".join(life.log[-30:])
            raise DefectError(f"seed {plan.seed}, step {step}: {error}\n{story}") from error
        return life


async def without_the_hub(life: Life) -> None:
    """The hub is away while nodes work and send: chance alone may leave it out of a life."""
    hub = life.world.sites[HUB]
    hub.is_up = False
    life.counts[f"outage of {HUB}"] += 1
    await closing.carry(life)
    hub.is_up = True


async def one_step(life: Life) -> None:
    """Do one operation, chosen by chance."""
    [operation] = life.random.choices(list(OPERATIONS), list(OPERATIONS.values()))
    life.world.network.mischief = life.mischief
    life.counts[f"step {operation.__name__}"] += 1
    life.log.append(f"-- {operation.__name__}")
    await operation(life)
    del life.log[:-200]


async def open_for_business(life: Life) -> None:
    """Labs are known, accounts open, and time is within the first month."""
    world = life.world
    for code in world.sites:
        for lab in LABS:
            variables = {"id": lab, "name": lab}
            await done(
                world,
                Request(code, "licensing", "licensing_officer", "registerLicensee", variables),
            )
        for account, currency in ACCOUNTS[code]:
            opened = {"account": account, "currency": currency, "name": "Main"}
            await done(
                world, Request(code, "settlement", "settlement_officer", "openBankAccount", opened)
            )
            life.banks.append(Bank(code, account, currency))
    await world.drain()
    world.clock.instant += timedelta(days=1)


async def come_to_rest(life: Life) -> None:
    """Everybody is up, everything is delivered and booked: what must hold then."""
    world = life.world
    for site in world.sites.values():
        site.is_up, site.crash_in = True, None
    life.mischief = world.network.mischief = 0.0
    await world.drain()
    await closing.close_month(life, wait=True)
    await world.drain()
    await world.check()
    for code in (HUB, *world.nodes):
        for number, payee, amount, currency, _ in await life.rows(code, paying.SENT):
            if f"{code} {number}" not in life.booked:
                life.booked.add(f"{code} {number}")
                paying.book_payment(life, code, number, payee, int(amount), currency)
    for bank in life.banks:
        if bank.waiting:
            await paying.send_statement(life, bank)
    await world.drain()
    await notices.tell_the_rest(life)
    await notices.notices_are_of_their_entries(life)
    await exchange.sell_the_rest(life)
    await world.check()
    await hold_always(life)
    await hold_at_rest(life)
