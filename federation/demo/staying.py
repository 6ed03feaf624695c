"""On a terminal the servers stay: where to sign in and as whom, and for programs a header each."""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from federation.demo.joining import server_addresses
from federation.demo.servers import SECOND_NODE_OPERATOR, member_of, site_of
from federation.demo.stage import Stage, when
from federation.scenario.client import Person
from federation.scenario.letting_in import let_in
from federation.scenario.servers import Running
from federation.values.party import HUB

HUB_OPERATORS = ("operator", "second-operator")
NODE_OPERATORS = ("node-operator", SECOND_NODE_OPERATOR)
HUB_STAFF = ("operator", "licensing", "settlement", "approver", "auditor")
NODE_STAFF = ("node-operator", "registry")

FOLDER = "people"  # beside what is written; it goes with the servers, whose tokens they are
SHOWN = 8  # characters of a token at either end
TRY = """curl {url}/graphql -H @{file} -H 'content-type: application/json' \
-d '{{"query": "{{ applications {{ edges {{ node {{ code name state }} }} }} }}"}}'"""


async def stay(stage: Stage, out: Path) -> None:
    """Show the doors and wait for Ctrl-C."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    folder = out / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    password = secrets.token_urlsafe(12)  # nobody can guess it; it goes with the servers
    try:
        await _let_in(stage, password)
        _show(stage, folder, password)
        await stop.wait()
    finally:
        shutil.rmtree(folder)
    stage.tell.console.print("Stopping.")


async def _let_in(stage: Stage, password: str) -> None:
    """Let in those whom the console is for: staff, a lab's buyer, a member."""
    code, hub = stage.script.plan.mint, stage.federation.hub
    await let_in(hub, _two(hub, HUB_OPERATORS), [*HUB_STAFF[1:], _buyer(stage)], password)
    people = [*NODE_STAFF[1:], member_of(_member(stage))]
    node = stage.federation.nodes[code]
    await let_in(node, _two(node, NODE_OPERATORS), people, password)


def _two(server: Running, subjects: tuple[str, str]) -> tuple[Person, Person]:
    """Return two people who work at a server."""
    first, second = subjects
    return server.person(first, _role(server, first)), server.person(second, _role(server, second))


def _show(stage: Stage, folder: Path, password: str) -> None:
    console, clock = stage.tell.console, stage.servers.clock
    stage.tell.chapter(f"The servers stay up; business time stands at {when(clock())}")
    for code, url in server_addresses(stage).items():
        console.print(Text(f"  {code:<4} {url}/graphql"))
    _show_console(stage, password)
    stage.tell.chapter("Who may ask them: a header for each role, in a file for curl")
    for code, role, token in _headers(stage):
        file = _written(folder / f"{code}-{role}", token)
        name = f"{code:<4} {role:<21} {token[:SHOWN]}…{token[-SHOWN:]}"
        console.print(Text(f"  {name}  {file}"), soft_wrap=True)
    stage.tell.chapter("For example, as the hub's auditor:")
    asked = TRY.format(url=stage.federation.hub.url, file=folder / f"{HUB}-auditor")
    console.print(Text(f"  {asked}"), soft_wrap=True)
    stage.tell.chapter("Ctrl-C stops everything.")


def _show_console(stage: Stage, password: str) -> None:
    """Say where a browser looks at all this, and as whom."""
    stage.tell.chapter(f"In a browser, with the password {password}, sign in")
    code = stage.script.plan.mint
    buyer, member = _buyer(stage), member_of(_member(stage))
    places = (
        (HUB, stage.federation.hub.url, (*HUB_STAFF[1:], buyer)),
        (code, stage.federation.nodes[code].url, (*NODE_STAFF[1:], member)),
    )
    for where, url, people in places:
        text = f"  {where:<4} {url}/  as {', '.join(people)}"
        stage.tell.console.print(Text(text), soft_wrap=True)


def _written(file: Path, token: str) -> Path:
    """Write the header into a file that nobody else may read."""
    with open(file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as written:
        written.write(f"Authorization: Bearer {token}\n")
    return file


def _headers(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield (server, role, token) for one person of each role."""
    code, member = stage.script.plan.mint, _member(stage)
    hub, node = stage.federation.hub, stage.federation.nodes[code]
    people = [
        *((HUB, hub, subject) for subject in (*HUB_STAFF, _buyer(stage))),
        *((code, node, subject) for subject in (*NODE_STAFF, member_of(member), site_of(member))),
    ]
    for where, server, subject in people:
        role = _role(server, subject)
        yield where, role, server.token(subject, role)


def _buyer(stage: Stage) -> str:
    """Return who buys for the lab of the story."""
    return f"buyer@{stage.script.licences[stage.script.plan.quoted].licensee}"


def _member(stage: Stage) -> str:
    """Return a member of the node whose people are shown."""
    return next(iter(stage.script.members[stage.script.plan.mint]))


def _role(server: Running, subject: str) -> str:
    return next(x.roles[0] for x in server.config.principal if x.subject == subject)
