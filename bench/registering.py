"""How long a licence sold takes to be registered at 230 nodes, of which 20 are dead.

The hub is a process of its own on SQLite, and so are the nodes: they check nothing, take what they
are sent and answer as a node does, with a call of their own to the hub. Of the dead ones half have
closed their port, half take the connection and never answer. Timed is from the answer to
`acceptOffer` to the hub's receipt of the last answer of the living; by the hub then each is
REGISTERED, each dead one PENDING, and every node was sent each licence once. Printed are the
seconds by the clock, which a busy machine makes longer, and the hub's CPU seconds of a licence from
its offer on: it ends with 1 where these are more than `SECONDS_MAX`, or more than `DEAD_TIMES_MAX`
of what they are without the dead.

    bench/registering.py [--nodes 230] [--dead 20] [--licences 3]
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from federation.process import run_loop
from federation.scenario import documents as ask
from federation.scenario.model import HubPart, LicenseePart, Manifest, Scenario, Table, TermsPart
from federation.scenario.servers import HUB_ENTITY, Federation, as_processes
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from federation.store.database import Database
from federation.trust.tables import Party
from federation.values.month import Month

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
LAB = "lab-1"
SECONDS_MAX, DEAD_TIMES_MAX = 2.0, 1.5
WAIT_SECONDS = 120.0
REGISTERED_AT = (
    "query($number: String!) { licence(number: $number) { registrations { node state } } }"
)


def code_of(number: int) -> str:
    return f"N{number:03}"


def entity_of(number: int) -> str:
    return f"https://{code_of(number).lower()}.example"


class Node:
    """A node that believes its hub: it takes every message and says that it is registered."""

    def __init__(self, number: int, hub: str, http: aiohttp.ClientSession) -> None:
        self.number, self._hub, self._http = number, hub, http
        self.key = SigningKey.generate()
        self.url, self.taken = "", dict[str, int]()
        self.is_silent = False
        self._answers = set[asyncio.Task[None]]()

    async def listen(self) -> None:
        """Listen at a port of its own."""
        app = web.Application()
        app.router.add_post("/federation/inbox", self._inbox)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name

    async def _inbox(self, request: web.Request) -> web.Response:
        if self.is_silent:
            await asyncio.sleep(3_600)
        up_to = dict[str, int]()
        for message in msgspec.json.decode(await request.read()):
            up_to[message["stream"]] = message["sequence"]
            if message["kind"] == "licence.issued":
                number = message["body"]["number"]
                self.taken[number] = self.taken.get(number, 0) + 1
                task = asyncio.create_task(self._register(number))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)
        return web.Response(body=msgspec.json.encode({"up_to": up_to}))

    async def _register(self, number: str) -> None:
        token = mint_server_token(
            self.key, caller=entity_of(self.number), callee=HUB_ENTITY, now=NOW
        )
        body = {"number": number, "version": 1, "state": "REGISTERED", "reason": None}
        kind, stream = "licence.registered", f"licence/{number}"
        message = {"stream": stream, "sequence": 1, "kind": kind, "body": body}
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with self._http.post(
            f"{self._hub}/federation/inbox", data=msgspec.json.encode([message]), headers=headers
        ) as response:
            answer = msgspec.json.decode(await response.read())
            assert answer["up_to"] == {stream: 1}, answer
        print(f"registered {number} {time.monotonic()}", flush=True)


async def be_nodes(hub: str, count: int, silent: int) -> None:
    """Be the nodes, until standard input ends; say first where and with which key each is."""
    connector = aiohttp.TCPConnector(limit=32)
    async with aiohttp.ClientSession(connector=connector) as http:
        nodes = [Node(number, hub, http) for number in range(count)]
        for node in nodes:
            node.is_silent = node.number < silent
            await node.listen()
            print(f"node {node.url} {msgspec.json.encode(node.key.public_jwk()).decode()}")
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for node in nodes:
            print(f"taken {node.number} {sorted(node.taken.values())}")
        sys.stdout.flush()


class Nodes:
    """The nodes, in a process of their own."""

    def __init__(self, hub: str, count: int, silent: int) -> None:
        self._arguments = [sys.executable, __file__, "--be", hub, str(count), str(silent)]
        self.found: list[tuple[str, str]] = []

    async def start(self) -> None:
        """Start them, and hear where each is."""
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=2**20,
        )
        while (line := await self._line()) != "ready":
            _, url, jwk = line.split(" ", 2)
            self.found.append((url, jwk))

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()

    async def last_of(self, number: str, count: int) -> float:
        """Return when so many nodes had the hub's receipt of their answer about a licence."""
        last = 0.0
        async with asyncio.timeout(WAIT_SECONDS):
            for _ in range(count):
                word, of, when = (await self._line()).split(" ")
                assert (word, of) == ("registered", number)
                last = float(when)
        return last

    async def stop(self) -> list[list[int]]:
        """End them; return how often each was sent each licence."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        taken = []
        while line := await self._line():
            taken.append(msgspec.json.decode(line.split(" ", 2)[2]))
        await self._process.wait()
        return taken


async def admit(url: str, found: list[tuple[str, str]], closed: range) -> None:
    """Write down at the hub that the nodes were admitted; nobody listens where some are."""
    database = Database(url)
    async with database.write("bench") as session:
        session.add_all(
            Party(
                code=code_of(number),
                entity_id=entity_of(number),
                url="http://127.0.0.1:9" if number in closed else where,
                name=code_of(number),
                jwk=jwk,
                admitted_at=NOW,
            )
            for number, (where, jwk) in enumerate(found)
        )
    await database.close()


def the_scenario(folder: Path) -> Scenario:
    """Return a hub with one lab."""
    nothing = Table("", [], {})
    manifest = Manifest(
        format=1,
        periods=[Month("2026-09")],
        hub=HubPart("EUR", 300, (0, 5000)),
        terms=TermsPart({"standard": 1000}, {"TRAIN": 1000}),
        licensee=[LicenseePart(LAB, "A lab")],
    )
    return Scenario(folder, manifest, nothing, nothing, nothing, b"", [], [])


async def sell(federation: Federation, key: str) -> tuple[str, float, float]:
    """Sell a licence; return its number, how long its acceptance took, and when it was answered."""
    officer, lab = federation.hub.person("licensing"), federation.hub.lab(LAB)
    terms: dict[str, Any] = {
        "licensee": LAB,
        "components": [{"id": None, "uses": ["TRAIN"], "unit": "TOKEN", "fee": "100000"}],
        "currency": "EUR",
        "startsOn": date(2026, 10, 1).isoformat(),
        "endsOn": date(2026, 10, 31).isoformat(),
        "usageBasis": "site",
        "unclaimed": "exclude",
        "reason": "a licence of the benchmark",
    }
    offer = await officer.ask(ask.OFFER, input=terms, key=key)
    began = time.monotonic()
    licence = await lab.ask(ask.ACCEPT, offer=offer["id"], key=key)
    accepted = time.monotonic()
    return str(licence["number"]), accepted - began, accepted


async def measured(nodes: int, dead: int, licences: int) -> float:
    """Sell some licences one after the other; return the hub's CPU seconds of one."""
    silent, closed = dead // 2, range(dead // 2, dead)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        async with as_processes(the_scenario(folder), folder, NOW) as federation:
            hub = federation.hub
            simulated = Nodes(hub.url, nodes, silent)
            await simulated.start()
            await admit(hub.config.database_url, simulated.found, closed)
            await hub.person("licensing").ask(ask.LICENSEE, id=LAB, name="A lab")
            seconds = []
            for number in range(licences):
                before = cpu_of_hub()
                licence, took, accepted = await sell(federation, f"key-{number}")
                last = await simulated.last_of(licence, nodes - dead) - accepted
                seconds.append(cpu_of_hub() - before)
                print(
                    f"{licence}: accepted in {took:.2f} s, registered {last:.2f} s later; "
                    f"{seconds[-1]:.2f} s of CPU at the hub",
                    flush=True,
                )
                await require_registered(federation, licence, nodes, dead)
            taken = await simulated.stop()
    assert taken[dead:] == [[1] * licences] * (nodes - dead), "a licence was sent twice"
    return statistics.median(seconds)


def cpu_of_hub() -> float:
    """Return the CPU seconds that the hub, a child of this process, has taken."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            is_hub = b"hub\0serve" in (place / "cmdline").read_bytes()
            if is_hub and int(fields[1]) == os.getpid():
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise SystemExit("there is no hub")


async def require_registered(federation: Federation, licence: str, nodes: int, dead: int) -> None:
    shown = await federation.hub.person("auditor").ask(REGISTERED_AT, number=licence)
    found = {row["node"]: row["state"] for row in shown["registrations"]}
    wanted = itertools.chain(["PENDING"] * dead, ["REGISTERED"] * (nodes - dead))
    assert found == {code_of(n): state for n, state in enumerate(wanted)}, found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=230)
    parser.add_argument("--dead", type=int, default=20)
    parser.add_argument("--licences", type=int, default=3)
    parser.add_argument("--be", nargs=3, help=argparse.SUPPRESS)
    asked, _ = parser.parse_known_args()
    if asked.be:
        hub, count, silent = asked.be
        asyncio.run(be_nodes(hub, int(count), int(silent)))
        return
    print(f"{asked.nodes - asked.dead} nodes, all well", flush=True)
    well = run_loop(measured(asked.nodes - asked.dead, 0, asked.licences))
    print(f"{asked.nodes} nodes, {asked.dead} of them dead", flush=True)
    ill = run_loop(measured(asked.nodes, asked.dead, asked.licences))
    print(
        f"CPU {well:.2f} s, with the dead {ill:.2f} s; limits: {SECONDS_MAX:g} s, and "
        f"{DEAD_TIMES_MAX:g} times"
    )
    sys.exit(ill > SECONDS_MAX or ill > DEAD_TIMES_MAX * well)


if __name__ == "__main__":
    main()
