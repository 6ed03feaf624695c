"""A server that is killed at any commit, and started again, loses nothing and counts nothing twice.

One month of a small federation is lived undisturbed; then again with one server that dies before
and after every one of its commits, comes back with the same data at the same port, and is asked
again by whoever got no answer. What all servers hold in the end must be the same to the last row.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from federation.clock import SettableClock
from federation.hub.handlers import HANDLERS as HUB_HANDLERS
from federation.nodes.handlers import HANDLERS as NODE_HANDLERS
from federation.scenario.story import first_instant_after
from federation.settlement.run_document import decode, run_id
from federation.store.base import Base
from federation.store.database import Database
from federation.store.tables import OutboxMessage
from federation.values.party import HUB
from tests.databases import contents
from tests.federation.crashing_server import read_plan, write_plan
from tests.federation.harness import (
    PERIOD,
    SECONDS_MAX,
    USAGE,
    Keeper,
    PatientServer,
    Small,
    small_federation,
    soon,
    write_scenario,
)
from tests.settlement.reference_scenario import walk

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVER = Path(__file__).with_name("crashing_server.py")
ROUNDS, SEED, MONTH_SECONDS = 10, 1, 600

SUSPEND = """mutation($number: String!) {
  suspendLicence(number: $number, reason: "audit") { __typename ... on Refused { code } } }"""

# Where each of these lines enters is Story's choice: the smallest code that claims its host.
PATTERNS = [
    ("L1", "https://news.example/de/{}", "TRAIN", 10, "site", "MATCHED"),
    ("L1", "https://news.example/fr/{}", "GROUND", 10, "site", "MATCHED"),  # enters at DE
    ("L1", "https://news.example/gb/{}", "TRAIN", 10, "site", "MATCHED"),  # enters at DE
    ("L1", "https://x.bild.example/{}", "TRAIN", 10, "site", "MATCHED"),  # DE's, enters at FR
    ("L1", "https://journal.example/{}", "GROUND", 25, "site", "MATCHED"),
    ("L1", "https://journal.example/{}", "TRAIN", 25, "site", "RESERVED"),
    ("L1", "https://press.example/copy/{}", "TRAIN", 10, "site", "MATCHED"),  # 30 % for FR
    ("L1", "https://both.example/{}", "TRAIN", 10, "site", "DISPUTED"),
    ("L1", "https://nowhere.example/{}", "TRAIN", 10, "site", "NOT_REPRESENTED"),
    ("L1", "https://twins.example/{}", "TRAIN", 10, "site", "MATCHED"),
    ("L1", "https://late.example/{}", "TRAIN", 10, "site", "NOT_REPRESENTED"),
    ("L1", "https://late.example/{}", "TRAIN", 16, "site", "MATCHED"),
    ("L1", "https://news.example/de/{}", "SEARCH", 10, "site", "OUT_OF_SCOPE"),
    ("L1", "https://news.example/de/private/{}", "TRAIN", 10, "site", "RESERVED"),
    ("XX", "https://news.example/de/{}", "TRAIN", 10, "site", "UNKNOWN_LICENCE"),
    ("L1", "ftp://news.example/de/{}", "TRAIN", 10, "site", "MALFORMED"),
    ("A1", "https://news.example/gb/{}", "TRAIN", 10, "lab", "MATCHED"),
    ("A1", "https://nowhere.example/{}", "GROUND", 10, "lab", "UNMATCHED"),
    ("A1", "https://journal.example/{}", "GROUND", 10, "lab", "MATCHED"),
    ("L2", "https://news.example/de/{}", "SEARCH", 10, "lab", "MATCHED"),
    ("L2", "https://press.example/{}", "SEARCH", 10, "lab", "MATCHED"),
    ("L2", "https://news.example/de/{}", "TRAIN", 10, "lab", "OUT_OF_SCOPE"),
    ("L1", "https://news.example/de/{}", "TRAIN", 10, "lab", "other_source"),
]

# The commits of each role, by the step of the story in which the server dies before and after it.
# What a person does only once (apply, admit, import) is not repeated blindly, so nobody dies there.
CRASHES = {
    HUB: {
        "join": ["admission.apply"],
        "register": ["inbox.registry.delta"],
        "sell": [
            "inbox.licence.issued",
            "inbox.licence.registered",
            "licence.accept",
            "licence.offer",
            "licensee.register",
            "relay.delivered",
            "relay.failed",
            "relay.lease",
        ],
        "rates": ["rates.publish"],
        "settle": [
            "inbox.held.stated",
            "inbox.receipt.recorded",
            "inbox.usage.forwarded",
            "inbox.usage.report",
            "inbox.usage.routed",
            "period.cut_off",
            "receipt.record",
            "run.advise",
            "run.approve",
            "run.calculate",
            "usage.ingest",
        ],
        "stop": ["relay.release"],
    },
    "DE": {
        "join": ["admission.granted", "inbox.roster.changed"],
        "sell": [
            "inbox.licence.issued",
            "licence.accept",
            "licence.offer",
            "licensee.register",
            "relay.delivered",
            "relay.lease",
        ],
        "outage": ["receipt.record", "relay.failed"],
        "settle": [
            "inbox.run.advised",
            "inbox.run.approved",
            "inbox.document.issued",
            "inbox.held.published",
            "inbox.usage.complete",
            "inbox.usage.cut_off",
            "inbox.usage.routed",
            "month.close",
            "month.forward",
            "usage.ingest",
        ],
        "stop": ["relay.release"],
    },
}

ONCE = {
    HUB: {
        "voice.begin",
        "voice.heard",
        "keys.first",
        "people.take_in",
        "admission.invite",
        "admission.recommend",
        "admission.approve",
    },
    "DE": {
        "voice.begin",
        "voice.heard",
        "keys.first",
        "people.take_in",
        "admission.apply",
        "registry.members",
        "registry.works",
        "registry.optouts",
    },
}

FEW = {  # on the second backend: what talks to the database in a way of its own
    HUB: ["inbox.licence.registered", "relay.lease", "usage.ingest", "period.cut_off"],
    "DE": ["relay.delivered", "usage.ingest", "month.forward", "month.close", "inbox.run.approved"],
}


def usage_rows():
    """Return the lines of the month as (CSV row, expected class, units)."""
    found = []
    for number in range(ROUNDS):
        for kind, (licence, url, use, day, source, cls) in enumerate(PATTERNS):
            units = 1_000 + 7 * number + kind
            at = f"2026-09-{day:02d}T12:00:00Z"
            row = [f"e-{kind}-{number}", licence, url.format(number), use, str(units), at, source]
            found.append((",".join(row), cls, units))
    first, units = found[0][0], found[0][2]
    found += [(first, "DUPLICATE", units)] * 5
    found += [(first.replace("TRAIN", "GROUND"), "CONFLICT", units)] * 5
    return found


def expected_classes():
    counted: dict[str, list[int]] = {}
    for _, cls, units in usage_rows():
        count = counted.setdefault(cls, [0, 0])
        count[0] += 1
        count[1] += units
    return counted


@dataclass
class Recorder:
    """Notes every commit of every server, by the step of the story."""

    step: str = ""
    seen: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)

    def keeper(self, code, config, clock: SettableClock) -> Keeper:
        found = self.seen.setdefault(code, Counter())

        def boundary(name: str, moment: str) -> None:
            if moment == "after":
                found[self.step, name] += 1

        return Keeper(config, clock, boundary)

    def names(self, code: str) -> set[str]:
        return {name for _, name in self.seen[code]}


FIRST_SECONDS_MAX = 120.0  # a process that is started, and has lived a month, before it serves


class Nursery:
    """The process that brings a killed server back to life."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, folder: Path) -> None:
        self.log = (folder / "stderr").open("wb+")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SERVER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self.log,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
        )

    async def send(self, job: dict[str, Any]) -> None:
        self.process.stdin.write(msgspec.json.encode(job) + b"\n")
        await self.process.stdin.drain()

    async def next_life(self, seconds: float | None = SECONDS_MAX) -> int | None:
        """Return the process of the server when it listens (again), None when it has ended."""
        async with asyncio.timeout(seconds):
            word, _, process = (await self.process.stdout.readline()).partition(b" ")
            return int(process) if word == b"alive" else None

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # its own group: itself and the last life
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        self.log.close()


class Mortal(Keeper):
    """A server in a process of its own that dies where its plan says, and comes back."""

    def __init__(self, nursery: Nursery, code: str, config: Any, clock: SettableClock) -> None:
        super().__init__(config, clock, None)
        self._nursery, self._code = nursery, code
        self.plan = config.data_dir.parent / f"plan-{code}.json"
        self.clock_file = config.data_dir.parent / "clock"
        self.plan.parent.mkdir(parents=True, exist_ok=True)
        write_plan(self.plan, [])
        self.set_clock(clock.instant)
        self.deaths, self._is_to_end = 0, False
        self._life: int | None = None
        self._watch: asyncio.Task[None] | None = None
        self.on_return: Callable[[], None] = lambda: None

    def set_clock(self, instant) -> None:
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(instant.isoformat(), encoding="utf-8")
        fresh.replace(self.clock_file)

    async def start(self) -> None:
        self._is_to_end = False
        await self._nursery.send(
            {
                "role": self._code,
                "config": msgspec.to_builtins(self.config, enc_hook=str),
                "plan": str(self.plan),
                "clock": str(self.clock_file),
            }
        )
        self._life = await self._nursery.next_life(FIRST_SECONDS_MAX)
        assert self._life, f"{self._code} did not start"
        self._watch = asyncio.create_task(self._count())

    async def _count(self) -> None:
        """Follow the lives of the server until one ends as asked."""
        while life := await self._nursery.next_life(None):
            self._life = life
            self.deaths += 1
            self.on_return()
            if self._is_to_end:
                self._end_this_life()
        assert self._is_to_end, f"{self._code} ended unasked"

    def _end_this_life(self) -> None:
        """Ask one life to end; if it is killed meanwhile, the next one is asked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._life, signal.SIGTERM)

    async def stop(self) -> None:
        """Ask this life, and should it be killed the next ones, to end."""
        if self._watch is None:
            return
        self._is_to_end = True
        if not self._watch.done():
            self._end_this_life()
        async with asyncio.timeout(SECONDS_MAX):
            await self._watch
        self._watch = None

    async def spent(self, *names: str) -> None:
        """Wait until the server has died everywhere it should (or at these names)."""

        async def gone() -> bool:
            return not [item for item in read_plan(self.plan) if not names or item[0] in names]

        await soon(gone, what=f"deaths {read_plan(self.plan)}")


@dataclass
class Fate:
    """What befalls the servers in each step: nothing, or the deaths of one of them."""

    plan: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    victim: Mortal | None = None
    recorder: Recorder | None = None

    async def enter(self, step: str) -> None:
        if self.recorder is not None:
            self.recorder.step = step
        if self.victim is not None:
            await self.victim.spent()
            write_plan(self.victim.plan, self.plan.get(step, []))

    async def strikes(self, *names: str) -> None:
        if self.victim is not None:
            await self.victim.spent(*names)

    def set_clock(self, small: Small, instant) -> None:
        small.set_clock(instant)
        if self.victim is not None:
            self.victim.set_clock(instant)


async def live_a_month(small: Small, fate: Fate, *, hub_may_stop: bool) -> None:
    """Join, register, sell while FR is down, report and settle, the hub being down for a moment."""
    story = small.story()
    await fate.enter("join")
    await story.join()
    await fate.enter("register")
    await story.register()
    await fate.enter("sell")
    await small.stop("FR")
    async with asyncio.TaskGroup() as group:
        group.create_task(story.sell())
        await failed_twice(small, HUB, "FR")
        await fate.strikes("relay.failed")
        await small.start("FR")
    await fate.strikes()
    fate.set_clock(small, first_instant_after(PERIOD))
    await fate.enter("rates")
    await story.publish_rates()
    await fate.enter("outage")
    if hub_may_stop:
        await small.stop(HUB)
    async with asyncio.TaskGroup() as group:
        group.create_task(settle(story))  # the first receipt is DE's own
        if hub_may_stop:
            await failed_twice(small, "DE", HUB)
            await fate.strikes()
        await fate.enter("settle")
        if hub_may_stop:
            await small.start(HUB)


async def settle(story) -> None:
    await story.settle(PERIOD)
    await story.settle_down()  # documents and the list of held money follow the distribution


async def failed_twice(small: Small, sender: str, target: str) -> None:
    """Wait until a server has tried twice in vain to reach another."""
    entity = small.running[target].config.entity_id
    query = select(func.max(OutboxMessage.attempts)).where(OutboxMessage.target == entity)

    async def tried() -> bool:
        async with small.databases[sender].read() as session:
            return (await session.scalar(query) or 0) >= 2

    await soon(tried, what=f"{sender} to fail at {target}")


@dataclass(frozen=True)
class Outcome:
    """All that must not depend on who died when."""

    run: bytes
    report: dict[str, Any]
    counts: dict[str, dict[str, int]]
    rows: dict[str, dict[str, list[str]]]


async def outcome_of(small: Small) -> Outcome:
    auditor = small.at(HUB, "auditor")
    run = await auditor.get(f"/files/runs/{PERIOD}.json")
    report = msgspec.json.decode(await auditor.get(f"/files/report/{PERIOD}.json"))
    return Outcome(run, report, *await stored(small.databases))


async def stored(databases: dict[str, Database]):
    """Return the number of rows of every table, and the rows of those without chance in them.

    Voices are left out: they count lives.
    """
    counts, rows = {}, {}
    for code, database in databases.items():
        found = await contents(database)
        for voices in ("store_own_voice", "store_peer_voice"):
            del found[voices]
        counts[code] = {table: len(lines) for table, lines in found.items()}
        rows[code] = {
            table: sorted(map(repr, without_numbering(table, lines)))
            for table, lines in found.items()
            if table.startswith(("metering_", "registry_", "settlement_"))
        }
    return counts, rows


def without_numbering(table: str, lines):
    """Drop the numbers that the database gives out: another order gives others."""
    names = [column.name for column in Base.metadata.tables[table].columns]
    kept = [place for place, name in enumerate(names) if name not in {"id", "entry_id"}]
    return [tuple(line[place] for place in kept) for line in lines]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    rows = "\n".join(row for row, _, _ in usage_rows())
    return write_scenario(tmp_path_factory.mktemp("scenario"), usage_csv=f"{USAGE}{rows}\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(scenario, sqlite, tmp_path_factory):
    recorder, folder = Recorder(), tmp_path_factory.mktemp("undisturbed")
    fate = Fate(recorder=recorder)
    async with small_federation(
        sqlite, scenario, folder, keeper=recorder.keeper, running=PatientServer
    ) as small:
        async with asyncio.timeout(MONTH_SECONDS):
            await live_a_month(small, fate, hub_may_stop=True)
        return await outcome_of(small), recorder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery(tmp_path_factory):
    nursery = Nursery()
    await nursery.start(tmp_path_factory.mktemp("nursery"))
    yield nursery
    await nursery.stop()


def a_plan(victim: str, recorder: Recorder, seed: int, names: set[str]):
    """Return {step: [(name, moment, at which time)]}: any time of those that must come."""
    chance, plan = random.Random(seed), {}
    for step, listed in CRASHES[victim].items():
        for name in listed:
            if name in names:
                often = recorder.seen[victim][step, name]
                times = 1 if name.startswith("relay.") or step == "outage" else often
                moments = ["before", "after"]
                if step == "stop":  # the next life delivers nothing and has no lease to give up
                    moments = [moments[seed % 2]]
                plan.setdefault(step, [])
                plan[step] += [(name, moment, chance.randint(1, times)) for moment in moments]
    return plan


async def lived_with_deaths(
    scenario, backend, folder, nursery, victim, plan
) -> tuple[Outcome, int]:
    mortals: list[Mortal] = []

    def keeper(code, config, clock):
        if code != victim:
            return Keeper(config, clock, None)
        mortals.append(Mortal(nursery, code, config, clock))
        return mortals[0]

    async with small_federation(
        backend, scenario, folder, keeper=keeper, running=PatientServer
    ) as small:
        fate = Fate(plan, mortals[0])
        mortals[0].on_return = small.hurry
        async with asyncio.timeout(MONTH_SECONDS):
            await live_a_month(small, fate, hub_may_stop=victim != HUB)
        outcome = await outcome_of(small)
        await fate.enter("stop")
        number = f"{victim}-000001"
        await small.at(victim, "licensing").ask(SUSPEND, number=number)  # leases are for deliveries
        await small.silence()
        await small.stop(victim)
        assert read_plan(mortals[0].plan) == []
        return outcome, mortals[0].deaths


async def test_every_commit_is_listed(undisturbed):
    _, recorder = undisturbed
    for code, steps in CRASHES.items():
        listed = {name for names in steps.values() for name in names} | ONCE[code]
        assert recorder.names(code) | {"relay.release"} == listed
    assert recorder.names("FR") | recorder.names("GB") <= recorder.names("DE") | {"relay.release"}


# Nobody is refused, missed or excluded, objects or pays too much; nothing is claimed late; keys
# and addresses stay as they are.
NOT_IN_A_QUIET_MONTH = {
    "inbox.entity.changed",
    "inbox.held.claimed",
    "inbox.held.closed",
    "inbox.held.done",
    "inbox.held.not_released",
    "inbox.held.ordered",
    "inbox.held.refused",
    "inbox.held.released",
    "inbox.identifiers.added",  # no work of this month has an identifier
    "inbox.identifiers.filtered",
    "inbox.keys.published",
    "inbox.net.recomputed",
    "inbox.net.returned",
    "inbox.overpayment.returned",
    "inbox.registry.shares_over",
    "inbox.run.answered",
    "inbox.run.corrected",
    "inbox.run.withdrawn",
    "inbox.usage.reminder",
}


async def test_every_kind_of_message_came(undisturbed):
    _, recorder = undisturbed
    inbox = {code: {n for n in recorder.names(code) if n.startswith("inbox.")} for code in CRASHES}

    assert inbox[HUB] == {f"inbox.{kind}" for kind in HUB_HANDLERS} - NOT_IN_A_QUIET_MONTH
    assert inbox["DE"] == {f"inbox.{kind}" for kind in NODE_HANDLERS} - NOT_IN_A_QUIET_MONTH


async def test_the_undisturbed_month_is_that_of_the_rules(undisturbed, scenario):
    outcome, _ = undisturbed
    expected = walk(scenario.folder)[PERIOD]
    document = decode(outcome.run)
    numbers = {"DE-000001": "A1", "HUB-000001": "L1", "HUB-000002": "L2"}

    assert len(usage_rows()) == 240
    assert {name: [n, int(units)] for name, (n, units) in document.classes.items()} == (
        expected_classes()
    )
    assert expected["usage"] == expected_classes()
    assert {
        numbers[number]: item["shares"] for number, item in outcome.report["licences"].items()
    } == {name: item["shares"] for name, item in expected["licences"].items()}
    assert outcome.report["run_id"] == run_id(outcome.run)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [HUB, "DE"])
async def test_killed_at_every_commit_the_month_ends_as_if_undisturbed(
    victim, scenario, sqlite, undisturbed, nursery, tmp_path
):
    lived_through, recorder = undisturbed
    names = {name for listed in CRASHES[victim].values() for name in listed}
    plan = a_plan(victim, recorder, SEED, names)

    outcome, deaths = await lived_with_deaths(scenario, sqlite, tmp_path, nursery, victim, plan)

    assert deaths == 2 * len(names) - 1
    assert outcome == lived_through


@pytest.mark.slow
@pytest.mark.parametrize("victim", [HUB, "DE"])
async def test_killed_on_postgres_the_month_ends_as_undisturbed_on_sqlite(
    victim, scenario, postgres, undisturbed, nursery, tmp_path
):
    lived_through, recorder = undisturbed
    plan = a_plan(victim, recorder, SEED, set(FEW[victim]))

    outcome, deaths = await lived_with_deaths(scenario, postgres, tmp_path, nursery, victim, plan)

    assert deaths == 2 * len(FEW[victim])
    assert outcome == lived_through
