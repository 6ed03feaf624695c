"""What a node's list of 1,000 works costs over HTTP, beside the same list of plain Strawberry.

Two servers, each a process of its own, have the same works in memory and the same types; one is
Strawberry's own Litestar controller, the other ours, with its guards and limits. They take turns.
What counts is the CPU of the server, which other work on the machine changes least.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import strawberry
import uvicorn
from graphql import parse
from litestar import Litestar
from strawberry.litestar import make_graphql_controller

from federation.process import run_loop
from federation.schema.compiled import Compiling
from federation.schema.controller import graphql_controller
from federation.schema.guards import Schema, check_document, extensions
from federation.schema.limits import ANONYMOUS
from federation.schema.pages import Connection, Edge, PageInfo
from federation.schema.scalars import schema_config
from federation.schema.work_types import Creator, Identifier, Work
from federation.works.work import ContentType, CreatorRole

LISTED, ROUNDS, ASKED = 1_000, 3, 10
TIMES_MIN, BOMB_MAX_MS = 8.0, 15.0
BOMB_LEVELS = 60
TICKS = os.sysconf("SC_CLK_TCK")
LIST = """{ works { edges { cursor node { id title contentType languages wordCount publishedOn
  validFrom creators { name role } } } pageInfo { hasNextPage endCursor } } }"""


def a_work(number: int) -> Work:
    return Work(
        key=f"w-{number}",
        id=strawberry.ID(f"GB:w-{number}"),
        title=f"A work of number {number}",
        other_titles=[],
        content_type=ContentType.BOOK,
        content_tier=None,
        languages=["en", "de"],
        creators=[
            Creator(
                name="Ann Weir",
                role=CreatorRole.AUTHOR,
                credit_line=None,
                pseudonym=None,
                rightholder=None,
            )
        ],
        identifiers=[Identifier.of("ISBN:9783161484100")],
        addresses=[],
        word_count=80_000,
        uniqueness=None,
        published_on=date(2020, 2, 29),
        rightholder=None,
        canonical=None,
        valid_from=datetime(2026, 9, 1, tzinfo=UTC),
        valid_to=None,
    )


EDGES = [Edge(cursor=f"c-{number}", node=a_work(number)) for number in range(LISTED)]


@strawberry.type
class Query:
    """One list, of works that are in memory."""

    @strawberry.field
    async def works(self) -> Connection[Work]:
        """Return all of them."""
        return Connection(edges=EDGES, page_info=PageInfo(has_next_page=False, end_cursor=None))


OURS = Schema(
    query=Query,
    config=schema_config(),
    extensions=extensions(),
    execution_context_class=Compiling,
)


async def context() -> dict[str, Any]:
    """Say nothing of who asks."""
    return {}


def controller(kind: str) -> Any:
    """Return the controller of `ours` or `plain`."""
    if kind == "ours":
        return graphql_controller(OURS, context)
    plain = strawberry.Schema(query=Query, config=schema_config())
    return make_graphql_controller(plain, path="/graphql")


class Served:
    """A server in a process of its own, which prints its port, and one connection to it."""

    def __init__(self, command: list[str], query: str) -> None:
        self._body = msgspec.json.encode({"query": query})
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
        assert self._process.stdout is not None
        self._http = http.client.HTTPConnection("127.0.0.1", int(self._process.stdout.readline()))

    def ask(self) -> bytes:
        """Return the answer to the question."""
        head = {"Content-Type": "application/json"}
        self._http.request("POST", "/graphql", self._body, head)
        return self._http.getresponse().read()

    def cpu(self) -> float:
        """Return how many seconds of CPU the server has had."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def milliseconds(self) -> tuple[float, float]:
        """Return what an answer takes, of the server's CPU and by the clock."""
        cpu, began = self.cpu(), time.perf_counter()
        for _ in range(ASKED):
            self.ask()
        clock = time.perf_counter() - began
        return (self.cpu() - cpu) / ASKED * 1000, clock / ASKED * 1000

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait()


def a_list() -> bool:
    """Measure both servers by turns; return whether the limit is kept."""
    command = [sys.executable, __file__, "--serve"]
    servers = {kind: Served([*command, kind], LIST) for kind in ("ours", "plain")}
    try:
        answers = {kind: msgspec.json.decode(one.ask()) for kind, one in servers.items()}
        assert answers["ours"] == answers["plain"], "the answers differ"
        assert len(answers["ours"]["data"]["works"]["edges"]) == LISTED
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in servers}
        for _ in range(ROUNDS):
            for kind, one in servers.items():
                found[kind].append(one.milliseconds())
    finally:
        for one in servers.values():
            one.close()
    ours, plain = (min(found[kind]) for kind in ("ours", "plain"))
    times = plain[0] / ours[0]
    print(
        f"a list of {LISTED} over HTTP: {ours[0]:.1f} ms of the server's CPU, plain Strawberry"
        f" {plain[0]:.1f}, {times:.1f} times (at least {TIMES_MIN:.0f}); by the clock"
        f" {ours[1]:.1f} and {plain[1]:.1f} ms"
    )
    return times >= TIMES_MIN


def a_bomb() -> bool:
    """Measure how soon sixty nested fragments are refused; return whether the limit is kept."""
    last = f"fragment F{BOMB_LEVELS} on Query {{ __typename }}"
    chain = [
        f"fragment F{level} on Query {{ ...F{level + 1} ...F{level + 1} }}"
        for level in range(BOMB_LEVELS)
    ]
    text, found = "\n".join(["{ ...F0 }", *chain, last]), []
    for _ in range(9):
        began = time.process_time()
        _, errors = check_document(OURS._schema, parse(text), ANONYMOUS)  # noqa: SLF001
        found.append((time.process_time() - began) * 1000)
        assert [error.extensions for error in errors] == [{"code": "TOO_DEEP"}]
    took = statistics.median(found)
    print(f"{BOMB_LEVELS} nested fragments: {took:.1f} ms of CPU (at most {BOMB_MAX_MS:.0f})")
    return took <= BOMB_MAX_MS


def serve_app(found: Any) -> None:
    """Serve a controller as our servers are run, on a port that the system chooses; print that."""
    app = Litestar(route_handlers=[found], openapi_config=None, logging_config=None)
    held = socket.create_server(("127.0.0.1", 0))
    print(held.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=75)
    run_loop(uvicorn.Server(config).serve(sockets=[held]))


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve_app(controller(sys.argv[2]))
        return
    kept = [a_list(), a_bomb()]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
