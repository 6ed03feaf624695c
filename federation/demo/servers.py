"""The demo's hub and nodes: real services on loopback, one of which is stopped and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import aiohttp
import msgspec

from federation.clock import SettableClock
from federation.config import NodeConfig, StaffMember
from federation.demo.plan import Script
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service
from federation.scenario.servers import (
    Federation,
    Running,
    http_session,
    hub_config,
    node_config,
    pin_of,
    prepared,
)
from federation.values.party import HUB
from federation.values.roles import Role

SECOND_NODE_OPERATOR = "second-node-operator"


def site_of(member: str) -> str:
    """Return the subject under which a member's site asks its node."""
    return f"site@{member}"


def member_of(member: str) -> str:
    """Return the subject under which a member asks its node."""
    return f"member@{member}"


class Servers:
    """Hub and nodes by code; each has its own port, database, key and configuration."""

    def __init__(self, http: aiohttp.ClientSession, clock: SettableClock) -> None:
        self.http, self.clock = http, clock
        self._services: dict[str, Service] = {}
        self._stopped: dict[str, Service] = {}
        self._running: dict[str, Running] = {}

    @property
    def federation(self) -> Federation:
        """Return them as the people of a scenario know them."""
        nodes = {code: item for code, item in self._running.items() if code != HUB}
        return Federation(self._running[HUB], nodes, self._set_clock)

    async def open(self, script: Script, folder: Path) -> None:
        """Start the hub, then every node with the hub's key pinned."""
        hub = await prepared(hub_config(script.scenario, folder), folder)
        await self._start(HUB, create_hub(hub, self.clock))
        pin = await pin_of(self.http, self._running[HUB].url)
        for code, particulars in script.particulars.items():
            config = node_config(script.scenario, particulars, folder, pin)
            config = _with_members(config, list(script.members[code]))
            await self._start(code, create_node(await prepared(config, folder), self.clock))

    async def stop(self, code: str) -> None:
        """Stop a server for real: its socket closes, its database too."""
        self._stopped[code] = self._services.pop(code)
        await self._stopped[code].stop()

    async def start_again(self, code: str) -> None:
        """Start a stopped node again: the same port, the same data."""
        stopped = self._stopped.pop(code)
        config = msgspec.structs.replace(stopped.config, port=stopped.port)
        assert isinstance(config, NodeConfig)  # noqa: S101 - the hub is never stopped
        await self._start(code, create_node(config, self.clock))

    async def close(self) -> None:
        """Stop all that run."""
        await asyncio.gather(*(service.stop() for service in self._services.values()))

    async def _start(self, code: str, service: Service) -> None:
        self._services[code] = service
        await service.start()
        running = Running(service.config, service.url, self.http, self.clock)
        self._running[code] = await running.open()

    def _set_clock(self, instant: datetime) -> None:
        self.clock.instant = instant


def _with_members(config: NodeConfig, members: list[str]) -> NodeConfig:
    """Let every member, and its site, ask the node on the member's own behalf.

    A second operator is there too: it takes two to let in a person.
    """
    people = [StaffMember(SECOND_NODE_OPERATOR, [Role.NODE_OPERATOR])]
    people += [StaffMember(site_of(member), [Role.SITE], member) for member in members]
    people += [StaffMember(member_of(member), [Role.MEMBER], member) for member in members]
    return msgspec.structs.replace(config, principal=[*config.principal, *people])


@contextlib.asynccontextmanager
async def launched(script: Script, folder: Path) -> AsyncIterator[Servers]:
    """Run the servers of the demo until the end of the block."""
    async with http_session() as http:
        servers = Servers(http, SettableClock(script.plan.join_at))
        try:
            await servers.open(script, folder)
            yield servers
        finally:
            await servers.close()
