"""`federation people` and `federation audit`: a person joins and leaves from a shell."""

import re

import msgspec
import pytest

from federation.cli.exits import EXIT_REFUSED
from federation.clock import system_clock
from federation.config import StaffMember
from federation.hub.app import create_hub
from federation.scenario.servers import toml_text
from federation.values.party import HUB
from federation.values.roles import Role
from tests.desk.commands import run
from tests.federation.harness import nothing_changes, small_federation, write_scenario


@pytest.fixture
async def small(backend, tmp_path):
    """A hub; no collective is started."""
    scenario = write_scenario(tmp_path / "files")
    federation = small_federation(backend, scenario, tmp_path, leave_out=scenario.codes)
    async with federation as small:
        yield small


async def asked(small, who, *arguments):
    return await run(
        *arguments,
        FEDERATION_URL=small.running[HUB].url,
        FEDERATION_TOKEN=small.at(HUB, who)._token(),
        COLUMNS="250",
    )


async def read(small, who, *arguments):
    code, printed = await asked(small, who, *arguments, "--json")
    assert code == 0, printed
    return msgspec.json.decode(printed)


JOIN = ["people", "propose", "cara", "--name", "Cara", "--role", "auditor", "--reason", "begins"]


async def test_a_person_joins_and_leaves_from_a_shell(small):
    joins = await read(small, "operator", *JOIN, "--role", "settlement_officer")
    alone = await asked(small, "operator", "people", "confirm", joins["id"])
    joined = await read(small, "second-operator", "people", "confirm", joins["id"])
    leaves = await read(small, "operator", "people", "leave", "cara", "--reason", "ends")
    left = await read(small, "second-operator", "people", "confirm", leaves["id"])

    assert (joins["state"], joins["roles"]) == ("PROPOSED", ["auditor", "settlement_officer"])
    assert alone == (EXIT_REFUSED, "SAME_PERSON")
    assert (joined["state"], joined["confirmedBy"]) == ("IN_FORCE", "second-operator")
    assert (left["state"], left["roles"], left["name"]) == ("IN_FORCE", [], "Cara")
    code, shown = await asked(small, "auditor", "people", "list", "--subject", "cara")
    assert code == 0
    assert ["none: has left" in line for line in shown.splitlines() if "cara" in line] == [
        False,
        True,
    ]
    log = await read(small, "auditor", "audit", "--subject", "cara", "--first", "3")
    assert [(act["actor"], act["act"]) for act in log["rows"]] == [
        ("second-operator", "person.confirm"),
        ("operator", "person.propose"),
        ("second-operator", "person.confirm"),
    ]
    code, shown = await asked(small, "auditor", "audit", "--first", "1")
    assert code == 0
    after = re.search(r"Acts: 1; more: --after (\S+)$", shown, re.MULTILINE)[1]
    older = await read(small, "auditor", "audit", "--first", "1", "--after", after)
    assert [row["number"] for row in older["rows"]] == [log["rows"][1]["number"]]
    assert re.search(r" \d{4}-\d\d-\d\d \d\d:\d\dZ ", shown)
    assert "+00:00" not in shown


async def test_the_list_is_one_table_on_a_narrow_terminal(small):
    token = small.running[HUB].token("auditor", "auditor")
    where = {"FEDERATION_URL": small.running[HUB].url, "FEDERATION_TOKEN": token}

    code, shown = await run("people", "list", **where, COLUMNS="80")

    title, rule, heads, *_ = shown.splitlines()
    assert (code, title) == (0, "People; all of one: --subject SUBJECT")
    assert re.findall(r"\w+", heads) == ["id", "subject", "name", "roles", "state"]
    assert len(rule) <= 80
    assert re.search(r"buyer@lab-one .* lab for lab-one .* IN_FORCE ", shown)


async def test_a_proposal_is_withdrawn_and_who_is_not_here_does_not_leave(small):
    joins = await read(small, "operator", *JOIN)
    gone = await read(small, "second-operator", "people", "withdraw", joins["id"], "--reason", "no")
    everybody = await read(small, "auditor", "people", "list")

    async with nothing_changes(small, HUB):
        nobody = await asked(small, "operator", "people", "leave", "cara", "--reason", "ends")
    assert (gone["state"], gone["withdrawnBy"]) == ("WITHDRAWN", "second-operator")
    assert nobody == (EXIT_REFUSED, "UNKNOWN_PERSON")
    assert "cara" not in {row["subject"] for row in everybody["rows"]}


async def test_tokens_are_for_people_of_the_directory(small, tmp_path):
    listed = [StaffMember("dan", [Role.AUDITOR])]  # since the directory was filled
    file = tmp_path / "hub.toml"
    config = msgspec.structs.replace(small.running[HUB].config, principal=listed)
    file.write_text(toml_text(config), encoding="utf-8")

    async def token(subject, role):
        named = ["--subject", subject, "--role", role]
        return await run("token", "--config", f"{file}", *named)

    code, signed = await token("auditor", "auditor")
    assert (code, signed.count(".")) == (0, 2)
    for subject, role in (("auditor", "lab"), ("cara", "auditor"), ("dan", "auditor")):
        assert await token(subject, role) == (EXIT_REFUSED, "UNKNOWN_STAFF")


async def test_the_first_two_are_named_on_the_machine_and_change_the_directory(
    backend, small, tmp_path
):
    async with backend.url(migrated=True) as url:
        config = msgspec.structs.replace(
            small.running[HUB].config,
            principal=[],
            database_url=url,
            data_dir=tmp_path / "new",
            port=0,
        )
        file = tmp_path / "new.toml"
        file.write_text(toml_text(config), encoding="utf-8")

        async def first(subject):
            named = ["--subject", subject, "--name", subject]
            return await run("people", "first", "--config", f"{file}", *named)

        service = create_hub(config, system_clock)
        await service.start()
        try:
            heard = [await first(subject) for subject in ("ann", "ANN", "ben", "carl")]

            async def as_(subject, *arguments):
                named = ["--subject", subject, "--role", "federation_operator"]
                _, token = await run("token", "--config", f"{file}", *named)
                where = {"FEDERATION_URL": service.url, "FEDERATION_TOKEN": token.strip()}
                return msgspec.json.decode((await run(*arguments, "--json", **where))[1])

            joins = await as_("ann", *JOIN)
            joined = await as_("ben", "people", "confirm", joins["id"])
        finally:
            await service.stop()

    assert [code for code, _ in heard] == [0, EXIT_REFUSED, 0, EXIT_REFUSED]
    assert [said for code, said in heard if code] == ["UNCLEAR_IDENTITY", "DIRECTORY_NOT_EMPTY"]
    assert (joined["state"], joined["proposedBy"], joined["confirmedBy"]) == (
        "IN_FORCE",
        "ann",
        "ben",
    )
