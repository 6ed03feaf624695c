"""A federation in which a publisher tries the gate: one node, one member, one lab with a licence.

It goes by today's clock, since a gate refuses a node of another day. Whoever starts it again in the
same folder goes on with it: the servers are at their addresses, the site that was installed with
its code is still theirs, and the lab's client and licence are the same.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import aiohttp
import msgspec

from federation.clock import Clock, system_clock, today
from federation.config import StaffMember
from federation.configuration.reading import load_hub_config, load_node_config
from federation.demo import documents as ask
from federation.edge.data_folder import FolderInUseError
from federation.errors import RefusalError
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.practice.servers import FILES, FolderNotEmptyError
from federation.process import Service, stop_all
from federation.scenario import documents
from federation.scenario.client import ApiError, until
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
from federation.scenario.story import Story
from federation.values.party import HUB
from federation.values.roles import Role
from federation.workers.listening import AddressUnusableError

FOLDER: Final = Path("practice-publisher")
PORT: Final = 8000
MEMBER, LAB = "M-17", "lab-one"
MEMBER_FILE: Final = "member-token"
_PUBLISHER: Final = "publisher"
_FILE: Final = "publisher.json"
_MODE: Final = 0o600
_DAYS: Final = 365
_PRICES: Final = {"GROUND": "2400", "TRAIN": "3200"}
_ISSUE_CODE: Final = """mutation($member: String!, $origins: [String!]!) {
  issueSiteCode(member: $member, origins: $origins) {
    __typename ... on SiteCode { id code } ... on Refused { code message } } }"""
_WITHDRAW_CODE: Final = """mutation($code: ID!) {
  withdrawSiteCode(code: $code) { __typename ... on Refused { code message } } }"""


class PracticeNotStartedError(RefusalError):
    """The practice federation of this folder cannot go on; without the folder a new one begins."""

    code: ClassVar[str] = "PRACTICE_NOT_STARTED"


class Lab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lab's client of the hub, and the number of its licence."""

    client: str
    secret: str
    licence: str


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a later start needs: `code` is the id of the code that was printed last."""

    port: int
    lab: Lab
    code: str = ""


class Practice(msgspec.Struct, frozen=True):
    """What a publisher is told: where the servers are, the code of its site, and a lab to play."""

    is_new: bool
    folder: Path
    hub: str
    node: str
    origin: str
    code: str
    lab: Lab

    @property
    def token_url(self) -> str:
        """Return where the lab buys its tokens for the member's pages, by RSL."""
        return f"{self.hub}/olp/GB/{MEMBER}/token"


class _Servers:
    """The hub and the node in this process."""

    def __init__(self, folder: Path, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._folder, self._http, self._clock = folder, http, clock
        self._services: list[Service] = []
        self.running: dict[str, Running] = {}

    @property
    def hub(self) -> Running:
        return self.running[HUB]

    @property
    def node(self) -> Running:
        return self.running["GB"]

    async def make(self, scenario: Scenario) -> None:
        """Start both for the first time, and write down where they are from now on."""
        hub = hub_config(scenario, self._folder)
        await self._start(create_hub(await prepared(hub, self._folder), self._clock))
        pin = await pin_of(self._http, self.hub.url)
        [particulars] = scenario.manifest.collective
        node = node_config(scenario, particulars, self._folder, pin)
        principals = [*node.principal, StaffMember(_PUBLISHER, [Role.MEMBER], MEMBER)]
        node = msgspec.structs.replace(node, principal=principals)
        await self._start(create_node(await prepared(node, self._folder), self._clock))
        for code, server in self.running.items():
            path = self._folder / f"{code.lower()}.toml"
            path.write_text(toml_text(server.config), encoding="utf-8")

    async def resume(self) -> None:
        """Start both where they were."""
        try:
            hub = load_hub_config(self._folder / "hub.toml", {})
            await self._start(create_hub(hub, self._clock))
            node = load_node_config(self._folder / "gb.toml", {})
            await self._start(create_node(node, self._clock))
        except (AddressUnusableError, FolderInUseError, OSError) as error:
            told = f"{self._folder}: {error}: does it run already?"
            raise PracticeNotStartedError(told) from error

    async def stop(self) -> None:
        await stop_all(self._services)

    async def _start(self, service: Service) -> None:
        self._services.append(service)
        await service.start()
        code = service.server.code
        stays = msgspec.structs.replace(service.server.config, port=service.port)
        self.running[code] = await Running(stays, service.url, self._http, self._clock).open()


@contextlib.asynccontextmanager
async def practising(
    folder: Path, port: int | None = None, *, clock: Clock = system_clock
) -> AsyncIterator[Practice]:
    """Run the federation of a folder to the end of the block, for a site on a port of loopback.

    The port is 8000 where none is named. A folder keeps the one that it was started with: its
    member's claim and its sites are for it.
    """
    kept = _kept(folder)
    if kept is not None and port not in (None, kept.port):
        told = f"{folder} is for port {kept.port}: leave --port out, or begin in another folder"
        raise PracticeNotStartedError(told)
    folder = _made(folder)
    async with http_session() as http:
        servers = _Servers(folder, http, clock)
        try:
            if kept is None:
                scenario = read_scenario(FILES / "publisher")
                await servers.make(scenario)
                lab = await _prepared_lab(servers, scenario, port or PORT, clock)
                kept, is_new = _Kept(port or PORT, lab), True
            else:
                await servers.resume()
                is_new = False
            origin = f"http://{_host(kept.port)}"
            code = await _new_code(servers.node, origin, kept.code)
            kept = msgspec.structs.replace(kept, code=code["id"])
            _write(folder / _FILE, msgspec.json.encode(kept))
            member = servers.node.token(_PUBLISHER, Role.MEMBER)
            _write(folder / MEMBER_FILE, member.encode())
            yield Practice(
                is_new, folder, servers.hub.url, servers.node.url, origin, code["code"], kept.lab
            )
        finally:
            await servers.stop()


def _host(port: int) -> str:
    """Return where the site is: on this machine, under a name, since no claim is on an address."""
    return f"press.localhost:{port}"


def _kept(folder: Path) -> _Kept | None:
    """Return what an earlier start left in a folder, None in one that is new or empty."""
    path = folder / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        if folder.exists() and any(folder.iterdir()):
            told = f"{folder}: a start that did not come to its end, or something else"
            raise FolderNotEmptyError(told) from None
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise PracticeNotStartedError(f"{path}: {error}") from error


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _write(file: Path, body: bytes) -> None:
    """Write what is for its owner alone, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as out:
        out.write(body)
    draft.replace(file)


async def _prepared_lab(servers: _Servers, scenario: Scenario, port: int, clock: Clock) -> Lab:
    """Let the node join, the member claim its site, and the lab buy what opens it."""
    story = Story(scenario, Federation(servers.hub, {"GB": servers.node}, lambda _: None))
    await story.join()
    await story.register()
    table = f"member_id,claim,content_tier\n{MEMBER},{_host(port)},standard\n".encode()
    await servers.node.person("registry").post("/registry/works", table, "text/csv")
    await story.settle_down()
    licence = await _sold(servers.hub, clock)
    await story.settle_down()
    made = await servers.hub.lab(LAB).ask(
        ask.ISSUE_CLIENT, kind="LAB", party=LAB, name="Practice crawler", key=LAB
    )
    await _offered(servers.node)
    return Lab(made["client"]["id"], made["secret"], licence)


async def _sold(hub: Running, clock: Clock) -> str:
    """Publish a tariff, let the lab accept a quote by it, and return its licence's number."""
    officer, lab = hub.person("licensing"), hub.lab(LAB)
    prices = [
        {"use": use, "contentTier": "standard", "per1000": price} for use, price in _PRICES.items()
    ]
    tariff = {"currency": "EUR", "prices": prices, "minimumFee": "50000", "validDays": 30}
    await officer.ask(ask.PUBLISH_TARIFF, input=tariff)
    await officer.ask(documents.LICENSEE, id=LAB, name="Lab One")
    day = today(clock)
    wanted: dict[str, Any] = {
        "expected": [
            {"node": "GB", "use": use, "contentTier": "standard", "units": "10000"}
            for use in _PRICES
        ],
        "startsOn": day.isoformat(),
        "endsOn": (day + timedelta(days=_DAYS - 1)).isoformat(),
        "usageBasis": "site",
    }
    quote = await lab.ask(ask.QUOTE, input=wanted)
    licence = await lab.ask(documents.ACCEPT, offer=quote["id"], key="practice")
    return str(licence["number"])


async def _offered(node: Running) -> None:
    """Wait until the member's terms say where its pages are sold."""

    async def is_offered() -> bool:
        terms = await node.person("auditor").get(f"/sites/{MEMBER}/license.xml")
        return b" server=" in terms

    await until(is_offered, what="the member's terms to offer its pages")


async def _new_code(node: Running, origin: str, last: str) -> dict[str, str]:
    """Make a code for the site; the one printed last installs nothing any more."""
    registry = node.person("registry")
    if last:
        with contextlib.suppress(ApiError):  # it was used, or is over
            await registry.ask(_WITHDRAW_CODE, code=last)
    made: dict[str, str] = await registry.ask(_ISSUE_CODE, member=MEMBER, origins=[origin])
    return made
