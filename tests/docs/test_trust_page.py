"""The commands of docs/trust.md are carried out in their order, by a hub and a node that runs."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from federation.clock import system_clock
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.scenario.servers import hub_config, node_config, toml_text
from federation.trust.own_keys import vouched
from federation.trust.store import applications, find_party
from federation.values.party import HUB
from tests.desk.commands import run
from tests.federation.harness import soon, write_scenario

TEXT = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line.strip(), comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.strip().startswith("federation ")
]
RENUMBER = (
    "deliveries renumber https://hub.example roster --expected 2 --reason a thief used number 1"
)
SUBCOMMANDS = {
    "invite",
    "apply",
    "applications",
    "recommend",
    "approve",
    "list",
    "suspend",
    "lift",
    "confirm",
    "withdraw",
    "suspensions",
}


@pytest.fixture
async def running(backend, tmp_path):
    """A hub and a node that has not applied: their services by code, and their files."""
    scenario, services, files = write_scenario(tmp_path / "files"), {}, {}

    async def start(code, make, config, url):
        config = msgspec.structs.replace(config, database_url=url)
        files[code] = tmp_path / f"{code}.toml"
        services[code] = make(config, system_clock)
        files[code].write_text(toml_text(config), encoding="utf-8")
        await services[code].start()

    async with backend.url(migrated=True) as one, backend.url(migrated=True) as other:
        await start(HUB, create_hub, hub_config(scenario, tmp_path), one)
        pin = {
            "entity_id": services[HUB].config.entity_id,
            "url": services[HUB].url,
            "key_thumbprint": services[HUB].server.key.kid,
        }
        [gb] = [item for item in scenario.manifest.collective if item["code"] == "GB"]
        await start("GB", create_node, node_config(scenario, gb, tmp_path, pin), other)
        try:
            yield services, files
        finally:
            for service in services.values():
                await service.stop()


LOGGED = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[.*\n", re.MULTILINE)


async def said_by(*arguments, **environment):
    """Run a command; leave out what the servers of this process logged meanwhile."""
    code, said = await run(*arguments, **environment)
    return code, LOGGED.sub("", said)


class Reader:
    """Somebody who does what the page says, and puts in what it leaves open."""

    def __init__(self, services, files):
        self.services, self.files = services, files
        self.words = {"hub.toml": f"{files[HUB]}", "gb.toml": f"{files['GB']}"}
        self.words["KID"] = self.words["OLD"] = services["GB"].server.key.kid

    async def token(self, code, subject, role):
        named = ["--subject", subject, "--role", role]
        return (await said_by("token", "--config", f"{self.files[code]}", *named))[1].strip()

    async def follow(self, words):
        """Carry a command out; return its exit code and what it printed, or its refusal."""
        await self.is_due(words)
        asked = [self.words.get(word, word) for word in words]
        if "--config" in words:
            code, said = await said_by(*asked)
            if words[:2] == ["keys", "next"] and code == 0:
                self.words["KID"] = said.split()[0]
            return code, said
        at = "GB" if "apply" in words or words[0] == "deliveries" else HUB
        second = {"approve", "confirm"} & {*words}
        who = "node-operator" if at == "GB" else "second-operator" if second else "operator"
        role = "node_operator" if at == "GB" else "federation_operator"
        where = {
            "FEDERATION_URL": self.services[at].url,
            "FEDERATION_TOKEN": await self.token(at, who, role),
        }
        code, said = await said_by(*asked, "--json", **where)
        found = msgspec.json.decode(said) if code == 0 else said
        if "invite" in words:
            self.words["CODE"] = found["code"]
        return code, found

    async def is_due(self, words):
        """Wait for what the other server does by itself."""
        if words[1] == "applications":
            await soon(self.has_applied, what="the application")
        if "activate" in words and "--now" in words:
            await soon(self.is_listed, what="the key at the hub")

    async def has_applied(self):
        async with self.services[HUB].server.db.read() as session:
            return await applications(session, limit=1)

    async def is_listed(self):
        async with self.services["GB"].server.db.read() as session:
            return self.words["KID"] in vouched(await find_party(session, HUB))


async def test_every_command_does_what_the_page_says(running):
    reader = Reader(*running)
    heard = [(words, await reader.follow(words)) for words in COMMANDS]
    refused = {" ".join(words): said for words, (code, said) in heard if code}

    # What takes days is refused until then; the emergency further down makes no second next key.
    # Nobody has used a number of this node.
    assert refused == {
        "keys activate KID --config gb.toml": "KEY_TOO_YOUNG",
        "keys retire OLD --config gb.toml": "KEY_STATE",
        "keys next --purpose FEDERATION --config gb.toml": "KEY_STATE",
        RENUMBER: "NO_CONFLICT",
    }


def test_the_page_shows_every_subcommand():
    shown = {words[1] for words in COMMANDS if words[0] == "nodes"} | {
        found[1] for found in re.finditer(r"`federation nodes (\w+)", TEXT)
    }

    assert shown == SUBCOMMANDS
