"""The practice federation: a hub and its nodes in one process, a month of usage reported.

It writes everything a reader needs into one folder and then listens on a loopback port of its own
for what only the world can do: let days pass, let a node fail and come back.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, ClassVar, Literal, TextIO

import aiohttp
import msgspec

from federation.clock import SettableClock
from federation.config import Calendar, HubConfig, NodeConfig
from federation.configuration.reading import load_hub_config, load_node_config
from federation.edge.data_folder import FolderInUseError
from federation.errors import RefusalError
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.practice import people
from federation.practice.ending import run_until_ended
from federation.practice.sign_in import give_passwords
from federation.process import Service, stop_all
from federation.scenario.client import until
from federation.scenario.documents import DELIVERIES
from federation.scenario.model import Scenario
from federation.scenario.reading import read_scenario
from federation.scenario.servers import (
    Federation,
    Running,
    http_session,
    hub_config,
    node_config,
    pin_of,
    prepared,
    toml_text,
)
from federation.scenario.story import Story, day_before_everything
from federation.values.party import HUB
from federation.workers.listening import AddressUnusableError

FILES = Path(__file__).parent / "files"
FIRST_DAY = date(2026, 9, 30)
OPENS_AT = time(9, tzinfo=UTC)
PORT_FILE, TODAY_FILE, CONSOLE_FILE = "port", "today", "console"
WORK = "{ workList { kind why } }"
# At the end of a `why` these say that a node is at work; otherwise it waits, or fails.
UNDER_WAY = ("sends on what belongs to others", "makes its usage report")
Config = HubConfig | NodeConfig


class FolderNotEmptyError(RefusalError):
    """Practice starts in a new folder; `federation practice resume` goes on in an old one."""

    code: ClassVar[str] = "FOLDER_NOT_EMPTY"


class NotResumableError(RefusalError):
    """Here is no practice federation that was ready once, or its ports are taken."""

    code: ClassVar[str] = "NOT_RESUMABLE"


class BadDayError(RefusalError):
    """Days only pass forward."""

    code: ClassVar[str] = "BAD_DAY"


class NodeStateError(RefusalError):
    """There is no such node, or it is already so."""

    code: ClassVar[str] = "NODE_STATE"


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What the world is to do: `day`, `down`, `up`, `console` or `wait`; which day or node."""

    act: Literal["day", "down", "up", "console", "wait"]
    of: str = ""


class Answer(msgspec.Struct):
    """What came of it; `code` is empty unless it was refused."""

    text: str
    code: str = ""


class Practice:
    """The servers, the folder they write to, and the day it is."""

    def __init__(self, folder: Path, http: aiohttp.ClientSession, scenario: Scenario) -> None:
        self._folder, self._http, self._scenario = folder, http, scenario
        self._clock = SettableClock(day_before_everything(scenario))
        self._services: dict[str, Service] = {}
        self._running: dict[str, Running] = {}
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Start every server, sell and use what the scenario says, and write the folder."""
        data = self._folder / "data"
        data.mkdir()
        config = msgspec.structs.replace(hub_config(self._scenario, data), calendar=Calendar())
        await self._start(await prepared(_staffed(config, HUB), data), create_hub)
        pin = await pin_of(self._http, self._running[HUB].url)
        for particulars in self._scenario.manifest.collective:
            node = node_config(self._scenario, particulars, data, pin)
            await self._start(await prepared(_staffed(node, node.code), data), create_node)
        await self._live()
        shutil.copytree(FILES / "bank", self._folder / "bank")
        for name in ("late-usage.ndjson", "old-mill.csv", "scenario/rates.csv"):
            shutil.copy(FILES / name, self._folder)
        for code, server in self._running.items():
            _write(self._folder / f"{code.lower()}.toml", toml_text(server.config))
        self._write_people()

    async def resume(self) -> None:
        """Start every server of the folder where it stood, on the day it was."""
        today = self._folder / TODAY_FILE
        if not today.is_file():
            raise NotResumableError(str(self._folder))
        self._set_clock(datetime.fromisoformat(today.read_text(encoding="ascii")))
        hub = self._folder / f"{HUB.lower()}.toml"
        nodes = sorted(set(self._folder.glob("*.toml")) - {hub})
        try:
            await self._start(load_hub_config(hub, {}), create_hub)
            for file in nodes:
                await self._start(load_node_config(file, {}), create_node)
        except (AddressUnusableError, FolderInUseError, OSError) as error:
            raise NotResumableError(f"{self._folder}: {error}") from error
        self._write_people()
        await self.settled()

    async def _live(self) -> None:
        nodes = {code: server for code, server in self._running.items() if code != HUB}
        federation = Federation(self._running[HUB], nodes, self._set_clock)
        story = Story(self._scenario, federation)
        await story.join()
        await story.register()
        await story.sell()
        self._set_clock(datetime.combine(FIRST_DAY, OPENS_AT))
        await story.report_usage(self._scenario.manifest.periods[0])
        await self.settled()

    async def close(self) -> None:
        """Stop all that run."""
        await stop_all(list(self._services.values()))

    async def do(self, request: Request) -> str:
        """Do what the world does; return what to say about it."""
        acts: dict[str, Callable[[str], Awaitable[str]]] = {
            "day": self._pass_days,
            "down": self._fail,
            "up": self._come_back,
            "console": self._open_console,
        }
        async with self._turn:
            text = "" if request.act == "wait" else await acts[request.act](request.of)
            await self.settled()
            return text

    async def settled(self) -> None:
        """Wait until no message is on its way and no node is at work, twice in a row."""
        quiet = 0

        async def silent() -> bool:
            nonlocal quiet
            quiet = 0 if await self._is_busy() else quiet + 1
            return quiet == 2  # noqa: PLR2004 - an answer may cause a message elsewhere

        await until(silent, what="the servers to settle down")

    async def _is_busy(self) -> bool:
        down = {
            server.config.entity_id
            for code, server in self._running.items()
            if code not in self._services
        }
        for code in self._services:
            auditor = self._running[code].person("auditor")
            if any(row["target"] not in down for row in await auditor.ask(DELIVERIES)):
                return True
            if code != HUB and any(
                row["why"].endswith(UNDER_WAY) for row in await auditor.ask(WORK)
            ):
                return True
        return False

    async def _pass_days(self, day: str) -> str:
        now = self._clock().date()
        try:
            wanted = date.fromisoformat(day)
        except ValueError as error:
            raise BadDayError(f"{day!r} is no day, written YYYY-MM-DD") from error
        if wanted < now:
            raise BadDayError(f"it is {now} already")
        self._set_clock(datetime.combine(wanted, OPENS_AT))
        self._write_people()
        return f"It is {wanted:%A}, {wanted}, 09:00 UTC."

    async def _fail(self, code: str) -> str:
        service = self._services.get(code)
        if service is None or code == HUB:
            raise NodeStateError(self._of_nodes(code))
        del self._services[code]
        await service.stop()
        return f"{code} does not answer any more."

    async def _come_back(self, code: str) -> str:
        if code in self._services or code not in self._running:
            raise NodeStateError(self._of_nodes(code))
        await self._start(self._running[code].config, create_node)
        for service in self._services.values():
            service.parts.relay.hurry()
        return f"{code} answers again."

    async def _open_console(self, of: str) -> str:
        """Let everybody sign in in a browser; a second time all passwords are as they were."""
        del of
        done = self._folder / CONSOLE_FILE
        if not done.exists():
            await give_passwords(self._running)
            done.touch()
        return ""

    def _of_nodes(self, code: str) -> str:
        nodes = sorted(self._running.keys() - {HUB})
        return f"{code}; the nodes are {', '.join(nodes)}"

    async def _start(self, config: Any, create: Callable[[Any, SettableClock], Service]) -> None:
        service = create(config, self._clock)
        code = service.server.code
        self._services[code] = service
        await service.start()
        stays = msgspec.structs.replace(config, port=service.port)
        self._running[code] = await Running(stays, service.url, self._http, self._clock).open()

    def _set_clock(self, instant: datetime) -> None:
        self._clock.instant = instant

    def _write_people(self) -> None:
        people.write(self._folder, self._running)
        _write(self._folder / TODAY_FILE, self._clock().isoformat())


def _staffed(config: Any, code: str) -> Any:
    members = people.staff_of(code)
    return msgspec.structs.replace(config, principal=[*config.principal, *members])


def _empty(folder: Path) -> Path:
    """Make a folder, or take one that is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FolderNotEmptyError(str(folder))
    return folder.absolute()


@contextlib.asynccontextmanager
async def practising(folder: Path, *, is_new: bool = True) -> AsyncIterator[Practice]:
    """Run the practice federation until the end of the block, in a new folder or in an old one."""
    home, scenario = (
        (_empty if is_new else Path.absolute)(folder),
        read_scenario(FILES / "scenario"),
    )
    async with http_session() as http:
        practice = Practice(home, http, scenario)
        try:
            await (practice.open() if is_new else practice.resume())
            async with _listening(practice, home / PORT_FILE):
                yield practice
        finally:
            await practice.close()


async def run(
    folder: Path, say_ready: Callable[[], None], entered: TextIO | None, *, is_new: bool = True
) -> None:
    """Run until SIGINT or SIGTERM, or until the program that holds our input open ends."""
    await run_until_ended(practising(folder, is_new=is_new), lambda _: say_ready(), entered)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


@contextlib.asynccontextmanager
async def _listening(practice: Practice, port_file: Path) -> AsyncIterator[None]:
    """Answer requests, one JSON line each, on a loopback port that a file names."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                request = msgspec.json.decode(await reader.readline(), type=Request)
                said = Answer(await practice.do(request))
            except RefusalError as refusal:
                said = Answer(refusal.message, refusal.code)
            except (ValueError, msgspec.MsgspecError) as error:
                said = Answer(str(error), "BAD_REQUEST")
            writer.write(msgspec.json.encode(said) + b"\n")
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        _write(port_file, str(server.sockets[0].getsockname()[1]))
        yield
