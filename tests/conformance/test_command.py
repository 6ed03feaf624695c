"""The command: text for people, JSON for programs, and the exit code."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from federation.cli.main import cli
from federation.conformance.hub import TrialHub
from federation.conformance.papers import KEY, SETTINGS, Papers, prepare
from federation.conformance.verdicts import BadTrialError
from tests.conformance.node import on_trial
from tests.federation.harness import reserved_port

NOBODY = "http://127.0.0.1:9"


async def run(*arguments):
    """Run the command in a thread; return its exit code and what it prints."""
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["conformance", *arguments])
    return result.exit_code, result.stdout or result.stderr  # servers log beside it


async def test_verdicts_are_printed_for_people_and_for_programs(sqlite, tmp_path):
    async with on_trial(sqlite, tmp_path) as node:
        asked = (node.url, "--trial", str(node.folder), "--only", "refusals.use")
        code, text = await run(*asked)
        again, printed = await run(*asked, "--json")

    sentence = "`rights` for a use that nobody has named is refused with UNKNOWN_USE, without data."
    lines = [f"PASSED     refusals.use: {sentence}", "1 PASSED, 0 FAILED, 0 NOT TRIED"]
    assert (code, text.splitlines()) == (0, lines)
    assert (again, json.loads(printed)) == (
        0,
        {
            "url": node.url,
            "counts": {"PASSED": 1, "FAILED": 0, "NOT TRIED": 0},
            "rules": [
                {
                    "rule": "refusals.use",
                    "verdict": "PASSED",
                    "sentence": sentence,
                    "source": "docs/tour.md, a refusal code",
                }
            ],
        },
    )


async def test_what_cannot_be_tried_is_no_failure_and_ends_with_2(sqlite, tmp_path):
    async with on_trial(sqlite, tmp_path) as node:
        settings = node.folder / SETTINGS
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("registry_officer =", "# registry_officer ="))
        code, printed = await run(node.url, "--trial", str(node.folder), "--only", "registry.takes")

    sentence = "A registry officer registers a member and its claim, each by one mutation."
    assert code == 2
    assert printed.splitlines() == [
        f"NOT TRIED  registry.takes: {sentence}",
        "           why: trial.toml has no bearer for registry_officer",
        "0 PASSED, 0 FAILED, 1 NOT TRIED",
    ]


async def test_where_nobody_answers_a_rule_fails_and_the_command_ends_with_1(tmp_path):
    folder = str(tmp_path / "trial")
    with reserved_port() as holder:
        port = str(holder.getsockname()[1])
        assert (await run("--trial", folder, "--prepare", port))[0] == 0
        code, printed = await run(NOBODY, "--trial", folder, "--only", "schema.fields", "--json")
    [rule] = json.loads(printed)["rules"]

    assert (code, rule["verdict"]) == (1, "FAILED")
    assert rule["reason"].startswith("no answer came: ClientConnectorError: ")
    assert rule["sent"].startswith("POST /graphql query IntrospectionQuery { __schema {")


async def test_a_folder_is_prepared_once_and_for_its_owner_alone(tmp_path):
    folder = tmp_path / "trial"
    code, printed = await run("--trial", str(folder), "--prepare")
    thumbprint = Papers(folder).key.kid

    assert (code, printed) == (0, f"Read {folder / SETTINGS}. The hub's key: {thumbprint}\n")
    assert f'key_thumbprint = "{thumbprint}"' in (folder / SETTINGS).read_text(encoding="utf-8")
    assert {(folder / name).stat().st_mode & 0o777 for name in (KEY, SETTINGS)} == {0o600}
    before = [(folder / name).read_bytes() for name in (KEY, SETTINGS)]
    result = await asyncio.to_thread(
        CliRunner().invoke,
        cli,
        ["conformance", "--trial", str(folder), "--prepare"],
        standalone_mode=False,
    )
    assert isinstance(result.exception, BadTrialError)
    assert [(folder / name).read_bytes() for name in (KEY, SETTINGS)] == before


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("port = ", "port = 0 # "), "`$.port`"),
        (("member = ", "members = "), "`members`"),
        (("[bearers]", "[bearers]\nlabs = 'x'"), "`labs` - at `$.bearers`"),
        (("entity_id = ", "entity_id "), "line 2"),
    ],
)
async def test_a_wrong_setting_is_named(tmp_path, change, place):
    folder = tmp_path / "trial"
    await run("--trial", str(folder), "--prepare")
    settings = folder / SETTINGS
    settings.write_text(settings.read_text(encoding="utf-8").replace(*change, 1), encoding="utf-8")

    with pytest.raises(BadTrialError) as caught:
        Papers(folder)
    assert str(settings) in caught.value.message
    assert place in caught.value.message


async def test_a_port_that_is_taken_is_named(tmp_path):
    folder = tmp_path / "trial"
    with reserved_port() as holder:
        holder.listen()
        prepare(folder, holder.getsockname()[1])
        with pytest.raises(BadTrialError, match="the trial's hub cannot listen: "):
            async with TrialHub(Papers(folder)):
                pass
