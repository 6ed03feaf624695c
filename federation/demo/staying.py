"""On a terminal the servers stay: where they are, and a ready header for each role."""

import asyncio
import signal
from collections.abc import Iterator

from rich.text import Text

from federation.demo.joining import server_addresses
from federation.demo.servers import member_of, site_of
from federation.demo.stage import Stage, when
from federation.scenario.servers import Running
from federation.values.party import HUB

HUB_STAFF = ("operator", "licensing", "settlement", "approver", "auditor")
NODE_STAFF = ("node-operator", "registry")

TRY = """curl {url}/graphql -H 'content-type: application/json' \
-d '{{"query": "{{ collectives {{ code name }} }}"}}'"""


async def stay(stage: Stage) -> None:
    """Show the doors and wait for Ctrl-C."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    _show(stage)
    await stop.wait()
    stage.tell.console.print("Stopping.")


def _show(stage: Stage) -> None:
    console, clock = stage.tell.console, stage.servers.clock
    stage.tell.chapter(f"The servers stay up; business time stands at {when(clock())}")
    for code, url in server_addresses(stage).items():
        console.print(Text(f"  {code:<4} {url}/graphql"))
    console.print(Text(f"  {TRY.format(url=stage.federation.hub.url)}"), soft_wrap=True)
    for code, role, header in _headers(stage):
        stage.tell.chapter(f"{role}, at {code}")
        console.print(Text(f"Authorization: Bearer {header}"), soft_wrap=True)
    stage.tell.chapter("Ctrl-C stops everything.")


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
