"""Start the servers of a federation on loopback: in this process, or as processes of their own."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec

from federation.clock import Clock, SettableClock
from federation.config import HubConfig, NodeConfig
from federation.edge.staff import StaffTokens, staff_tokens
from federation.errors import RefusalError
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service, stop_all
from federation.scenario.client import Person, until
from federation.scenario.model import Scenario, ScenarioError
from federation.store.migrations import upgrade_database
from federation.values.party import HUB
from federation.values.roles import Role

HUB_ENTITY = "https://hub.federation.example"
START_SECONDS = 60.0

# Who works at the servers of a scenario: one person per job, two wherever two are needed.
STAFF: dict[str, list[Role]] = {
    "operator": [Role.FEDERATION_OPERATOR],
    "second-operator": [Role.FEDERATION_OPERATOR],
    "licensing": [Role.LICENSING_OFFICER],
    "settlement": [Role.SETTLEMENT_OFFICER],
    "approver": [Role.SETTLEMENT_APPROVER],
    "auditor": [Role.AUDITOR],
    "registry": [Role.REGISTRY_OFFICER],
    "node-operator": [Role.NODE_OPERATOR],
    "sites": [Role.SITE],
}


@dataclass(slots=True)
class Running:
    """One running server: where it is, its configuration, and its people."""

    config: HubConfig | NodeConfig
    url: str
    http: aiohttp.ClientSession
    clock: Clock
    tokens: StaffTokens | None = None
    _tokens: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)

    async def open(self) -> Self:
        """Read the key that tokens of its people are signed with, once the server has made it."""
        self.tokens = await staff_tokens(self.config, self.clock)
        return self

    def token(self, subject: str, role: str) -> str:
        """Return a token of one of the people who work here."""
        assert self.tokens is not None, "the server was not opened"  # noqa: S101
        return self.tokens.token(subject, role)

    def person(self, subject: str, role: str | None = None) -> Person:
        """Return one of the people who work here, in their (only) role."""
        found = role or STAFF[subject][0]

        def token() -> str:
            now, known = self.clock(), self._tokens.get((subject, found))
            if known is None or known[0] != now:
                known = (now, self.token(subject, found))
                self._tokens[subject, found] = known
            return known[1]

        return Person(self.http, self.url, token)

    def lab(self, licensee: str) -> Person:
        """Return a lab's buyer at this server."""
        return self.person(f"buyer@{licensee}", Role.LAB)


@dataclass(slots=True)
class Federation:
    """A hub and its nodes, and the business clock they share."""

    hub: Running
    nodes: dict[str, Running]
    set_clock: Callable[[datetime], None]

    @property
    def servers(self) -> list[Running]:
        """Return the hub, then the nodes."""
        return [self.hub, *self.nodes.values()]


def _principals(scenario: Scenario) -> list[dict[str, Any]]:
    staff = [{"subject": name, "roles": roles} for name, roles in STAFF.items()]
    labs = [
        {"subject": f"buyer@{item.id}", "roles": [Role.LAB], "party": item.id}
        for item in scenario.manifest.licensee
    ]
    return [*staff, *labs]


def hub_config(scenario: Scenario, folder: Path) -> HubConfig:
    """Return the hub's configuration."""
    part = scenario.manifest.hub
    fields = {
        "entity_id": HUB_ENTITY,
        "data_dir": str(folder / HUB),
        "principal": _principals(scenario),
        "name": part.name,
        "clearing_currency": part.clearing_currency,
        "fee_bps": part.fee_bps,
        "fee_band_bps": list(part.fee_band_bps),
        "terms": msgspec.to_builtins(scenario.manifest.terms),
        "calendar": {"objection_days": 0},  # a month is advised and approved at one instant
        "account": part.account,
        "account_scheme": part.account_scheme,
        "bic": part.bic,
        "peer_networks": ["127.0.0.0/8"],  # its nodes run on this machine
        "log_level": "warning",
    }
    if part.national_fee_bps is not None:
        fields["national_fee_bps"] = part.national_fee_bps
    found: HubConfig = _config(fields, HubConfig, "scenario.toml: hub")
    return found


def node_config(
    scenario: Scenario, particulars: dict[str, Any], folder: Path, hub: dict[str, str]
) -> NodeConfig:
    """Return a node's configuration: its particulars, and the hub it is told to trust."""
    code = str(particulars.get("code"))
    fields = {
        **particulars,
        "entity_id": f"https://{code.lower()}.federation.example",
        "data_dir": str(folder / f"node-{code}"),
        "principal": _principals(scenario),
        "hub": hub,
        "log_level": "warning",
    }
    found: NodeConfig = _config(fields, NodeConfig, f"scenario.toml: collective {code}")
    return found


def _path(shape: type[Any], value: Any) -> Any:
    """Read a path, which TOML and JSON write as text."""
    return shape(value)


def _config(fields: dict[str, Any], shape: type[Any], place: str) -> Any:
    try:
        return msgspec.convert(fields, shape, dec_hook=_path)
    except (msgspec.ValidationError, RefusalError, ValueError) as error:
        raise ScenarioError(f"{place}: {error}") from error


@contextlib.asynccontextmanager
async def in_process(
    scenario: Scenario, folder: Path, start: datetime
) -> AsyncIterator[Federation]:
    """Run every server in this process, each with its own port, database and configuration."""
    clock, services = SettableClock(start), list[Service]()
    async with http_session() as http:
        try:
            hub = create_hub(await prepared(hub_config(scenario, folder), folder), clock)
            services.append(hub)
            await hub.start()
            pin = await pin_of(http, hub.url)
            nodes: dict[str, Running] = {}
            for particulars in scenario.manifest.collective:
                config = await prepared(node_config(scenario, particulars, folder, pin), folder)
                node = create_node(config, clock)
                services.append(node)
                nodes[config.code] = Running(config, node.url, http, clock)
            await asyncio.gather(*(node.start() for node in services[1:]))

            def set_clock(instant: datetime) -> None:
                clock.instant = instant

            found = Federation(Running(hub.config, hub.url, http, clock), nodes, set_clock)
            yield await _opened(found)
        finally:
            await stop_all(services)


async def prepared(config: Any, folder: Path) -> Any:
    """Give a server its database: migrated once, copied for each."""
    template = folder / "template.sqlite"
    if not template.exists():
        await upgrade_database(f"sqlite+aiosqlite:///{template}")
    config.data_dir.mkdir(parents=True, exist_ok=True)
    target = config.data_dir / "federation.sqlite"
    if not target.exists():
        shutil.copyfile(template, target)
    return config


async def pin_of(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """Return what a node is told of the hub: its name, address and key thumbprint."""
    async with http.get(f"{url}/.well-known/federation") as response:
        found = await response.json()
    return {"entity_id": found["entity_id"], "url": url, "key_thumbprint": found["thumbprint"]}


@contextlib.asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open what the people of a scenario speak HTTP with."""
    timeout = aiohttp.ClientTimeout(total=300)
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=8)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield session


@contextlib.asynccontextmanager
async def as_processes(
    scenario: Scenario, folder: Path, start: datetime
) -> AsyncIterator[Federation]:
    """Run every server as a process of its own; a file holds the business time they share."""
    clock, clock_file = SettableClock(start), folder / "clock"
    clock_file.write_text(start.isoformat(), encoding="utf-8")
    processes: list[asyncio.subprocess.Process] = []

    async def launch(role: str, config: HubConfig | NodeConfig) -> str:
        await prepared(config, folder)
        file = config.data_dir / "config.toml"
        ready = config.data_dir / "ready"
        file.write_text(toml_text(config), encoding="utf-8")
        arguments = [role, "serve", "--config", str(file), "--ready-file", str(ready)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "federation.cli",
            *arguments,
            "--clock-file",
            str(clock_file),
        )
        processes.append(process)
        return await _ready(process, ready)

    def set_clock(instant: datetime) -> None:
        clock.instant = instant
        fresh = folder / "clock.new"
        fresh.write_text(instant.isoformat(), encoding="utf-8")
        fresh.replace(clock_file)

    async with http_session() as http:
        try:
            config = hub_config(scenario, folder)
            hub_url = await launch("hub", config)
            pin = await pin_of(http, hub_url)
            configs = [
                node_config(scenario, particulars, folder, pin)
                for particulars in scenario.manifest.collective
            ]
            urls = [await launch("node", item) for item in configs]
            nodes = {
                item.code: Running(item, url, http, clock)
                for item, url in zip(configs, urls, strict=True)
            }
            yield await _opened(Federation(Running(config, hub_url, http, clock), nodes, set_clock))
        finally:
            for process in processes:
                if process.returncode is None:
                    process.terminate()
            await asyncio.gather(*(process.wait() for process in processes))


async def _opened(federation: Federation) -> Federation:
    """Read the keys that the people of each server need."""
    for server in federation.servers:
        await server.open()
    return federation


async def _ready(process: asyncio.subprocess.Process, file: Path) -> str:
    """Wait for a server's word where it listens, or say that it ended."""

    async def look() -> str:
        if process.returncode is not None:
            raise ScenarioError(f"a server ended with {process.returncode}")
        return _text(file)

    return str(await until(look, what="a server to start", seconds=START_SECONDS))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def toml_text(config: HubConfig | NodeConfig) -> str:
    """Write a configuration as TOML; JSON literals of our fields are TOML values as well."""
    lines = []
    tables = []
    for name, value in msgspec.to_builtins(config, enc_hook=str).items():
        if value is None or (name == "national_fee_bps" and value < 0):
            continue
        if isinstance(value, dict):
            tables.append((name, value))
        elif name != "principal":
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    for name, value in tables:
        lines += _table(name, value)
    for person in msgspec.to_builtins(config, enc_hook=str)["principal"]:
        lines.append("[[principal]]")
        lines += [f"{key} = {json.dumps(item)}" for key, item in person.items() if item is not None]
    return "\n".join(lines) + "\n"


def _table(name: str, value: dict[str, Any]) -> list[str]:
    lines = [f"[{name}]"]
    inner = []
    for key, item in value.items():
        if isinstance(item, dict):
            inner.append((f"{name}.{json.dumps(key)}", item))
        elif item is not None:
            lines.append(f"{json.dumps(key)} = {json.dumps(item)}")
    return lines + [line for path, item in inner for line in _table(path, item)]
