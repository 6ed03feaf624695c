"""What a list of 1,000 works of three nodes costs a hub, beside the hubs that others would build.

Ours passes on what the nodes send. Plain Strawberry reads it and resolves it object by object.
@graphql-tools/stitch merges with a resolver of its own; @apollo/gateway has a root field for each
node and merges nothing, which is less work. The nodes are one process that has its answers ready,
each hub is a process of its own behind HTTP. They take turns; what counts is the hub's CPU. The two
of JavaScript need node and npm, and are left out, aloud, where these are missing.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import strawberry
from strawberry.litestar import make_graphql_controller

from bench.federated import (
    LAB,
    NOW,
    SELECTED,
    a_page,
    admit,
    code_of,
    plain,
    works_of,
)
from bench.lists import Served, serve_app
from federation.counters import Counters
from federation.federated.asking import Asker, Node
from federation.federated.earlier import Earlier
from federation.quotas import Quota, Quotas
from federation.schema.context import Context
from federation.schema.controller import graphql_controller
from federation.schema.hub import schema as hub_schema
from federation.schema.pages import Connection
from federation.schema.scalars import schema_config
from federation.schema.work_types import Work
from federation.store.database import Database
from federation.store.migrations import upgrade_database
from federation.trust.principals import Principal
from federation.values import cursors
from federation.values.roles import Role

FOLDER = Path(__file__).parent / "hubs"
NODES, LISTED, ROUNDS = 3, 1_000, 3
PART = 334  # of a node, where nothing is merged
EDGES = "{ edges { cursor node %s } pageInfo { hasNextPage endCursor } }" % (SELECTED,)  # noqa: UP031
LIST = f"{{ works(first: {LISTED}) {EDGES} }}"
OURS = f"{{ works(first: {LISTED}, deadlineMs: 10000) {EDGES} }}"
EACH = " ".join(f"n{number}_works(first: {PART}) {EDGES}" for number in range(NODES))
PLAIN = f"{{ works(first: {LISTED}) {{ edges {{ cursor node {SELECTED} }} }} }}"
MEANT = {"plain": 6.0, "stitch": 3.0, "apollo": 3.0}
"""How many times our CPU each of the others takes at least."""


class Answering(asyncio.Protocol):
    """One connection to a node: what it answers to a body it works out once."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer, self._data = answer, b""

    def connection_made(self, transport: Any) -> None:
        """Keep what answers are written to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come whole."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if not found or len(body) < int(length):
            return
        self._data = b""
        answer = self._answer(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(answer) + answer)


class AnswersOfANode:
    """Answers our hub's documents by their variables, and others with a page under their names."""

    def __init__(self, number: int) -> None:
        self._works = works_of(code_of(number), LISTED)
        self._root = f"n{number}_works"
        self._ready: dict[Any, bytes] = {}

    def __call__(self, body: bytes) -> bytes:
        """Return the answer to a body."""
        asked = msgspec.json.decode(body)
        given = asked.get("variables") or {}
        key = given.get("of_the_list_first"), given.get("of_the_list_after")
        if key not in self._ready or key == (None, None):
            self._ready[key] = self._page(asked.get("query", ""), given)
        return self._ready[key]

    def _page(self, query: str, given: dict[str, Any]) -> bytes:
        if "of_the_list_first" in given:
            return a_page(self._works, given)
        is_named, first = self._root in query, PART if str(PART) in query else LISTED
        key = (is_named, first)
        if key not in self._ready:
            page = a_page(self._works, {"of_the_list_first": first, "of_the_list_after": None})
            named = b'{"data":{"%s":' % self._root.encode()
            self._ready[key] = page.replace(b'{"data":{"works":', named, 1) if is_named else page
        return self._ready[key]


async def be_nodes() -> None:
    """Be the nodes, until standard input ends."""
    loop, ports = asyncio.get_running_loop(), list[int]()
    for number in range(NODES):
        answers = AnswersOfANode(number)
        server = await loop.create_server(partial(Answering, answers), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)


class Post:
    """Sends bodies to nodes over connections that stay open."""

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    async def __call__(self, url: str, body: bytes) -> bytes:
        """Return the answer to a body."""
        if self._http is None:
            self._http = aiohttp.ClientSession()
        async with self._http.post(url, data=body) as response:
            return await response.read()


def our_hub(database: str) -> Any:
    """Return the controller of our hub; what it asks nodes with is the hub's own."""
    cursors.FIRST_MAX = LISTED  # type: ignore[misc] # a page of the API has 100
    post = Post()

    async def call(node: Node, body: bytes, headers: Any, **limits: Any) -> bytes:
        del headers, limits
        return await post(node.url, body)

    server: Any = SimpleNamespace(
        db=Database(database),
        clock=lambda: NOW,
        monotonic=time.monotonic,
        quotas=Quotas({"graphql": Quota(10**9, 10**9)}),
        asker=Asker(call),
        earlier=Earlier(time.monotonic),
        pepper=SimpleNamespace(seal=lambda _: bytes(32)),
        trusted_documents={},
        counters=Counters(),
    )
    lab = Principal("lab", frozenset({Role.LAB}), LAB)

    async def context() -> Context:
        return Context(server=server, principal=lab, asker="lab")

    return graphql_controller(hub_schema, context)


def plain_hub(urls: list[str]) -> Any:
    """Return Strawberry's own controller of a hub that resolves what nodes send."""
    post = Post()
    body = msgspec.json.encode({"query": PLAIN})

    @strawberry.type
    class Query:
        """The same list, resolved object by object."""

        @strawberry.field
        async def works(self, first: int) -> Connection[Work]:
            """Ask all nodes, and merge."""
            sent = await asyncio.gather(*(post(url, body) for url in urls))
            return plain({code_of(number): page for number, page in enumerate(sent)}, first)

    schema = strawberry.Schema(query=Query, config=schema_config())
    return make_graphql_controller(schema, path="/graphql")


def has_gateways() -> bool:
    """Tell whether the hubs of JavaScript can run; install them once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("node or npm is missing: @graphql-tools/stitch and @apollo/gateway are left out")
        return False
    if not (FOLDER / "node_modules").is_dir():
        npm = ["npm", "install", "--silent", "--no-package-lock"]
        subprocess.run(npm, cwd=FOLDER, check=True)  # noqa: S603
    return True


def works_in(answer: bytes) -> list[Any]:
    """Return the works of an answer, without what hubs add to it."""
    found = msgspec.json.decode(answer)
    assert found.get("data"), found.get("errors")
    return [edge["node"] for page in found["data"].values() for edge in page["edges"]]


def compare(hubs: dict[str, Served]) -> list[bool]:
    """Measure all by turns; return whether each limit is kept."""
    found = {name: works_in(hub.ask()) for name, hub in hubs.items()}
    for name, works in found.items():
        assert len(works) == (NODES * PART if name == "apollo" else LISTED), name
        assert name == "apollo" or works == found["ours"], name
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in hubs}
    for _ in range(ROUNDS):
        for name, hub in hubs.items():
            times[name].append(hub.milliseconds())
    best = {name: min(several) for name, several in times.items()}
    print(f"a list of {LISTED} of {NODES} nodes: ours {best['ours'][0]:.1f} ms of the hub's CPU")
    kept = []
    for name, (cpu, clock) in best.items():
        if name in MEANT:
            ratio = cpu / best["ours"][0]
            kept.append(ratio >= MEANT[name])
            by_clock = clock / best["ours"][1]
            print(
                f"  {name}: {cpu:.1f} ms, {ratio:.1f} times (at least {MEANT[name]:.0f}),"
                f" by the clock {by_clock:.1f} times"
            )
    return kept


def run(folder: Path) -> list[bool]:
    """Start the nodes and all hubs, and compare these."""
    nodes = subprocess.Popen(
        [sys.executable, "-m", "bench.hubs", "--nodes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert nodes.stdout is not None
    assert nodes.stdin is not None
    ports = [int(port) for port in nodes.stdout.readline().split()]
    urls = [f"http://127.0.0.1:{port}/graphql" for port in ports]
    database = f"sqlite+aiosqlite:///{folder / 'hub.sqlite'}"
    asyncio.run(upgrade_database(database))
    asyncio.run(admit(database, ports))
    python = [sys.executable, "-m", "bench.hubs"]
    hubs = {
        "ours": Served([*python, "--ours", database], OURS),
        "plain": Served([*python, "--plain", *urls], PLAIN),
    }
    if has_gateways():
        for name, asked in (("stitch", LIST), ("apollo", f"{{ {EACH} }}")):
            hubs[name] = Served(["node", str(FOLDER / f"{name}.mjs"), *urls], asked)
    try:
        return compare(hubs)
    finally:
        for hub in hubs.values():
            hub.close()
        nodes.stdin.close()
        nodes.wait()


def main() -> None:
    role, given = sys.argv[1:2], sys.argv[2:]
    if role == ["--nodes"]:
        asyncio.run(be_nodes())
    elif role == ["--ours"]:
        serve_app(our_hub(given[0]))
    elif role == ["--plain"]:
        serve_app(plain_hub(given))
    else:
        with TemporaryDirectory(prefix="bench-") as folder:
            sys.exit(0 if all(run(Path(folder))) else 1)


if __name__ == "__main__":
    main()
