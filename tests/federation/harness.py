"""A small federation for tests: a hub and three collectives, real servers on loopback ports.

Everybody speaks HTTP; only what is compared afterwards is read from the databases themselves.
"""

import asyncio
import io
import itertools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from federation.cli.check import check_server
from federation.clock import SettableClock
from federation.config import HubConfig, NodeConfig, StaffMember
from federation.edge.staff import StaffTokens
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service
from federation.scenario import documents as ask
from federation.scenario.client import NotInTimeError, Person
from federation.scenario.model import Scenario
from federation.scenario.reading import read_scenario
from federation.scenario.servers import (
    HUB_ENTITY,
    Federation,
    Running,
    http_session,
    hub_config,
    node_config,
)
from federation.scenario.story import Story, day_before_everything, first_instant_after
from federation.signing.keys import SigningKey
from federation.store.base import Base
from federation.store.database import Boundary, Database
from federation.store.outbox import targets_waiting
from federation.trust.key_secret import get_secret
from federation.trust.own_keys import KeyRing, find_ring
from federation.values.party import HUB
from tests.databases import contents
from tests.quick_servers import make_servers_quick
from tests.scheduling import examines_what_follows

make_servers_quick()

PERIOD = "2026-09"
DAY = datetime(2026, 9, 20, 12, tzinfo=UTC)
SECONDS_MAX = 120.0
Config = HubConfig | NodeConfig

TOML = """
format = 1
periods = ["2026-09"]
rates = "rates.csv"
[hub]
clearing_currency = "EUR"
fee_bps = 300
national_fee_bps = 100
fee_band_bps = [1000, 3000]
account = "DE89370400440532013000"
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000, GROUND = 1500, SEARCH = 250 }
[[collective]]
code = "FR"
name = "Collective FR"
country = "FR"
settlement_currency = "EUR"
admin_fee_bps = 1200
collecting_fee_bps = 1000
minimum_payment = 100
account = "FR1420041010050500013M02606"
plan = "hybrid"
base_bps = 4000
[[collective]]
code = "DE"
name = "Collective DE"
country = "DE"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
account = "DE75512108001245126199"
plan = "per_usage"
[[collective]]
code = "GB"
name = "Collective GB"
country = "GB"
settlement_currency = "GBP"
admin_fee_bps = 1500
collecting_fee_bps = 1000
minimum_payment = 100
account = "GB29NWBK60161331926819"
plan = "per_usage"
[[licensee]]
id = "lab-one"
name = "Lab One"
[[licensee]]
id = "lab-two"
name = "Lab Two"
[[licence]]
id = "A1"
licensee = "lab-one"
issuer = "DE"
uses = ["TRAIN", "GROUND"]
currency = "EUR"
fee = 365000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "lab"
unclaimed = "hold"
[[licence]]
id = "L1"
licensee = "lab-one"
issuer = "HUB"
uses = ["TRAIN", "GROUND"]
currency = "EUR"
fee = 1200000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "site"
[[licence]]
id = "L2"
licensee = "lab-two"
issuer = "HUB"
uses = ["SEARCH"]
currency = "GBP"
fee = 800000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "lab"
"""

MEMBERS = """collective,member_id,name,country,joined_on,account
DE,de-a,Anna,DE,2025-01-01,DE75512108001245126199
DE,de-b,Bert,DE,2025-01-01,
FR,fr-a,Alice,FR,2025-01-01,FR1420041010050500013M02606
FR,fr-b,Bruno,FR,2025-01-01,FR1420041010050500013M02606
FR,fr-late,Camille,FR,2026-09-15,FR1420041010050500013M02606
GB,gb-a,Ada,GB,2025-01-01,GB29NWBK60161331926819
GB,gb-b,Ben,GB,2025-01-01,GB29NWBK60161331926819
"""

WORKS = """collective,member_id,claim,content_tier,canonical,owner_bps
DE,de-a,news.example/de/,premium,,
DE,de-b,*.bild.example,standard,,
DE,de-a,twins.example,standard,,
DE,de-b,twins.example,standard,,
FR,fr-a,news.example/fr/,standard,,
FR,fr-b,journal.example,premium,,
FR,fr-a,both.example,standard,,
FR,fr-late,late.example,standard,,
GB,gb-a,news.example/gb/,premium,,
GB,gb-b,press.example,standard,,
GB,gb-b,press.example/copy/,standard,https://journal.example/a,3000
GB,gb-a,both.example,standard,,
"""

OPTOUTS = """collective,subject,use,effective_at
DE,news.example/de/private/,*,2026-01-01T00:00:00Z
FR,member:fr-b,TRAIN,2026-09-20T00:00:00Z
"""

USAGE = "event_id,licence,url,use,units,occurred_at,source\n"
RATES = "date,currency,rate\n2026-09-30,GBP,0.85\n"

MEMBER_IDS = {
    "DE": ["de-a", "de-b"],
    "FR": ["fr-a", "fr-b", "fr-late"],
    "GB": ["gb-a", "gb-b"],
}

TWO_HATS = ["settlement_officer", "settlement_approver"]


def write_scenario(folder: Path, **files: str) -> Scenario:
    """Write the small federation as a scenario directory, some files as given, and read it."""
    texts = {
        "scenario.toml": TOML,
        "members.csv": MEMBERS,
        "works.csv": WORKS,
        "optouts.csv": OPTOUTS,
        "usage.csv": USAGE,
        "rates.csv": RATES,
    } | {name.replace("_", "."): text for name, text in files.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return read_scenario(folder)


_ports = itertools.count(20_000 + os.getpid() % 8_000)


def reserved_port() -> socket.socket:
    """Return a socket whose port only our own servers can take for as long as it is open.

    A server that is down for a moment must find its port again: the port lies below those the
    system gives to outgoing connections, and whoever else looks for one here does not find it.
    """
    for port in _ports:
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as our servers do
        return holder
    raise RuntimeError("no free port")


class Patient(Person):
    """Somebody who repeats a request word for word until it is answered."""

    async def post(
        self, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> bytes:
        return await answered(lambda: super(Patient, self).post(path, body, content_type, headers))

    async def get(self, path: str) -> bytes:
        return await answered(lambda: super(Patient, self).get(path))


async def answered(request: Callable[[], Awaitable[bytes]]) -> bytes:
    """Send a request again for as long as its connection breaks or is refused."""
    deadline = asyncio.get_running_loop().time() + SECONDS_MAX
    while True:
        try:
            return await request()
        except aiohttp.ClientError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.02)


async def soon(condition: Callable[[], Awaitable[Any]], *, what: str) -> Any:
    """Ask every few milliseconds until an answer is true; return it. Who is late is asked less."""
    deadline, pause = asyncio.get_running_loop().time() + SECONDS_MAX, 0.005
    while not (answer := await condition()):
        if asyncio.get_running_loop().time() > deadline:
            raise NotInTimeError(what)
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 0.04)
    return answer


@dataclass(slots=True)
class PatientServer(Running):
    """A server that may be down for a moment: its people try again."""

    def person(self, subject: str, role: str | None = None) -> Person:
        known = Running.person(self, subject, role)
        return Patient(known._http, known.url, known._token)


class Keeper:
    """How a server is run: here, in this process."""

    def __init__(self, config: Config, clock: SettableClock, boundary: Boundary | None) -> None:
        self.config, self._clock, self._boundary = config, clock, boundary
        self.service: Service | None = None
        self.wrote = True  # something since its database was held against the invariants

    def at_commit(self, name: str, moment: str) -> None:
        """Note that the server's rows change."""
        self.wrote = True
        if self._boundary:
            self._boundary(name, moment)

    async def start(self) -> None:
        create = create_hub if isinstance(self.config, HubConfig) else create_node
        self.service = create(self.config, self._clock, boundary=self.at_commit)
        await self.service.start()

    async def stop(self) -> None:
        if self.service is not None:
            service, self.service = self.service, None
            await service.stop()


MakeKeeper = Callable[[str, Config, SettableClock], Keeper]


def in_this_process(code: str, config: Config, clock: SettableClock) -> Keeper:
    """Run a server here."""
    del code
    return Keeper(config, clock, None)


@dataclass
class Small:
    """The small federation: its servers, its people, its clock."""

    scenario: Scenario
    clock: SettableClock
    http: aiohttp.ClientSession
    keepers: dict[str, Keeper] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    rings: dict[str, KeyRing] = field(default_factory=dict)
    ports: dict[str, socket.socket] = field(default_factory=dict)
    constant: dict[str, Any] | None = None  # the rows of a federation that no test changes
    _story: Story | None = None

    @property
    def codes(self) -> list[str]:
        """Return HUB and the collectives' codes."""
        return [HUB, *self.scenario.codes]

    @property
    def federation(self) -> Federation:
        """Return the servers as a story knows them."""
        nodes = {code: server for code, server in self.running.items() if code != HUB}
        return Federation(self.running[HUB], nodes, self.set_clock)

    def story(self) -> Story:
        """Return the story of this federation, which remembers what was sold and paid."""
        if self._story is None:
            self._story = QuickStory(self.scenario, self.federation, small=self)
        return self._story

    def set_clock(self, instant: datetime) -> None:
        """Move business time."""
        self.clock.instant = instant

    def at(self, code: str, subject: str, role: str | None = None) -> Person:
        """Return one of the people of a server."""
        return self.running[code].person(subject, role)

    def lab(self, licensee: str, code: str = HUB) -> Person:
        """Return a lab's buyer."""
        return self.running[code].lab(licensee)

    def member(self, code: str, member: str) -> Person:
        """Return a member of a collective."""
        return self.at(code, f"member@{member}", "member")

    def key(self, code: str) -> SigningKey:
        """Return the key by which others know a server, from when it was started last."""
        return self.rings[code].federation

    def token_key(self, code: str) -> SigningKey:
        """Return the key that signed tokens when a server was started last."""
        return self.rings[code].token

    async def start(self, *codes: str) -> None:
        """Start servers, again or for the first time."""
        await asyncio.gather(*(self.keepers[code].start() for code in codes))
        for code in codes:
            config = self.keepers[code].config
            async with self.databases[code].read() as session:
                ring = await find_ring(session, get_secret(config))
            self.rings[code] = ring
            self.running[code].tokens = StaffTokens(config, ring.token, self.clock)

    async def stop(self, *codes: str) -> None:
        """Stop servers; their data and ports stay theirs."""
        await asyncio.gather(*(self.keepers[code].stop() for code in codes))

    def hurry(self) -> None:
        """Let the servers of this process forget their back-off and deliver now."""
        for keeper in self.keepers.values():
            if keeper.service is not None:
                keeper.service.parts.relay.hurry()

    async def silence(self) -> None:
        """Wait until no message is on its way: twice, since an answer may be one elsewhere."""
        quiet = 0

        async def silent() -> bool:
            nonlocal quiet
            quiet = 0 if await self._waiting() else quiet + 1
            return quiet == 2

        await soon(silent, what="silence")

    async def _waiting(self) -> bool:
        for database in self.databases.values():
            async with database.read() as session:
                if await targets_waiting(session):
                    return True
        return False

    async def rows(self, codes: Iterable[str]) -> dict[str, Any]:
        """Return every row of every server, but for who tried to deliver what how often."""
        return {code: settled_rows(await contents(self.databases[code])) for code in codes}


@dataclass(slots=True)
class QuickStory(Story):
    """A story that looks into the outboxes instead of asking an auditor over and over."""

    small: Small | None = None

    async def settle_down(self) -> None:
        assert self.small is not None
        await self.small.silence()


def settled_rows(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Leave out what changes while a message waits, and what a node tells of works by itself.

    Those are leases, attempts and their errors; identifiers, told when works have changed; and
    voices, which count the starts.
    """
    for table in ("store_lease", "holdings_told", "store_own_voice", "store_peer_voice"):
        found.pop(table, None)
    names = [column.name for column in Base.metadata.tables["store_outbox"].columns]
    assert names[-2:] == ["attempts", "last_error"]
    kind = names.index("kind")
    if "store_outbox" in found:
        rows = (row for row in found["store_outbox"] if not row[kind].startswith("identifiers."))
        found["store_outbox"] = [row[:-2] for row in rows]
    return found


def people_of(code: str) -> list[StaffMember]:
    """Return who asks beside a scenario's staff: members, their sites, two with two offices.

    And at a node a second registry officer and a second operator: some acts need two.
    """
    found = [StaffMember("two-hats", TWO_HATS), StaffMember("clerk", TWO_HATS)]
    if code == HUB:  # no hub has members; one that is told of one shows it nothing
        found.append(StaffMember("member@de-a", ["member"], "de-a"))
    else:
        found.append(StaffMember("second-registry", ["registry_officer"]))
        found.append(StaffMember("second-node-operator", ["node_operator"]))
    for member in MEMBER_IDS.get(code, []):
        found.append(StaffMember(f"member@{member}", ["member"], member))
        found.append(StaffMember(f"site@{member}", ["site"], member))
    return found


@asynccontextmanager
async def small_federation(
    backend: Any,
    scenario: Scenario,
    folder: Path,
    *,
    keeper: MakeKeeper = in_this_process,
    running: type[Running] = Running,
    leave_out: Iterable[str] = (),
) -> AsyncIterator[Small]:
    """Run the hub and the collectives, none joined yet; `leave_out` are not started."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(http_session())
        small = Small(scenario, SettableClock(day_before_everything(scenario)), http)

        async def settle_in(code: str, config: Config) -> None:
            small.ports[code] = stack.enter_context(reserved_port())
            config = msgspec.structs.replace(
                config,
                port=small.ports[code].getsockname()[1],
                database_url=await stack.enter_async_context(backend.url(migrated=True)),
                principal=[*config.principal, *people_of(code)],
            )
            move_in(small, stack, code, config, keeper=keeper, running=running)

        try:
            await settle_in(HUB, hub_config(scenario, folder))
            await small.start(HUB)
            pin = {
                "entity_id": HUB_ENTITY,
                "url": small.running[HUB].url,
                "key_thumbprint": small.key(HUB).kid,
            }
            for particulars in scenario.manifest.collective:
                config = node_config(scenario, particulars, folder, pin)
                await settle_in(config.code, config)
            await small.start(*(code for code in scenario.codes if code not in set(leave_out)))
            yield small
            await assert_sound(small)
        finally:
            await small.stop(*small.keepers)


def move_in(
    small: Small,
    stack: AsyncExitStack,
    code: str,
    config: Config,
    *,
    keeper: MakeKeeper = in_this_process,
    running: type[Running] = Running,
) -> None:
    """Add a server that is not started yet."""
    small.keepers[code] = keeper(code, config, small.clock)
    small.databases[code] = Database(config.database_url, boundary=small.keepers[code].at_commit)
    stack.push_async_callback(small.databases[code].close)
    url = f"http://127.0.0.1:{config.port}"
    small.running[code] = running(config, url, small.http, small.clock)


@dataclass(frozen=True, slots=True)
class Past:
    """A federation that was lived up to an instant and stopped; others go on from there."""

    scenario: Scenario
    instant: datetime
    configs: dict[str, Config]  # with the addresses of what the servers held then
    numbers: dict[str, str]  # the licences' numbers by the scenario's ids
    recorded: int  # receipts


@asynccontextmanager
async def lived(
    backend: Any,
    federation: AbstractAsyncContextManager[Small],
    live: Callable[[Small], Awaitable[object]],
) -> AsyncIterator[Past]:
    """Live a federation up to a point, stop it, and keep its databases, keys and ports."""
    configs: dict[str, Config] = {}
    async with AsyncExitStack() as stack:
        async with federation as small:
            await live(small)
            await small.silence()
            await small.stop(*small.codes)
            await assert_sound(small)
            for code, keeper in small.keepers.items():
                await small.databases[code].close()
                url = await stack.enter_async_context(backend.copy(keeper.config.database_url))
                configs[code] = msgspec.structs.replace(keeper.config, database_url=url)
                if code in small.ports:  # else they are kept by the past this one goes on from
                    stack.enter_context(small.ports[code].dup())
        story = small.story()
        yield Past(small.scenario, small.clock.instant, configs, story.numbers, story.recorded)


@asynccontextmanager
async def resumed(backend: Any, past: Past) -> AsyncIterator[Small]:
    """Run a copy of a federation from its past on; one at a time, since the ports are the same."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(http_session())
        small = Small(past.scenario, SettableClock(past.instant), http)
        try:
            for code, config in past.configs.items():
                url = await stack.enter_async_context(backend.copy(config.database_url))
                copied = msgspec.structs.replace(config, database_url=url)
                move_in(small, stack, code, copied)
                small.keepers[code].wrote = False  # of what it holds `lived` saw to it
            await small.start(*small.codes)
            story = small.story()
            story.numbers, story.recorded = dict(past.numbers), past.recorded
            yield small
            if examines_what_follows(backend):
                await assert_sound(small)
        finally:
            await small.stop(*small.keepers)


async def assert_sound(small: Small) -> None:
    """Hold the databases of who wrote against every invariant, as `federation check` does."""
    for code in [code for code, server in small.keepers.items() if server.wrote]:
        server = small.keepers[code]
        found = await check_server(server.config)
        assert found.violations == [], code
        server.wrote = False


async def open_for_business(small: Small) -> Story:
    """Join, import, sell: every collective, every member, every licence of the scenario."""
    story = small.story()
    await story.join()
    await story.register()
    await story.sell()
    return story


async def admit(small: Small, code: str) -> None:
    """Let one collective be invited, apply and be admitted by two people."""
    invited = await small.at(HUB, "operator").ask(ask.INVITE, note=code)
    await small.at(code, "node-operator").ask(ask.APPLY, invitation=invited["code"])

    async def applied() -> Any:
        found = await small.at(HUB, "operator").walk(ask.APPLICATIONS)
        return [row["id"] for row in found if (row["code"], row["state"]) == (code, "APPLIED")]

    [number] = await soon(applied, what=f"the application of {code}")
    await small.at(HUB, "operator").ask(ask.RECOMMEND, id=number)
    await small.at(HUB, "second-operator").ask(ask.APPROVE, id=number)


async def sell(small: Small) -> None:
    """Sell every licence of the scenario, whoever is down; deliveries are not waited for."""
    story = small.story()
    for item in small.scenario.manifest.licence:
        officer = story.issuer(item.issuer).person("licensing")
        await officer.ask(ask.LICENSEE, id=item.licensee, name=item.licensee)
        await story._sell_one(item)


def month_over(small: Small) -> None:
    """Move business time to the first instant after the month."""
    small.set_clock(first_instant_after(PERIOD))


async def report_lines(
    person: Person, lines: Iterable[dict[str, Any]], key: str = "batch-1"
) -> dict[str, Any]:
    """Report usage and return the receipt."""
    body = b"\n".join(msgspec.json.encode(line) for line in lines)
    headers = {"Idempotency-Key": key}
    answer = await person.post("/usage", body, "application/x-ndjson", headers)
    return msgspec.json.decode(answer)


def a_line(event_id: str, licence: str, url: str, **fields: Any) -> dict[str, Any]:
    """Return a usage line."""
    return {
        "event_id": event_id,
        "licence": licence,
        "url": url,
        "use": "TRAIN",
        "units": 100,
        "occurred_at": "2026-09-10T12:00:00Z",
    } | fields


async def all_reported(small: Small) -> None:
    """Cut the month off and wait for every usage report."""
    await small.at(HUB, "settlement").ask(ask.CUT_OFF, period=PERIOD)

    async def reported() -> bool:
        found = await small.at(HUB, "settlement").ask(ask.PERIOD, period=PERIOD)
        return bool(found["state"] == "REPORTED")

    await soon(reported, what="usage reports")
    await small.silence()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the status, the body, and the stable code of a refusal."""

    status: int
    body: Any

    @property
    def code(self) -> str | None:
        """Return the code of a refusal, wherever its protocol puts it."""
        if not isinstance(self.body, dict):
            return None
        if self.body.get("errors") and "extensions" in self.body["errors"][0]:
            return self.body["errors"][0]["extensions"].get("code")
        for value in (self.body.get("data") or {}).values():
            if isinstance(value, dict) and "code" in value:
                return value["code"]
        return self.body.get("code")


async def send(
    small: Small,
    code: str,
    path: str,
    body: bytes,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """POST something to a server as whoever holds the token."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    async with small.http.post(
        f"{small.running[code].url}{path}", data=io.BytesIO(body), headers=sent
    ) as response:
        return Answer(response.status, _decoded(await response.read()))


async def fetch(small: Small, code: str, path: str, person: Person) -> Answer:
    """GET something of a server as somebody."""
    async with small.http.get(
        f"{small.running[code].url}{path}", headers=person._headers()
    ) as response:
        return Answer(response.status, _decoded(await response.read()))


async def tell(
    small: Small, code: str, person: Person | None, document: str, **variables: Any
) -> Answer:
    """Send a GraphQL document and return the answer as it came."""
    token = person._token() if person is not None else None
    body = msgspec.json.encode({"query": document, "variables": variables})
    headers = {"Content-Type": "application/json"}
    return await send(small, code, "/graphql", body, token=token, headers=headers)


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body


@asynccontextmanager
async def nothing_changes(small: Small, *codes: str) -> AsyncIterator[None]:
    """Hold every row of some servers (of all, if none is named) against what it was before."""
    names = codes or small.codes
    before = small.constant or await small.rows(names)
    yield
    after = await small.rows(names)
    changed = [
        (code, table)
        for code in names
        for table in sorted(before[code].keys() | after[code].keys())
        if before[code].get(table) != after[code].get(table)
    ]
    assert changed == [], changed


def days(count: int) -> timedelta:
    """Return some days."""
    return timedelta(days=count)
