"""What it costs to ask 200 nodes as if they were one, and to pass on what three of them send.

The hub is a process of its own, and so are the nodes: they have their answers ready, so that it is
the hub that is measured. Asked is the first page of a search: with all nodes well, and with ten
that answer after two seconds and ten whose port is closed. Then a list of 1,000 works of three
nodes is put together in process: as it is passed on, and as Strawberry resolves it, object by
object, from the same answers.
"""

import asyncio
import dataclasses
import gc
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from heapq import merge
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import strawberry

from federation.counters import Counters
from federation.federated.asking import Asker, Node
from federation.federated.earlier import Earlier
from federation.federated.wire import ON_BEHALF_OF_HEADER
from federation.process import run_loop
from federation.quotas import Quotas
from federation.scenario.model import HubPart, LicenseePart, Manifest, Scenario, Table, TermsPart
from federation.scenario.servers import as_processes
from federation.scenario.story import Story
from federation.schema.context import Context
from federation.schema.guards import extensions
from federation.schema.hub import schema as hub_schema
from federation.schema.pages import Connection, Edge, PageInfo
from federation.schema.scalars import schema_config
from federation.schema.work_types import Creator, Work
from federation.signing.keys import SigningKey
from federation.store.database import Database
from federation.store.migrations import upgrade_database
from federation.trust.principals import Principal
from federation.trust.tables import Party
from federation.values import cursors
from federation.values.month import Month
from federation.values.roles import Role
from federation.works.work import ContentType, CreatorRole

NODES, WORKS_EACH, FIRST = 200, 300, 20
ASKED, ROUNDS = 60, 3
SLOW, DEAD, SLOW_SECONDS, DEADLINE_MS = 10, 10, 2.0, 500
BEFORE_THE_BREAKER = 4  # questions: the fifth failure leaves a node alone
HEALTHY_MAX_MS, OVER_MAX_MS, TIMES_MIN = 150.0, 20.0, 6.0
LISTED, TIMES = 1_000, 15
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
LAB = "lab-1"
SELECTED = """{ id title contentType languages wordCount publishedOn creators { name role } }"""
SEARCH = """query($text: String!, $deadlineMs: Int!) {
  works(first: 20, text: $text, deadlineMs: $deadlineMs) {
    edges { node %s } pageInfo { hasNextPage endCursor } nodes { node state latencyMs } complete } }
""" % (SELECTED,)  # noqa: UP031 - braces
LIST = "{ works(first: 1000) { edges { cursor node %s } } }" % (SELECTED,)  # noqa: UP031


def works_of(code: str, count: int) -> list[tuple[tuple[str, str], bytes]]:
    """Return works of a node in order: their places, and their edges as they are sent."""
    chance = random.Random(code)  # noqa: S311 - the same every time
    places = sorted((f"{chance.randrange(10**9):09} title", f"w-{n}") for n in range(count))
    return [(place, msgspec.json.encode(an_edge(code, place))) for place in places]


def an_edge(code: str, place: tuple[str, str]) -> dict[str, Any]:
    title, thing = place
    shown = {
        "id": f"{code}:{thing}",
        "title": title,
        "contentType": "BOOK",
        "languages": ["en", "de"],
        "wordCount": 80_000,
        "publishedOn": "2020-02-29",
        "creators": [{"name": "Ann Weir", "role": "AUTHOR"}],
    }
    return {"cursor": cursors.cursor_of("works", place), "node": shown}


def a_page(works: Sequence[tuple[tuple[str, str], bytes]], variables: dict[str, Any]) -> bytes:
    """Answer as a node does."""
    first, after = variables["of_the_list_first"], variables["of_the_list_after"]
    begin = 0
    if after:
        place = tuple(cursors.key_of("works", after, tuple[str, str]) or ())
        begin = bisect_right(works, (place, b"\xff"))
    page = works[begin : begin + first]
    more = b"true" if begin + first < len(works) else b"false"
    end = b'"%s"' % cursors.cursor_of("works", page[-1][0]).encode() if page else b"null"
    edges = b",".join(edge for _, edge in page)
    info = b'"pageInfo":{"hasNextPage":%s,"endCursor":%s}' % (more, end)
    return b'{"data":{"works":{"edges":[%s],%s}}}' % (edges, info)


class Answering(asyncio.Protocol):
    """One connection to a node: it answers at once, or after its seconds."""

    def __init__(self, works: list[tuple[tuple[str, str], bytes]], seconds: float) -> None:
        self._works, self._seconds, self._data = works, seconds, b""

    def connection_made(self, transport: Any) -> None:
        """Keep what answers are written to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request has come whole."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if not found or len(body) < int(length):
            return
        self._data = b""
        answer = a_page(self._works, msgspec.json.decode(body)["variables"])
        head = b"HTTP/1.1 200 OK\r\n%s: signed-in\r\nContent-Length: %d\r\n\r\n"
        whole = head % (ON_BEHALF_OF_HEADER.encode(), len(answer)) + answer
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._send, whole)
        else:
            self._send(whole)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def code_of(number: int) -> str:
    return f"N{number:03}"


async def serve(ports: list[int]) -> None:
    """Be all the nodes, until standard input ends; the last are slow, a port of 0 is closed."""
    loop = asyncio.get_running_loop()
    for number, port in enumerate(ports):
        works = works_of(code_of(number), WORKS_EACH)
        seconds = SLOW_SECONDS if DEAD <= number < DEAD + SLOW and 0 in ports else 0.0
        if port:
            await loop.create_server(partial(Answering, works, seconds), "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


class Nodes:
    """The nodes in a process of their own, of which some may be ill."""

    def __init__(self, ports: list[int], *, ill: bool) -> None:
        given = [0 if ill and number < DEAD else port for number, port in enumerate(ports)]
        self._arguments = [sys.executable, __file__, "--nodes", *map(str, given)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def admit(url: str, ports: list[int]) -> None:
    """Write down at the hub that the nodes were admitted."""
    jwk = msgspec.json.encode(SigningKey.generate().public_jwk()).decode()
    database = Database(url)
    async with database.write("bench") as session:
        session.add_all(
            Party(
                code=code_of(number),
                entity_id=f"https://{code_of(number).lower()}.example",
                url=f"http://127.0.0.1:{port}",
                name=code_of(number),
                jwk=jwk,
                admitted_at=NOW,
            )
            for number, port in enumerate(ports)
        )
    await database.close()


class Lab:
    """Whoever asks the hub."""

    def __init__(self, http: aiohttp.ClientSession, person: Any) -> None:
        self._http, self._url = http, f"{person.url}/graphql"
        self._token = person._token()  # noqa: SLF001 - as it would be sent

    async def ask(self, text: str, deadline_ms: int) -> tuple[float, dict[str, Any]]:
        """Return the milliseconds it took, and the answer."""
        body = {"query": SEARCH, "variables": {"text": text, "deadlineMs": deadline_ms}}
        headers = {"Authorization": f"Bearer {self._token}"}
        began = time.perf_counter()
        async with self._http.post(self._url, json=body, headers=headers) as response:
            answer = await response.read()
        took = (time.perf_counter() - began) * 1000
        found = msgspec.json.decode(answer)
        assert "errors" not in found, found["errors"]
        return took, found["data"]["works"]

    async def times(self, count: int, deadline_ms: int, answering: int) -> list[float]:
        """Ask so many questions; every answer is of as many nodes as can answer."""
        found = []
        for number in range(count):
            took, answer = await self.ask(f"text {number}", deadline_ms)
            well = sum(node["state"] == "OK" for node in answer["nodes"])
            assert (well, len(answer["edges"])) == (answering, FIRST), (well, answer["nodes"])
            found.append(took)
        return found


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


async def fan_out(folder: Path) -> list[bool]:
    """Measure the search over 200 nodes; return whether each limit is kept."""
    scenario, ports = the_scenario(folder), free_ports(NODES)
    async with as_processes(scenario, folder, NOW) as federation, aiohttp.ClientSession() as http:
        await Story(scenario, federation).sell()
        await admit(federation.hub.config.database_url, ports)
        lab = Lab(http, federation.hub.lab(LAB))
        with Nodes(ports, ill=False):
            await lab.times(10, 5_000, NODES)
            rounds = [await lab.times(ASKED, 5_000, NODES) for _ in range(ROUNDS)]
        healthy = min(statistics.median(one) for one in rounds)
        shown = ", ".join(f"{statistics.median(one):.0f}" for one in rounds)
        print(f"{NODES} nodes, all well: p50 {shown} ms (at most {HEALTHY_MAX_MS:.0f})")
        with Nodes(ports, ill=True):
            well = NODES - SLOW - DEAD
            first = await lab.times(BEFORE_THE_BREAKER, DEADLINE_MS, well)
            await lab.times(2, DEADLINE_MS, well)
            rest = await lab.times(20, DEADLINE_MS, well)
        over = statistics.median(first) - DEADLINE_MS
        print(
            f"{SLOW} slow, {DEAD} dead, {DEADLINE_MS} ms: p50 {statistics.median(first):.0f} ms, "
            f"{over:.0f} over (at most {OVER_MAX_MS:.0f}); "
            f"once they are left alone {statistics.median(rest):.0f} ms"
        )
        return [healthy <= HEALTHY_MAX_MS, over <= OVER_MAX_MS]


@strawberry.type
class PlainQuery:
    """The same list, resolved object by object."""

    @strawberry.field
    async def works(self, info: strawberry.Info, first: int) -> Connection[Work]:
        """Answer with the first works of all."""
        return plain(info.context["bodies"], first)


def plain(bodies: dict[str, bytes], first: int) -> Connection[Work]:
    """Read what the nodes sent, merge it, and give Strawberry objects."""

    def keyed(code: str) -> list[tuple[Any, Any]]:
        found = msgspec.json.decode(bodies[code])["data"]["works"]["edges"]
        return [(cursors.key_of("works", one["cursor"], tuple[str, str]), one) for one in found]

    ordered = merge(*map(keyed, bodies), key=lambda one: (one[0][0], one[1]["node"]["id"]))
    edges = [
        Edge(cursor=one["cursor"], node=a_work(one["node"]))
        for _, (_, one) in zip(range(first), ordered, strict=False)
    ]
    return Connection(edges=edges, page_info=PageInfo(has_next_page=True, end_cursor=None))


def a_work(shown: dict[str, Any]) -> Work:
    """Return a work as a resolver would; what is not asked for is nothing."""
    nothing: dict[str, Any] = dict.fromkeys(
        field.name for field in dataclasses.fields(Work) if field.init
    )
    creators = [
        Creator(
            name=one["name"],
            role=CreatorRole(one["role"]),
            credit_line=None,
            pseudonym=None,
            rightholder=None,
        )
        for one in shown["creators"]
    ]
    return Work(
        **nothing
        | {
            "id": shown["id"],
            "title": shown["title"],
            "content_type": ContentType(shown["contentType"]),
            "languages": shown["languages"],
            "word_count": shown["wordCount"],
            "published_on": date.fromisoformat(shown["publishedOn"]),
            "creators": creators,
        }
    )


async def a_list(folder: Path) -> list[bool]:
    """Measure the list of 1,000 works of three nodes; return whether the limit is kept."""
    cursors.FIRST_MAX = LISTED  # type: ignore[misc] # a page of the API has 100
    url = f"sqlite+aiosqlite:///{folder / 'list.sqlite'}"
    await upgrade_database(url)
    await admit(url, [1, 2, 3])
    works = {code_of(number): works_of(code_of(number), LISTED) for number in range(3)}

    answers: dict[tuple[str, bytes], bytes] = {}

    async def call(node: Node, body: bytes, headers: Any, **limits: Any) -> bytes:
        del headers, limits
        if (node.code, body) not in answers:
            page = a_page(works[node.code], msgspec.json.decode(body)["variables"])
            answers[node.code, body] = page
        return answers[node.code, body]

    server: Any = SimpleNamespace(
        db=Database(url),
        clock=lambda: NOW,
        monotonic=time.monotonic,
        quotas=Quotas(),
        asker=Asker(call),
        earlier=Earlier(time.monotonic),
        pepper=SimpleNamespace(seal=lambda text: sha256(text).digest()),
        counters=Counters(),
    )
    lab = Principal("lab", frozenset({Role.LAB}), LAB)
    whole = {"of_the_list_first": LISTED, "of_the_list_after": None}
    bodies = {code: a_page(them, whole) for code, them in works.items()}
    plain_schema = strawberry.Schema(
        query=PlainQuery, config=schema_config(), extensions=extensions()
    )

    async def passed_on() -> bytes:
        context = Context(server=server, principal=lab, asker="lab")
        found = await hub_schema.execute(LIST, context_value=context)
        assert not found.errors, found.errors
        return msgspec.json.encode(found.data)

    async def resolved() -> bytes:
        found = await plain_schema.execute(LIST, context_value={"bodies": bodies})
        assert not found.errors, found.errors
        return msgspec.json.encode(found.data)

    shown = [nodes_in(await passed_on()), nodes_in(await resolved())]
    assert shown[0] == shown[1]
    assert len(shown[0]) == LISTED
    best = [await quickest(passed_on), await quickest(resolved)]
    await server.db.close()
    times = best[1] / best[0]
    print(
        f"a list of {LISTED}: passed on {best[0]:.1f} ms, resolved {best[1]:.1f} ms, "
        f"{times:.1f} times (at least {TIMES_MIN:.0f})"
    )
    return [times >= TIMES_MIN]


def nodes_in(answer: bytes) -> list[Any]:
    return [edge["node"] for edge in msgspec.json.decode(answer)["works"]["edges"]]


async def quickest(act: Callable[[], Awaitable[bytes]]) -> float:
    """Return the milliseconds of the quickest of several turns."""
    found = []
    for _ in range(TIMES):
        gc.collect()
        began = time.perf_counter()
        await act()
        found.append((time.perf_counter() - began) * 1000)
    return min(found)


async def run(folder: Path) -> list[bool]:
    return [*await fan_out(folder), *await a_list(folder)]


def main() -> None:
    if sys.argv[1:2] == ["--nodes"]:
        run_loop(serve([int(port) for port in sys.argv[2:]]))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        kept = run_loop(run(Path(folder)))
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
