"""The commands of docs/sign-in.md are carried out in their order, by people as the page says."""

import asyncio
import re
import shlex
from pathlib import Path

import aiohttp
import msgspec
import pyotp
import pytest
from click.testing import CliRunner

from federation.cli.main import cli
from federation.clock import system_clock
from federation.config import SignIn, StaffMember
from federation.edge.staff import staff_tokens
from federation.hub.app import create_hub
from federation.scenario.servers import hub_config
from federation.values.roles import Role
from tests.federation.harness import write_scenario
from tests.oauth.conftest import Place
from tests.signin.conftest import PASSWORD, Browser

TEXT = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line.removeprefix("export FEDERATION_TOKEN=$(").removesuffix(")"), comments=True)[
        1:
    ]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if "federation " in line
]
PEOPLE = [
    StaffMember("olga", [Role.FEDERATION_OPERATOR]),
    StaffMember("omar", [Role.FEDERATION_OPERATOR]),
    StaffMember("cara", [Role.AUDITOR, Role.SETTLEMENT_OFFICER]),
]
HERS = {"sign-in", "account", "audit"}  # what Cara does herself


@pytest.fixture
async def hub(backend, tmp_path):
    """A hub with two operators and Cara, on the clock of the telephone."""
    async with backend.url(migrated=True) as url:
        scenario = write_scenario(tmp_path / "files")
        config = msgspec.structs.replace(
            hub_config(scenario, tmp_path),
            principal=PEOPLE,
            database_url=url,
            sign_in=SignIn(),
            host="127.0.0.1",
        )
        service = create_hub(config, system_clock)
        await service.start()
        yield service
        await service.stop()


async def run(words, typed, **environment):
    def invoke():
        return CliRunner().invoke(cli, words, env=environment, input=typed, standalone_mode=False)

    found = await asyncio.to_thread(invoke)
    assert found.exception is None, (words, found.exception)
    return found.stdout, found.stderr


async def invite_used(http, service, halves):
    browser = Browser(Place(service, http, system_clock, service.server.db))
    seen = await browser.open("/sign-in/invitation", {**halves, "password": PASSWORD})
    assert seen.location == "/session"


async def test_every_command_does_what_the_page_says(hub):
    tokens = await staff_tokens(hub.config, system_clock)
    held = {who: tokens.token(who, "federation_operator") for who in ("olga", "omar")}
    printed, halves, heard = {}, [], {}
    async with aiohttp.ClientSession() as http:
        for words in COMMANDS:
            name = " ".join(words[:2])
            who = "omar" if "confirm-invitation" in words else "olga"
            who = "cara" if words[0] in HERS else who
            where = {"FEDERATION_URL": hub.url, "FEDERATION_TOKEN": held.get(who, "")}
            asked = [printed.get(word, word) for word in words]
            as_json = [] if words[0] == "sign-in" else ["--json"]
            out, _ = await run([*asked, *as_json], f"{PASSWORD}\n", **where)
            heard.setdefault(name, []).append(out)
            if words[0] == "sign-in":
                held["cara"] = out.strip()
            elif name == "account codes":
                printed["123456"] = pyotp.TOTP(msgspec.json.decode(out)["secret"]).now()
            elif name in {"people invite", "people confirm-invitation"} and len(halves) < 2:
                halves.append(msgspec.json.decode(out)["half"])
                if len(halves) == 2:
                    await invite_used(
                        http, hub, dict(zip(("first", "second"), halves, strict=True))
                    )

    assert list(heard) == [
        "people invite",
        "people confirm-invitation",
        "people link",
        "sign-in --subject",
        "audit",
        "account show",
        "account codes",
        "account confirm-codes",
        "account no-codes",
        "people account",
        "people close-account",
        "people unlink",
    ]
    shown = msgspec.json.decode(heard["account show"][0])
    assert (shown["subject"], shown["hasPassword"], shown["hasTotp"]) == ("cara", True, False)
    assert [each["identity"] for each in shown["identities"]] == ["8f14e45f"]
    assert msgspec.json.decode(heard["account confirm-codes"][0])["hasTotp"] is True
    assert msgspec.json.decode(heard["account no-codes"][0])["hasTotp"] is False
    left = msgspec.json.decode(heard["people unlink"][0])
    assert (left["hasPassword"], left["identities"], left["sessions"]) == (False, [], [])


def test_the_page_shows_every_subcommand():
    shown = {words[1] for words in COMMANDS if words[0] == "people"} | {
        found[1] for found in re.finditer(r"`federation people ([\w-]+)", TEXT)
    }
    own = {words[1] for words in COMMANDS if words[0] == "account"} | {
        found[1] for found in re.finditer(r"`federation account ([\w-]+)", TEXT)
    }

    assert shown - {"leave"} == {
        "invite",
        "link",
        "confirm-invitation",
        "withdraw-invitation",
        "invitations",
        "account",
        "unlink",
        "close-account",
        "end-session",
    }
    assert own == {"show", "end", "codes", "confirm-codes", "no-codes"}
