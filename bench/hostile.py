"""What strangers and partners of ill will cost a serving hub and node: memory, and waiting.

Hub and node are processes of their own on loopback. Each attack is bounded and ends by itself;
meanwhile somebody asks `/health/live` over a new connection every 50 ms. What counts is the peak
of the attacked server's resident memory and the longest of these answers.
"""

import asyncio
import http.client
import itertools
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from federation.edge.keys import read_ring
from federation.scenario.client import ApiError
from federation.scenario.reading import read_scenario
from federation.scenario.servers import HUB_ENTITY, Federation, Running, as_processes
from federation.scenario.story import Story
from federation.signing.tokens import Grant, mint_licence_token, mint_server_token
from federation.store.messages import LARGEST_BYTES
from federation.trust.own_keys import KeyRing
from federation.values.party import HUB

RESIDENT_MAX_MIB, WAIT_MAX_SECONDS = 250, 1.0
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
LAB, NODE = "lab-1", "DE"
CLAIMS = 5_000
PAGE = "https://site.example/7/page"
DOCUMENTS, DOCUMENT_BYTES = 512, 520_000
UPLOADS, UPLOAD_BYTES, STALL_SECONDS = 8, LARGEST_BYTES, 5.0
ROWS_BYTES = 34_000_000  # a million rows
QUOTES, QUOTE_LINES = 200, 1_000
HALF_OPEN = 1_000
VALIDATIONS = 20
QUESTION_SECONDS = 15.0  # after which an attacker's own request is given up

TOML = f"""
format = 1
periods = ["2026-09"]
rates = "rates.csv"
[hub]
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [0, 5000]
[terms]
tier_weight = {{ standard = 1000 }}
use_weight = {{ TRAIN = 1000 }}
[[collective]]
code = "{NODE}"
name = "A collective"
country = "DE"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
plan = "per_usage"
[[licensee]]
id = "{LAB}"
name = "A lab"
[[licence]]
id = "L1"
licensee = "{LAB}"
issuer = "HUB"
uses = ["TRAIN"]
currency = "EUR"
fee = 1200000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "site"
"""
MEMBERS = f"collective,member_id,name,country,joined_on,account\n{NODE},m,A member,DE,2025-01-01,\n"
WORKS = "collective,member_id,claim,content_tier,canonical,owner_bps\n"
TARIFF = """mutation { publishTariff(input: { currency: "EUR", minimumFee: "100",
  prices: [{ use: "TRAIN", contentTier: "standard", per1000: "300" }] }) {
  __typename ... on Refused { code message } } }"""
QUOTE = """mutation($input: QuoteInput!) { requestQuote(input: $input) {
  __typename ... on Offer { id } ... on Refused { code message } } }"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What an attack cost: the peak of a server's memory, the longest wait for a sign of life."""

    attack: str
    resident_mib: float
    wait_seconds: float
    told: str

    @property
    def is_borne(self) -> bool:
        """Tell whether nobody else noticed."""
        return self.resident_mib < RESIDENT_MAX_MIB and self.wait_seconds < WAIT_MAX_SECONDS


class Pulse(threading.Thread):
    """Asks a server for a sign of life again and again; remembers the longest wait."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._place = urlsplit(url).netloc
        self._ended = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        """Ask until told to end."""
        while not self._ended.wait(0.05):
            started = time.monotonic()
            self._ask()
            self.longest = max(self.longest, time.monotonic() - started)

    def end(self) -> float:
        """Stop asking; return the longest wait in seconds."""
        self._ended.set()
        self.join()
        return self.longest

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._place, timeout=30)
        try:
            connection.request("GET", "/health/live")
            assert connection.getresponse().status == 200  # noqa: PLR2004
        except OSError:
            self.longest = float("inf")
        finally:
            connection.close()


def process_of(role: str) -> int:
    """Return the process that serves a role, a child of this one."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == os.getpid() and role.encode() in words:
                return int(entry.name)
    raise LookupError(role)


def forget_peak(process: int) -> None:
    """Begin to measure the peak of a process's memory anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def peak_mib(process: int) -> float:
    """Return the most memory that a process had resident since it was forgotten."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


Attack = Callable[["Scene"], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A federation in business, as its attackers see it."""

    federation: Federation
    http: aiohttp.ClientSession
    licence: str
    keys: KeyRing  # the hub's

    @property
    def node(self) -> Running:
        """Return the one node."""
        return self.federation.nodes[NODE]

    def call_token(self) -> str:
        """Return what the hub shows the node: an admitted server may be of ill will as well."""
        entity = self.node.config.entity_id
        return mint_server_token(self.keys.federation, caller=HUB_ENTITY, callee=entity, now=NOW)

    async def post(self, url: str, body: bytes, **headers: str) -> str:
        """Send something; return the status, or the name of what went wrong."""
        try:
            async with self.http.post(url, data=body, headers=headers) as response:
                await response.read()
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__


async def large_documents(scene: Scene) -> str:
    """Ask for little in documents of 520 KB, each another one, as nobody in particular."""

    def document(number: int) -> bytes:
        query = f'{{ __type(name: "{number}{"x" * DOCUMENT_BYTES}") {{ name }} }}'
        return msgspec.json.encode({"query": query})

    url = f"{scene.node.url}/graphql"
    sent = (
        scene.post(url, document(number), **{"Content-Type": "application/json"})
        for number in range(DOCUMENTS)
    )
    return counted([await one for one in sent])


async def stalled_uploads(scene: Scene) -> str:
    """Send most of eight large deliveries and then nothing more."""
    place = urlsplit(scene.node.url)
    head = (
        f"POST /federation/inbox HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {scene.call_token()}\r\nContent-Length: {UPLOAD_BYTES}\r\n\r\n"
    )

    async def upload() -> str:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(head.encode())
            for _ in range(UPLOAD_BYTES // 65_536 - 1):
                writer.write(b"x" * 65_536)
                await writer.drain()
            return (await asyncio.wait_for(reader.read(12), STALL_SECONDS))[9:12].decode()
        except TimeoutError:
            return "stalled"
        except OSError as error:
            return type(error).__name__
        finally:
            writer.close()

    return counted(list(await asyncio.gather(*(upload() for _ in range(UPLOADS)))))


async def large_messages(scene: Scene) -> str:
    """Send the largest deliveries there are: one text, and rows that are ten times as large."""
    row = b'["A1-000001","~UNMATCHED","x","1"]'
    rows = b",".join([row] * (ROWS_BYTES // len(row)))
    shapes = [(b"x" * (UPLOAD_BYTES - 1_000), b""), (b"", rows)]
    url, told = f"{scene.node.url}/federation/inbox", list[str]()
    for sequence, (document, held) in enumerate(shapes * 2, start=1):
        message = b'{"run_id":"%s","document":"%s","credits":[],"held":[%s],"uses":[]}'
        body = message % (b"0" * 64, document, held)
        frame = b'[{"stream":"run/hostile","sequence":%d,"kind":"run.approved","body":%s}]'
        token = f"Bearer {scene.call_token()}"
        told.append(await scene.post(url, frame % (sequence, body), Authorization=token))
    return counted(told)


async def month_of_quotes(scene: Scene) -> str:
    """Ask for the largest quotes there are, and for some that are larger, again and again."""
    lab = scene.federation.hub.lab(LAB)
    lines = [{"node": NODE, "use": "TRAIN", "contentTier": "standard", "units": "1000"}]
    asked = {"startsOn": "2026-09-01", "endsOn": "2036-08-31", "usageBasis": "site"}
    territories = [
        f"{first}{second}" for first, second in itertools.product("ABCDEFGHIJ", repeat=2)
    ]
    told = []
    for number in range(QUOTES):
        much = {"expected": lines * QUOTE_LINES, "territories": territories}
        many = {"expected": lines, "territories": territories * 800}
        try:
            found = await lab.ask(QUOTE, input=asked | (much if number % 2 else many))
            told.append(found["__typename"])
        except ApiError as refusal:
            told.append(refusal.api_code)
    return counted(told)


async def many_claims(scene: Scene) -> str:
    """Ask whether a token opens the site of a member with 5,000 claims, one after the other."""
    grant = Grant(HUB_ENTITY, LAB, ["https://site.example/7/"], scene.licence, ["TRAIN"])
    token = mint_licence_token(scene.keys.token, grant, now=NOW)
    body = msgspec.json.encode({"token": token, "publisher_id": "m", "url": PAGE})
    sent = (scene.post(f"{scene.node.url}/validate", body) for _ in range(VALIDATIONS))
    return counted(list(await asyncio.gather(*sent)))


async def half_open_connections(scene: Scene) -> str:
    """Open a thousand connections, begin a request on each and never end it."""
    place = urlsplit(scene.node.url)
    held: list[socket.socket] = []
    try:
        for _ in range(HALF_OPEN):
            one = socket.create_connection((place.hostname, place.port), timeout=5)
            one.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\n")
            held.append(one)
            if len(held) % 50 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(STALL_SECONDS)
    finally:
        for one in held:
            one.close()
    return f"{len(held)} opened"


ATTACKS: list[tuple[str, Attack]] = [
    (NODE, large_documents),
    (NODE, stalled_uploads),
    (NODE, large_messages),
    (HUB, month_of_quotes),
    (NODE, many_claims),
    (NODE, half_open_connections),
]


def counted(words: list[str]) -> str:
    """Return how often each answer came."""
    return ", ".join(f"{words.count(word)} x {word}" for word in dict.fromkeys(words))


async def figure(scene: Scene, code: str, attack: Attack) -> Figure:
    """Let an attack happen and measure it."""
    server = scene.federation.hub if code == HUB else scene.node
    process = process_of("hub" if code == HUB else "node")
    forget_peak(process)
    pulse = Pulse(server.url)
    pulse.start()
    told = await attack(scene)
    return Figure(attack.__name__.replace("_", " "), peak_mib(process), pulse.end(), told)


@asynccontextmanager
async def a_scene(folder: Path) -> AsyncIterator[Scene]:
    """Run a hub and a node that have joined, registered and sold a licence."""
    claims = "".join(f"{NODE},m,site.example/{number}/,standard,,\n" for number in range(CLAIMS))
    files: dict[str, Any] = {
        "scenario.toml": TOML,
        "members.csv": MEMBERS,
        "works.csv": WORKS + claims,
        "optouts.csv": "collective,subject,use,effective_at\n",
        "rates.csv": "date,currency,rate\n",
        "usage.csv": "event_id,licence,url,use,units,occurred_at,source\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    scenario = read_scenario(folder)
    timeout = aiohttp.ClientTimeout(total=QUESTION_SECONDS)
    async with (
        as_processes(scenario, folder / "run", NOW) as federation,
        aiohttp.ClientSession(timeout=timeout) as http,
    ):
        story = Story(scenario, federation)
        await story.join()
        await story.register()
        await story.sell()
        await federation.hub.person("licensing").ask(TARIFF)
        federation.set_clock(NOW)
        keys = await read_ring(federation.hub.config)
        yield Scene(federation, http, story.numbers["L1"], keys)


async def measure(folder: Path) -> list[Figure]:
    """Let every attack happen, one after the other."""
    async with a_scene(folder) as scene:
        found = []
        for code, attack in ATTACKS:
            found.append(await figure(scene, code, attack))
            print_figure(found[-1])
        return found


def print_figure(found: Figure) -> None:
    """Print a line of the table."""
    figures = f"{found.resident_mib:>9,.0f} MiB{found.wait_seconds:>9.2f} s"
    print(f"{found.attack:24}{figures}  {found.told}", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        (folder / "run").mkdir()
        found = asyncio.run(measure(folder))
    print(f"wanted: less than {RESIDENT_MAX_MIB} MiB and {WAIT_MAX_SECONDS:.0f} s throughout")
    sys.exit(0 if all(item.is_borne for item in found) else 1)


if __name__ == "__main__":
    main()
