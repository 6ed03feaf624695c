"""docs/conformance.md: its rules are those of the kit, its commands are carried out in order."""

import asyncio
import json
import re
import shlex
import textwrap
import tomllib
from pathlib import Path

import msgspec
from click.testing import CliRunner

from federation.cli.main import cli
from federation.clock import system_clock
from federation.config import NodeConfig
from federation.conformance.judging import RULES, chosen
from federation.conformance.papers import SETTINGS, Bearers
from federation.nodes.app import create_node
from federation.scenario.servers import toml_text
from tests.federation.harness import reserved_port

TEXT = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
BLOCKS = {
    kind: [textwrap.dedent(block) for block in re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)]
    for kind in ("sh", "toml")
}
COMMANDS = [shlex.split(line)[1:] for block in BLOCKS["sh"] for line in block.strip().splitlines()]


def test_the_page_has_every_rule_as_it_is():
    shown = re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \|$", TEXT, re.MULTILINE)

    assert shown == [(rule.name, rule.sentence, rule.source) for rule in RULES]


def test_the_page_has_every_group_in_order():
    groups = list(dict.fromkeys(rule.name.partition(".")[0] for rule in RULES))

    assert re.findall(r"^### (.*)$", TEXT, re.MULTILINE) == groups


def write(name, mode, text):
    with Path(name).open(mode, encoding="utf-8") as file:
        file.write(text)


async def invoke(*arguments):
    result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert result.exception is None, result.output
    return result.stdout


async def test_every_command_does_what_the_page_says(sqlite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with reserved_port() as one, reserved_port() as other:
        ports = {"8801": one.getsockname()[1], "8790": other.getsockname()[1]}

        def placed(text):
            return re.sub("8801|8790", lambda found: str(ports[found[0]]), text)

        prepare, *tokens, judge, some = [[placed(word) for word in line] for line in COMMANDS]
        assert prepare[0] == judge[0] == some[0] == "conformance"
        thumbprint = (await invoke(*prepare)).split()[-1]
        [toml] = BLOCKS["toml"]
        fields = tomllib.loads(placed(toml).replace("…", thumbprint))
        async with sqlite.url(migrated=True) as url:
            config = msgspec.convert(
                fields | {"database_url": url, "log_level": "warning"},
                NodeConfig,
                dec_hook=lambda shape, value: shape(value),
            )
            write("gb.toml", "w", toml_text(config))
            node = create_node(config, system_clock)
            await node.start()
            try:
                bearers = {line[-1]: (await invoke(*line)).strip() for line in tokens}
                assert bearers.keys() == set(Bearers.__struct_fields__)
                lines = [f'{role} = "{token}"\n' for role, token in bearers.items()]
                write(f"trial/{SETTINGS}", "a", "".join(lines))
                text = await invoke(*judge)
                printed = json.loads(await invoke(*some))
            finally:
                await node.stop()

    assert text.splitlines()[-1] == f"{len(RULES)} PASSED, 0 FAILED, 0 NOT TRIED"
    assert [line.split()[0] for line in text.splitlines()[:-1]] == ["PASSED"] * len(RULES)
    names = [rule.name for rule in chosen(["paging.", "optouts.rights"])]
    assert [one["rule"] for one in printed["rules"]] == names
    assert printed["counts"] == {"PASSED": len(names), "FAILED": 0, "NOT TRIED": 0}
