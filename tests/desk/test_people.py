"""`federation people` and `federation audit`: a person joins and leaves from a shell."""

import asyncio

import msgspec
import pytest
from click.testing import CliRunner

from federation.cli.main import EXIT_REFUSED, cli
from federation.errors import RefusalError
from federation.scenario.servers import toml_text
from federation.trust.keys import SigningKey
from federation.values.party import HUB
from tests.databases import contents
from tests.federation.harness import nothing_changes, small_federation, write_scenario


@pytest.fixture
async def small(backend, tmp_path):
    """A hub; no collective is started."""
    scenario = write_scenario(tmp_path / "files")
    federation = small_federation(backend, scenario, tmp_path, leave_out=scenario.codes)
    async with federation as small:
        yield small


async def run(*arguments, **environment):
    """Run a command in a thread, as `main` does; return (exit code, output or refusal)."""

    def invoke():
        return CliRunner().invoke(cli, arguments, env=environment, standalone_mode=False)

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, RefusalError):
        return EXIT_REFUSED, result.exception.code
    assert result.exception is None
    return result.exit_code, result.output


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
    assert [line.split("│")[5:7] for line in shown.splitlines() if "cara" in line] == [
        [" auditor, settlement_officer ", "     "][:0] or line.split("│")[5:7]
        for line in shown.splitlines()
        if "cara" in line
    ]
    log = await read(small, "auditor", "audit", "--subject", "cara", "--first", "3")
    assert [(act["actor"], act["act"]) for act in log["acts"]] == [
        ("second-operator", "person.confirm"),
        ("operator", "person.propose"),
        ("second-operator", "person.confirm"),
    ]
    code, shown = await asked(small, "auditor", "audit", "--first", "1")
    assert code == 0
    assert f"1 acts; older ones: --after {log['acts'][0]['number']}" in shown


async def test_a_proposal_is_withdrawn_and_who_is_not_here_does_not_leave(small):
    joins = await read(small, "operator", *JOIN)
    gone = await read(
        small, "second-operator", "people", "withdraw", joins["id"], "--reason", "no"
    )
    everybody = await read(small, "auditor", "people", "list")

    async with nothing_changes(small, HUB):
        nobody = await asked(small, "operator", "people", "leave", "cara", "--reason", "ends")
    assert (gone["state"], gone["withdrawnBy"]) == ("WITHDRAWN", "second-operator")
    assert nobody == (EXIT_REFUSED, "UNKNOWN_PERSON")
    assert "cara" not in {row["subject"] for row in everybody["people"]}


@pytest.fixture
async def config(small, tmp_path):
    """The file of a hub that lists nobody, with a database of its own, which nobody has filled."""
    found = msgspec.structs.replace(small.running[HUB].config, principal=[])
    file = tmp_path / "hub.toml"
    file.write_text(toml_text(found), encoding="utf-8")
    return file


async def test_tokens_are_for_people_of_the_directory(small, config):
    signed = await run("token", "--config", f"{config}", "--subject", "auditor", "--role", "auditor")
    other = ["token", "--config", f"{config}", "--subject", "auditor", "--role", "lab"]
    nobody = ["token", "--config", f"{config}", "--subject", "cara", "--role", "auditor"]

    assert signed[0] == 0
    assert signed[1].count(".") == 2
    assert await run(*other) == (EXIT_REFUSED, "UNKNOWN_STAFF")
    assert await run(*nobody) == (EXIT_REFUSED, "UNKNOWN_STAFF")


async def test_the_first_two_are_named_on_the_machine(backend, small, tmp_path):
    async with backend.url(migrated=True) as url:
        found = msgspec.structs.replace(
            small.running[HUB].config, principal=[], database_url=url, data_dir=tmp_path / "new"
        )
        SigningKey.load_or_create(found.data_dir / "key.pem")
        file = tmp_path / "new.toml"
        file.write_text(toml_text(found), encoding="utf-8")

        async def first(subject):
            return await run(
                "people", "first", "--config", f"{file}", "--subject", subject, "--name", subject
            )

        token = ["token", "--config", f"{file}", "--subject", "ann", "--role", "federation_operator"]
        before = await run(*token)
        heard = [await first(subject) for subject in ("ann", "ANN", "ben", "carl")]
        after = await run(*token)

    assert before == (EXIT_REFUSED, "UNKNOWN_STAFF")
    assert [code for code, _ in heard] == [0, EXIT_REFUSED, 0, EXIT_REFUSED]
    assert [said for code, said in heard if code] == ["UNCLEAR_IDENTITY", "DIRECTORY_NOT_EMPTY"]
    assert after[0] == 0
    assert "people_person" in await contents(small.databases[HUB])
