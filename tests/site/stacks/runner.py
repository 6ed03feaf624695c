"""Runs the table against a stack: `python -m tests.site.stacks.runner NAME`."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.signing.corpus.forge import HUB_KEY, MEMBER, NODE_KEY
from tests.site.stacks.node import CLIENT, SECRET, StubNode, a_node
from tests.site.stacks.tokens import bearer, filled, signed
from tests.site.stacks.wire import Answer, exchange

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
TABLE = HERE.parent / "corpus" / "requests.json"
SECONDS_MAX = STOP_SECONDS_MAX = 90.0
PROBE = "StatusCake"  # asks whether a stack is ready; no case of the table has this name
COMPARED = (
    *("content-type", "cache-control", "vary", "www-authenticate", "link", "allow", "retry-after"),
    *("cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "edge-control"),
    *("cf-edge-cache", "x-reverse-proxy-ttl"),
    *("x-rsl-status", "x-rsl-reason", "x-page", "location", "etag"),
)
SITES: dict[str, dict[str, Any]] = {
    "plain": {},
    "observing": {"mode": "observe"},
    "odd": {
        "unit": "BYTE",
        "proxies": 1,
        "crawlers": {"unnamed": True, "also": ["FancyFetcher"], "never": ["GPTBot"]},
    },
    "without a policy": {},
}


class Stack(NamedTuple):
    """How a stack is started with a configuration and a port, and in what its server differs.

    Of what it `lacks` nothing is asked: "lines" (it joins the lines of one header), "backslash"
    (it reads one as a slash), "hops" (it takes no second word in Connection), "hang-ups"
    (it does not say that nobody listens any more), "siblings" (two of one site beside each other),
    "spool" (what is served is recorded at the end, in a log), "handing over" (it delivers what the
    application answers, whatever that names in its place).
    Cases that are its `own` it answers otherwise than the table says, and of those `unasked` its
    gate does not even hear.
    """

    command: list[str]
    lacks: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()
    program: str | None = None

    def is_here(self) -> bool:
        """Tell whether this machine has what it needs."""
        return shutil.which(self.program or self.command[0]) is not None


def _python(name: str, *lacks: str) -> Stack:
    return Stack([sys.executable, "-m", f"tests.site.stacks.{name}"], frozenset(lacks))


# WSGI joins the lines of a header, as `Headers` of workers does; waitress says nothing of a
# hang-up; `URL` of workers reads a backslash as a slash.
STACKS = {
    "asgi": _python("asgi"),
    "wsgi": _python("wsgi", "lines", "hops", "hang-ups"),
    "flask": _python("flask_site", "lines", "hops", "hang-ups"),
    "django": _python("django_site", "lines"),
    "fastapi": _python("fastapi_site"),
    "nginx": _python("nginx", "siblings", "spool", "handing over")._replace(
        program="nginx",
        own=frozenset(
            {
                # Vary names Authorization twice.
                "a page that says it may be cached",
                "the head of a page that says it may be cached",
                "observing: a licensed page that says it may be cached",
                "without a policy: a reservation is read",  # 404, not the application's own terms
            }
        ),
        unasked=frozenset({"Authorization twice", "Authorization of two schemes"}),  # 400 itself
    ),
    "node": Stack(["node", str(HERE / "node.mjs")]),
    "workers": Stack(["node", str(HERE / "workers.mjs")], frozenset({"lines", "backslash"})),
}
RUNTIMES = {  # other than Node, for the JavaScript gate; `make judges` installs the last one
    "bun": Stack(["bun", str(HERE / "node.mjs")]),
    "deno": Stack(["deno", "run", "-A", "--no-lock", str(HERE / "node.mjs")]),
    "workerd": Stack(["node", str(HERE / "workerd.mjs")], frozenset({"lines", "backslash"})),
}


def config_of(node: StubNode, site: str) -> dict[str, Any]:
    """Return what stands in `federation-site.json`."""
    return {
        "version": 1,
        "node": node.url,
        "member": MEMBER,
        "node_keys": [NODE_KEY.public_jwk()],
        "hub_keys": [HUB_KEY.public_jwk()],
        "client": {"id": CLIENT, "secret": SECRET},
        "origins": ["https://pub.example", "https://www.pub.example"],
        "directory": "state",
        **SITES[site],
    }


@dataclass
class Server:
    """A stack that runs one site, in a folder of its own."""

    stack: Stack
    folder: Path
    node: StubNode
    site: str
    file: Path | None = None
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    printed: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it with the configuration in `file`, or with that of the site at its node."""
        file = self.file or self._configured()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [*self.stack.command, str(file), str(self.port)]
        env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
        env["TMPDIR"] = str(self.folder)  # what it leaves there goes with the folder
        # It prints into a file: a pipe of ours would stay open as long as anything that it started.
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has ended
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=subprocess.STDOUT,
        )

    def _configured(self) -> Path:
        file = self.folder / "federation-site.json"
        file.write_text(json.dumps(config_of(self.node, self.site)), "utf-8")
        file.chmod(0o600)
        return file

    def wait(self) -> None:
        """Return when it serves, and holds its policy where there is one."""
        begun = time.monotonic()
        while not self._is_ready():
            assert self.process is not None
            assert self.process.poll() is None, f"{self.stack.command} ended"
            assert time.monotonic() < begun + SECONDS_MAX, f"{self.stack.command} is not ready"
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        shown = [("authorization", f"License {bearer()}"), ("user-agent", PROBE)]
        try:
            answer = self.ask("HEAD", "/news/a", [("host", "pub.example"), *shown])
        except OSError:
            return False
        if not self.node.has_policy:
            return True
        is_told = answer.headers.get("x-rsl-status") is None
        return (
            answer.status == 200 and is_told and ("terms" in self.stack.lacks or self._has_terms())
        )

    def _has_terms(self) -> bool:
        answer = self.ask("GET", "/license.xml", [("host", "pub.example")])
        return answer.headers.get("content-type") == "application/rsl+xml"

    def ask(self, method: str, target: str, headers: list[tuple[str, str]]) -> Answer:
        """Send one request."""
        return exchange(self.port, method, target, headers)

    def stop(self, by: int = signal.SIGTERM) -> None:
        """End it, say what it printed, and leave nothing of what it started."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            if by != signal.SIGKILL:
                process.send_signal(by)
                process.wait(STOP_SECONDS_MAX)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS_MAX)
            self._say_what_it_printed()

    def _say_what_it_printed(self) -> None:
        printed, self.printed = self.printed, None
        assert printed is not None
        with printed:
            printed.seek(0)
            sys.stderr.write(printed.read().decode(errors="replace"))

    def lines(self) -> list[dict[str, Any]]:
        """Return the usage that the node has or the spool holds, each line once."""
        spooled = (self.folder / "state" / "spool").glob("*-*")
        held = [path.read_bytes() for path in sorted(spooled) if path.stem not in self.node.batches]
        lines = [json.loads(line) for body in held for line in body.splitlines()]
        return [*self.node.lines(), *lines]


@contextmanager
def servers(stack: Stack, sites: Iterable[str] = SITES) -> Iterator[dict[str, Server]]:
    """Run a stack once for each site, all at the same time; whatever happens, all of it ends."""
    with ExitStack() as exits:
        found: dict[str, Server] = {}
        for site in sites:
            node = exits.enter_context(a_node(has_policy=site != "without a policy"))
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
            found[site] = Server(stack, folder, node, site)
            exits.callback(found[site].stop)
            found[site].start()
        for server in found.values():
            server.wait()
        yield found


def read_table() -> list[dict[str, Any]]:
    """Return the cases."""
    cases: list[dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))["cases"]
    return cases


def ask(server: Server, case: dict[str, Any]) -> list[Answer]:
    """Send the request of a case as often as it says, the same bytes each time."""
    request = case["request"]
    headers = filled(request["headers"])
    if "sign" in request:
        headers = signed(request["sign"], request["method"], request["target"], headers)
    times = case.get("times", 1)
    return [server.ask(request["method"], request["target"], headers) for _ in range(times)]


def compared(answer: Answer) -> dict[str, Any]:
    """Return of an answer what the table speaks of."""
    headers = {name: answer.headers[name] for name in COMPARED if name in answer.headers}
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS and headers["retry-after"] in {"1", "2"}:
        headers["retry-after"] = "soon"
    return {"status": answer.status, "headers": headers, "body": answer.body.decode()}


def usage(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Return lines as they are compared: without what differs from time to time, sorted."""
    passing = {"event_id", "occurred_at"}
    shown = ({name: of for name, of in line.items() if name not in passing} for line in lines)
    return sorted(json.dumps(one, sort_keys=True) for one in shown)


def visits(reports: Iterable[dict[str, Any]]) -> Counter[tuple[str, str, bool]]:
    """Return how many visits were told, by crawler, outcome and `let_through`: a node's sums."""
    totals: dict[tuple[Any, ...], int] = {}
    for report in reports:
        for row in report["counts"]:
            kind = row["agent"], row["outcome"], row.get("let_through", False)
            key = report["series"], row["day"], kind
            totals[key] = max(row["count"], totals.get(key, 0))
    found: Counter[tuple[str, str, bool]] = Counter()
    for (_, _, kind), count in totals.items():
        if kind[0] != PROBE:
            found[as_compared(*kind)] += count
    return found


def as_compared(agent: str, outcome: str, let_through: bool) -> tuple[str, str, bool]:
    """Return a visit as it is compared: how many guesses are looked at depends on their haste."""
    return agent, "INVALID_TOKEN" if outcome == "TOO_MANY_GUESSES" else outcome, let_through


def told(server: Server, wanted: Counter[tuple[str, str, bool]]) -> list[str]:
    """Return in what the visits differ that a stack tells its node once it is started again."""
    server.wait()
    begun = time.monotonic()
    while visits(server.node.visits) != wanted and time.monotonic() < begun + SECONDS_MAX / 3:
        time.sleep(0.02)
    found = visits(server.node.visits)
    return [
        f"{server.site}: {kind}: told {found[kind]} of {wanted[kind]}"
        for kind in sorted(found.keys() | wanted.keys())
        if found[kind] != wanted[kind]
    ]


def run(name: str) -> list[str]:
    """Return in what a stack differs from the table, nothing where it does not."""
    stack, wrong = (STACKS | RUNTIMES)[name], list[str]()
    with servers(stack) as running:
        wanted: dict[str, list[dict[str, Any]]] = {site: [] for site in running}
        seen = {site: Counter[tuple[str, str, bool]]() for site in running}
        for case in read_table():
            if stack.lacks.isdisjoint(case.get("needs", [])):
                *_, answer = ask(running[case["site"]], case)
                found = compared(answer)
                if (found == case["expect"]) == (case["name"] in stack.own | stack.unasked):
                    wrong.append(f"{case['name']}:\n  wanted {case['expect']}\n  found  {found}")
                wanted[case["site"]] += case.get("usage", [])
                if case["name"] not in stack.unasked:
                    seen[case["site"]].update(as_compared(*each) for each in case.get("visits", ()))
        for site, server in running.items():
            server.stop()
            if usage(server.lines()) != usage(wanted[site]):
                wrong.append(f"{site}: other usage: {len(server.lines())} {len(wanted[site])}")
                wrong += sorted(set(usage(server.lines())) ^ set(usage(wanted[site])))
            server.start()
        for site, server in running.items():
            wrong += told(server, seen[site])
    return wrong


def judge(name: str) -> int:
    """Say in what a stack differs, how many times, and what it printed only where it does."""
    said, differences = io.StringIO(), ["it did not come to an end"]
    try:
        with redirect_stderr(said):
            differences = run(name)
    finally:
        if differences:
            sys.stderr.write(said.getvalue())
    sys.stdout.write("\n".join([*differences, f"{name}: {len(differences)} differences\n"]))
    return 1 if differences else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends as well
    for name in sys.argv[1:]:
        if judge(name):
            sys.exit(1)
