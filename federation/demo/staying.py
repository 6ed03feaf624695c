"""On a terminal the servers stay: where they are, and a ready header for each role, in a file."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from federation.demo.joining import server_addresses
from federation.demo.servers import member_of, site_of
from federation.demo.stage import Stage, when
from federation.scenario.servers import Running
from federation.values.party import HUB

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
    try:
        _show(stage, folder)
        await stop.wait()
    finally:
        shutil.rmtree(folder)
    stage.tell.console.print("Stopping.")


def _show(stage: Stage, folder: Path) -> None:
    console, clock = stage.tell.console, stage.servers.clock
    stage.tell.chapter(f"The servers stay up; business time stands at {when(clock())}")
    for code, url in server_addresses(stage).items():
        console.print(Text(f"  {code:<4} {url}/graphql"))
    stage.tell.chapter("Who may ask them: a header for each role, in a file for curl")
    for code, role, token in _headers(stage):
        file = _written(folder / f"{code}-{role}", token)
        name = f"{code:<4} {role:<21} {token[:SHOWN]}…{token[-SHOWN:]}"
        console.print(Text(f"  {name}  {file}"), soft_wrap=True)
    stage.tell.chapter("For example, as the hub's auditor:")
    asked = TRY.format(url=stage.federation.hub.url, file=folder / f"{HUB}-auditor")
    console.print(Text(f"  {asked}"), soft_wrap=True)
    stage.tell.chapter("Ctrl-C stops everything.")


def _written(file: Path, token: str) -> Path:
    """Write the header into a file that nobody else may read."""
    with open(file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as written:
        written.write(f"Authorization: Bearer {token}\n")
    return file


def _headers(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield (server, role, token) for one person of each role."""
    code = stage.script.plan.mint
    hub, node = stage.federation.hub, stage.federation.nodes[code]
    member = next(iter(stage.script.members[code]))
    licence = stage.script.licences[stage.script.plan.quoted]
    people = [
        *((HUB, hub, subject) for subject in (*HUB_STAFF, f"buyer@{licence.licensee}")),
        *((code, node, subject) for subject in (*NODE_STAFF, member_of(member), site_of(member))),
    ]
    for where, server, subject in people:
        role = _role(server, subject)
        yield where, role, server.token(subject, role)


def _role(server: Running, subject: str) -> str:
    return next(x.roles[0] for x in server.config.principal if x.subject == subject)
