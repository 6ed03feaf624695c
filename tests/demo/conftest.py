"""The demo as a user runs it: with `--json`, plain, and on a terminal, all at the same time."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from federation.demo.plan import FOLDER

COMMAND = (sys.executable, "-m", "federation.cli")
LAST_WORDS = "Ctrl-C stops everything."
SECONDS_MAX = 300


@dataclass(frozen=True)
class Outcome:
    """How one run ended and what it said."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def report(self):
        return json.loads(self.stdout)

    @property
    def lines(self):
        """The lines for people, blanks within them as one, without what differs between runs."""
        text = (self.stderr or self.stdout).replace(str(self.out), "OUT")
        text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)
        return [" ".join(line.split()) for line in text.splitlines() if line.strip()]

    @property
    def files(self):
        found = (path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in found}


@dataclass(frozen=True)
class Runs:
    as_json: Outcome
    plain: Outcome
    scenario: Outcome
    terminal: Outcome
    answer: dict
    pages: dict


async def started(out, *arguments, **streams):
    return await asyncio.create_subprocess_exec(*COMMAND, *arguments, "--out", out, **streams)


async def piped(out, *arguments):
    pipe = asyncio.subprocess.PIPE
    streams = {"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe}
    process = await started(out, *arguments, **streams)
    stdout, stderr = await process.communicate()
    return Outcome(process.returncode, stdout.decode(), stderr.decode(), out)


async def on_a_terminal(out):
    """Run on a terminal, use what it offers, then press Ctrl-C."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "200", "TERM": "dumb"}
    process = await started(out, "demo", stdin=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    said = await asyncio.to_thread(read_until, ours, LAST_WORDS)
    answer = await asyncio.to_thread(ask_as_auditor, said)
    pages = await asyncio.to_thread(look_at_pages, said)
    process.send_signal(signal.SIGINT)
    said += await asyncio.to_thread(read_until, ours, None)
    os.close(ours)
    return Outcome(await process.wait(), said, "", out), answer, pages


def read_until(terminal, words):
    """Read until some words, or until the program has ended."""
    said = b""
    while words is None or words.encode() not in said:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody is at the other end any more
            some = b""
        if not some:
            break
        said += some
    return said.decode()


def ask_as_auditor(said):
    """Ask the hub with the header that the screen offers to an auditor in a file."""
    url = re.search(r"HUB +(\S+/graphql)", said).group(1)
    file = Path(re.search(r"HUB +auditor +\S+…\S+ +(\S+)", said).group(1))
    assert file.stat().st_mode & 0o077 == 0
    header = file.read_text().strip().removeprefix("Authorization: ")
    request = urllib.request.Request(  # noqa: S310 - a loopback address
        url,
        data=json.dumps({"query": "{ applications { edges { node { code } } } }"}).encode(),
        headers={"Authorization": header, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return json.load(response)


def look_at_pages(said):
    """Sign in as everybody whom the screen names; return (status, headline) of the first page."""
    password = re.search(r"with the password (\S+), sign in", said).group(1)
    found = {}
    for code, url, people in re.findall(r"(HUB|[A-Z]{2}) +(http\S+)/ +as ([^\r\n]+)", said):
        for subject in people.split(", "):
            found[code, subject] = first_page(url, subject, password)
    return found


def first_page(url, subject, password):
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    form = urllib.parse.urlencode({"subject": subject, "password": password, "next": "/"}).encode()
    asked = urllib.request.Request(f"{url}/sign-in", form, {"Origin": url})  # noqa: S310 - loopback
    with browser.open(asked, timeout=30) as response:
        return response.status, re.search("<h1[^>]*>([^<]+)", response.read().decode()).group(1)


async def all_runs(folder):
    async with asyncio.timeout(SECONDS_MAX):
        as_json, plain, scenario, (terminal, answer, pages) = await asyncio.gather(
            piped(folder / "json", "demo", "--json"),
            piped(folder / "plain", "demo"),
            piped(folder / "scenario", "scenario", "run", str(FOLDER), "--quiet"),
            on_a_terminal(folder / "terminal"),
        )
    return Runs(as_json, plain, scenario, terminal, answer, pages)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    return asyncio.run(all_runs(tmp_path_factory.mktemp("demo")))


@pytest.fixture
def report(runs):
    return runs.as_json.report


@pytest.fixture
def steps(report):
    """The steps by name; of several with one name a list."""
    found = {}
    for step in report["steps"]:
        found.setdefault(step["step"], []).append(step)
    return found
