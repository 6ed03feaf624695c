"""The commands of docs/people.md are carried out in their order, from an empty directory on."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from federation.clock import system_clock
from federation.hub.app import create_hub
from federation.scenario.servers import hub_config, toml_text
from tests.desk.commands import run
from tests.federation.harness import write_scenario

TEXT = (Path(__file__).parents[2] / "docs" / "people.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("federation ")
]


@pytest.fixture
async def hub(backend, tmp_path):
    """A hub whose configuration lists nobody: its address, and its file."""
    async with backend.url(migrated=True) as url:
        scenario = write_scenario(tmp_path / "files")
        config = msgspec.structs.replace(
            hub_config(scenario, tmp_path), principal=[], database_url=url
        )
        file = tmp_path / "hub.toml"
        file.write_text(toml_text(config), encoding="utf-8")
        service = create_hub(config, system_clock)
        await service.start()
        yield service.url, f"{file}"
        await service.stop()


async def test_every_command_does_what_the_page_says(hub):
    url, file = hub
    printed = {}

    async def token(subject):
        named = ["--subject", subject, "--role", "federation_operator"]
        return (await run("token", "--config", file, *named))[1].strip()

    async def carried_out(words):
        asked = [{"hub.toml": file, **printed}.get(word, word) for word in words]
        if "--config" in words:
            return await run(*asked)
        who = "omar" if "confirm" in words else "olga"
        where = {"FEDERATION_URL": url, "FEDERATION_TOKEN": await token(who)}
        code, said = await run(*asked, "--json", **where)
        found = msgspec.json.decode(said) if code == 0 else said
        if {"propose", "leave"} & {*words}:  # the next number on the page
            printed[f"{17 + len(printed)}"] = found["id"]
        return code, found

    heard = [(words, await carried_out(words)) for words in COMMANDS]

    assert [words for words, (code, _) in heard if code] == []
    assert len(heard) == 14
    confirmed = [found for words, (_, found) in heard if "confirm" in words]
    assert [(row["state"], row["roles"]) for row in confirmed] == [
        ("IN_FORCE", ["settlement_officer"]),
        ("IN_FORCE", ["auditor", "settlement_officer"]),
        ("IN_FORCE", []),
    ]
    assert len(heard[-1][1][1]["rows"]) == 3


def test_the_page_shows_every_subcommand():
    shown = {words[1] for words in COMMANDS if words[0] == "people"} | {
        found[1] for found in re.finditer(r"`federation people (\w+)", TEXT)
    }

    assert shown == {"first", "list", "propose", "confirm", "leave", "withdraw"}
