"""A hub and three collectives in one process, without sockets: the product's own composition.

Requests go into the same applications, messages through the same relays and inboxes; the test
decides what is carried when, and at which commit a server dies. A server that died is made anew
over the same data.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from graphql import build_schema
from sqlalchemy import text

from federation.cli.check import ALL_INVARIANTS
from federation.cli.sdl import sdl
from federation.clients.secret import Pepper
from federation.clock import SettableClock
from federation.config import HubConfig, NodeConfig
from federation.edge.keys import ServerKeys
from federation.edge.people import take_in_listed
from federation.edge.staff import StaffTokens
from federation.hub.app import compose as compose_hub
from federation.messaging.peers import PeerAnswerError
from federation.nodes.app import compose as compose_node
from federation.nodes.joining import AdmissionWorker
from federation.nodes.month import MonthWorker
from federation.proof.invariants.checks import examine_server
from federation.scenario.model import Scenario
from federation.scenario.servers import STAFF, hub_config, node_config
from federation.server import Server
from federation.store.database import Database
from federation.trust.own_keys import KEYS_CHANGED
from federation.values.party import HUB
from tests.databases import contents
from tests.federation.harness import people_of
from tests.stateful.wire import CrashError, Network, WireClient, call

PORTS = count(9_000)
FIELDS_KEPT = {  # what an operation wants to know of what it made
    "NewInvitation": "code",
    "Offer": "id",
    "Licence": "number",
    "Run": "runId",
    "HeldClaim": "id",
    "PaymentFile": "number text",
    "BankMatch": "act",
    "ProposedPayments": "proposed",
}

Config = HubConfig | NodeConfig


class DefectError(AssertionError):
    """The product did what it must never do."""


@dataclass(frozen=True)
class Request:
    """What one person asks of one server: a GraphQL field, or a path to post to."""

    code: str
    subject: str
    role: str
    name: str
    variables: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = self.variables or self.body[:300]
        return f"{self.code} {self.subject}/{self.role} {self.name} {said}"


@dataclass(frozen=True)
class Answer:
    """What came back: the value, or the stable code of a refusal; `died` when nobody answered."""

    value: Any = None
    code: str | None = None
    died: str = ""  # "before" or "after" its commit

    @property
    def is_done(self) -> bool:
        return self.code is None and not self.died


class Site:
    """One server: its configuration stays, what it has in memory goes with every crash."""

    def __init__(self, config: Config, clock: SettableClock, world: "World") -> None:
        self.config, self.clock, self.world = config, clock, world
        self.code = HUB if isinstance(config, HubConfig) else config.code
        self.url = f"http://127.0.0.1:{next(PORTS)}"  # nothing listens: nobody speaks over sockets
        self.is_up = True
        self.crash_in: tuple[int, str] | None = None  # commits from now, before or after
        self.doom: dict[
            tuple[str, str], int
        ] = {}  # {(transaction, before or after): how often yet}
        self._tokens: dict[tuple[str, str], tuple[datetime, str]] = {}
        self.config.data_dir.mkdir(parents=True, exist_ok=True)
        self._observer: sqlite3.Connection | None = None
        self._build()

    def _build(self) -> None:
        alive = [True]

        def boundary(name: str, moment: str) -> None:
            if not alive[0]:
                raise CrashError(self.code, name, "dead before")
            if self._strikes(name, moment):
                alive[0] = False
                raise CrashError(self.code, name, moment)

        self.db = Database(self.config.database_url, boundary=boundary, clock=self.clock)
        self.keys = ServerKeys(self.config, self.db, self.clock)
        self.db.listen(KEYS_CHANGED, self.keys.look_again)
        self.peers = WireClient(
            self.code,
            self.world.network,
            self.config.entity_id,
            lambda: self.keys.held.federation,
            self.clock,
        )
        self.server = Server(
            config=self.config,
            keys=self.keys,
            db=self.db,
            clock=self.clock,
            peers=self.peers,
            pepper=Pepper(self.config.data_dir),
            url=self.url,
        )
        compose = compose_hub if self.code == HUB else compose_node
        parts = compose(self.server, self.peers)
        self.app, self.relay = parts.app, parts.relay
        is_hub = self.code == HUB
        self.worker = None if is_hub else MonthWorker(self.server, self.peers)
        self.joining = None if is_hub else AdmissionWorker(self.server, self.peers)

    def _strikes(self, name: str, moment: str) -> bool:
        self.world.commits[self.code, name, moment] += 1
        if (name, moment) in self.doom:
            self.doom[name, moment] -= 1
            if not self.doom[name, moment]:
                del self.doom[name, moment]
                return True
        if self.crash_in is None or self.crash_in[1] != moment:
            return False
        left = self.crash_in[0] - 1
        self.crash_in = (left, moment) if left > 0 else None
        return left <= 0

    async def restart(self) -> None:
        """Begin anew over the same data."""
        self.crash_in = None
        await self.db.close()
        self._build()
        await self.start()

    async def start(self) -> None:
        """Find the keys and the people, as a server does before it answers anything."""
        await self.keys.prepare()
        await take_in_listed(self.server)
        self.staff = StaffTokens(self.config, self.keys.held.token, self.clock)

    async def close(self) -> None:
        await self.db.close()
        if self._observer is not None:
            self._observer.close()

    def token(self, subject: str, role: str) -> str:
        now = self.clock()
        known = self._tokens.get((subject, role))
        if known is None or known[0] != now:
            known = (now, self.staff.token(subject, role))
            self._tokens[subject, role] = known
        return known[1]

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """Return what a query finds among the committed rows."""
        if not self.db.is_sqlite:
            async with self.world.observers[self.code].read() as session:
                return [tuple(row) for row in await session.execute(text(query), values)]
        return self.observer.execute(query, values).fetchall()

    @property
    def observer(self) -> sqlite3.Connection:
        if self._observer is None:
            path = self.config.database_url.partition("///")[2]
            self._observer = sqlite3.connect(path, isolation_level=None)
        return self._observer

    async def mark(self) -> Any:
        """Return what changes with every row that is committed (not SQLite: the rows)."""
        if self.db.is_sqlite:
            return self.observer.execute("PRAGMA data_version").fetchone()
        return await contents(self.world.observers[self.code])

    async def work(self) -> None:
        """Do what the month's worker would be woken for."""
        if self.worker is not None:
            await self.worker.advance()


@dataclass
class World:
    """The servers, their clock, what connects them, and what was counted."""

    scenario: Scenario
    clock: SettableClock
    network: Network
    random: Random
    sites: dict[str, Site] = field(default_factory=dict)
    observers: dict[str, Database] = field(default_factory=dict)
    commits: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    planned: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)

    @property
    def nodes(self) -> list[str]:
        return [code for code in self.sites if code != HUB]

    async def send(self, request: Request) -> Answer:
        """Send a request; a server that dies of it is started again, and did not answer."""
        try:
            return await self._send(request)
        except CrashError as crash:
            await self.revive(crash)
            return Answer(died=crash.moment)
        finally:
            await self.revive_all()

    async def send_both(self, one: Request, other: Request) -> list[Answer]:
        """Send two requests at once."""
        found = await asyncio.gather(self._send(one), self._send(other), return_exceptions=True)
        for item in found:
            if isinstance(item, CrashError):
                await self.revive(item)
            elif isinstance(item, BaseException):
                raise item
        await self.revive_all()
        return [item if isinstance(item, Answer) else Answer(died=str(item)) for item in found]

    async def _send(self, request: Request) -> Answer:
        site = self.sites[request.code]
        if not site.is_up:
            return Answer(code="DOWN")
        headers = {
            "Authorization": f"Bearer {site.token(request.subject, request.role)}",
            "Content-Type": "application/json",
            **request.headers,
        }
        if request.name.startswith("/"):
            status, body = await call(site.app, "POST", request.name, headers, request.body)
            answer = _of_route(status, body)
        else:
            document = mutation(site.code == HUB, request.name, tuple(sorted(request.variables)))
            sent = msgspec.json.encode({"query": document, "variables": request.variables})
            _, body = await call(site.app, "POST", "/graphql", headers, sent)
            answer = _of_graphql(body)
        if answer.code in {"UNEXPECTED", "INVARIANT", "BAD_REQUEST"}:
            raise DefectError(f"{request}: {body[:600].decode()}")
        return answer

    async def ask(self, code: str, query: str, *, role: str = "auditor", **variables: Any) -> Any:
        """Return the data of a query's one field."""
        site = self.sites[code]
        subject = next(name for name, roles in STAFF.items() if role in roles)
        headers = {
            "Authorization": f"Bearer {site.token(subject, role)}",
            "Content-Type": "application/json",
        }
        sent = msgspec.json.encode({"query": query, "variables": variables})
        _, body = await call(site.app, "POST", "/graphql", headers, sent)
        answer = msgspec.json.decode(body)
        if answer.get("errors"):
            raise DefectError(f"{code} {query}: {body[:600].decode()}")
        return next(iter(answer["data"].values()))

    async def revive(self, crash: CrashError) -> None:
        """Start a server again."""
        self.crashes[f"{crash.name} {crash.moment}"] += 1
        await self.sites[crash.code].restart()

    async def revive_all(self) -> None:
        """Start again who died while somebody else was talking to it."""
        while self.network.crashes:
            await self.revive(self.network.crashes.pop())

    async def guarded(self, act: Any) -> None:
        """Run background work of a server; it may die of it."""
        try:
            await act
        except CrashError as crash:
            await self.revive(crash)
        finally:
            await self.revive_all()

    async def links(self) -> list[tuple[str, str, str]]:
        """Return (sender, target, entity id) of every pair with messages waiting."""
        by_entity = {site.config.entity_id: code for code, site in self.sites.items()}
        query = "SELECT DISTINCT target FROM store_outbox WHERE delivered_at IS NULL ORDER BY 1"
        return [
            (code, by_entity[target], target)
            for code, site in self.sites.items()
            if site.is_up
            for (target,) in await site.rows(query)
        ]

    async def deliver(self, sender: str, entity_id: str) -> None:
        """Let a server deliver what waits for another, once."""
        await self.guarded(self.sites[sender].relay._deliver_some(entity_id))

    async def work(self, code: str) -> None:
        """Let a node do its month's work."""
        if self.sites[code].is_up:
            await self.guarded(self._try_to_work(code))

    async def ask_to_join(self, code: str) -> None:
        """Let a node send its application, or ask its hub for the answer."""
        joining = self.sites[code].joining
        assert joining is not None
        await self.guarded(joining.ask())

    async def _try_to_work(self, code: str) -> None:
        try:
            await self.sites[code].work()
        except PeerAnswerError:
            self.counts["month's work put off"] += 1

    async def drain(self, rounds: int = 200) -> None:
        """Carry everything and work until nothing is left to do."""
        mischief, self.network.mischief = self.network.mischief, 0.0
        for _ in range(rounds):
            links = [item for item in await self.links() if self.sites[item[1]].is_up]
            busy = [code for code in self.nodes if await self._has_work(code)]
            if not links and not busy:
                break
            for sender, _target, entity_id in links:
                await self.deliver(sender, entity_id)
            for code in busy:
                await self.work(code)
        else:
            raise DefectError(f"messages are stuck: {await self.stuck()}")
        self.network.mischief = mischief

    async def _has_work(self, code: str) -> bool:
        query = "SELECT 1 FROM metering_period WHERE state IN ('CUT_OFF', 'COMPLETE')"
        return self.sites[code].is_up and bool(await self.sites[code].rows(query))

    async def stuck(self) -> list[Any]:
        query = (
            "SELECT target, sequence, kind, last_error FROM store_outbox WHERE delivered_at IS NULL"
        )
        return [(code, *row) for code, site in self.sites.items() for row in await site.rows(query)]

    async def check(self) -> None:
        """Hold every server against every invariant."""
        for code, site in self.sites.items():
            async with site.db.read() as session:
                findings = await examine_server(session, code, ALL_INVARIANTS)
            wrong = [f"{item.invariant.name}: {t}" for item in findings for t in item.wrong]
            if wrong:
                raise DefectError(f"{code} at {self.clock()}: {wrong[:8]}")
            for item in findings:
                self.counts[f"examined {item.invariant.name}"] += item.examined


def _of_route(status: int, body: bytes) -> Answer:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = body
    if status // 100 == 2:
        return Answer(found)
    code = found.get("code") if isinstance(found, dict) else None
    return Answer(found, str(code or status))


def _of_graphql(body: bytes) -> Answer:
    answer = msgspec.json.decode(body)
    if answer.get("errors"):
        code = answer["errors"][0].get("extensions", {}).get("code", "BAD_REQUEST")
        return Answer(answer["errors"][0], code)
    value = next(iter(answer["data"].values()))
    if value["__typename"] == "Refused":
        return Answer(value["message"], value["code"])
    return Answer(value)


@cache
def _mutations(is_hub: bool) -> Any:
    return build_schema(
        sdl("hub" if is_hub else "node"), assume_valid_sdl=True
    ).mutation_type.fields


@cache
def mutation(is_hub: bool, name: str, given: tuple[str, ...]) -> str:
    """Write the document of one mutation with some of its arguments, by the schema."""
    found = _mutations(is_hub)[name]
    types = getattr(found.type, "of_type", found.type).types
    kept = " ".join(
        f"... on {kind.name} {{ {FIELDS_KEPT[kind.name]} }}"
        for kind in types
        if kind.name in FIELDS_KEPT
    )
    declared = ", ".join(f"${arg}: {found.args[arg].type}" for arg in given)
    passed = ", ".join(f"{arg}: ${arg}" for arg in given)
    head = f"mutation({declared})" if given else "mutation"
    field_ = f"{name}({passed})" if given else name
    return f"{head} {{ {field_} {{ __typename {kept} ... on Refused {{ code message }} }} }}"


@asynccontextmanager
async def a_world(
    backend: Any, scenario: Scenario, folder: Path, random: Random
) -> AsyncIterator[World]:
    """Build the servers and let the collectives join and register their members."""
    clock = SettableClock(datetime(2026, 8, 31, tzinfo=UTC))
    world = World(scenario, clock, Network(random), random)
    async with AsyncExitStack() as stack:

        async def settle_in(code: str, config: Config) -> None:
            url = await stack.enter_async_context(backend.url(migrated=True))
            config = msgspec.structs.replace(
                config, database_url=url, principal=[*config.principal, *people_of(code)]
            )
            world.observers[code] = Database(url)
            stack.push_async_callback(world.observers[code].close)
            site = Site(config, clock, world)
            await site.start()
            world.sites[code] = world.network.sites[code] = site
            stack.push_async_callback(site.close)

        hub = hub_config(scenario, folder)
        calendar = msgspec.structs.replace(hub.calendar, objection_days=random.choice([0, 2]))
        await settle_in(HUB, msgspec.structs.replace(hub, calendar=calendar))
        site = world.sites[HUB]
        pin = {
            "entity_id": site.config.entity_id,
            "url": site.url,
            "key_thumbprint": site.keys.held.federation.kid,
        }
        for particulars in scenario.manifest.collective:
            config = node_config(scenario, particulars, folder, pin)
            await settle_in(config.code, config)
        await join(world)
        yield world


async def join(world: World) -> None:
    """Every collective is invited and applies, is admitted by two people, imports what it has."""
    for code in world.nodes:
        invite = Request(HUB, "operator", "federation_operator", "inviteCollective", {"note": code})
        invited = await done(world, invite)
        applies = {"invitation": invited["code"]}
        request = Request(code, "node-operator", "node_operator", "applyForAdmission", applies)
        await done(world, request)
        await world.ask_to_join(code)
    rows = await world.sites[HUB].rows("SELECT id FROM trust_application")
    for (number,) in rows:
        for subject, name in (
            ("operator", "recommendAdmission"),
            ("second-operator", "approveAdmission"),
        ):
            request = Request(HUB, subject, "federation_operator", name, {"application": number})
            await done(world, request)
    for code in world.nodes:
        await world.ask_to_join(code)
    await world.drain()
    for name in ("members", "works", "optouts"):
        table = getattr(world.scenario, name)
        for code in world.nodes:
            if table.rows[code]:
                body = _csv(table.columns, table.rows[code])
                await done(
                    world, upload(code, "registry", "registry_officer", f"/registry/{name}", body)
                )
    await world.drain()


def upload(code: str, subject: str, role: str, path: str, body: bytes) -> Request:
    """Return a request that posts a table."""
    return Request(code, subject, role, path, {}, body, {"Content-Type": "text/csv"})


def _csv(columns: Any, rows: Any) -> bytes:
    lines = [",".join(columns)]
    lines += [",".join(row.get(column) or "" for column in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode()


async def done(world: World, request: Request) -> Any:
    """Send a request that must not be refused."""
    answer = await world.send(request)
    assert answer.is_done, f"{request}: {answer}"
    return answer.value
