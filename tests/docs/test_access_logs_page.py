"""The commands of docs/access-logs.md are carried out in their order, over a publisher's logs."""

import gzip
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from federation.accesslogs.command import main
from federation.accesslogs.hits import Fate
from federation.accesslogs.known import only_import
from tests.accesslogs.publisher import GPTBOT, NOW, combined, shown, write_site

TEXT = (Path(__file__).parents[2] / "docs" / "access-logs.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]
[AGENTS] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A publisher's folder: three logs in a row, two of which hold an equal line."""
    monkeypatch.chdir(tmp_path)
    write_site(Path("federation-site.json"))
    Path("agents.json").write_text(AGENTS)
    Path("access.log.2.gz").write_bytes(gzip.compress(shown("/1") + b"\n"))
    Path("access.log.1").write_bytes(combined("/p1") + b"\n" + shown("/2") + b"\n")
    lines = [combined("/p2"), shown("/2"), combined("/3", agent=GPTBOT), b"torn"]
    Path("access.log").write_bytes(b"\n".join(lines))
    return tmp_path


def carried_out(command, capsys):
    """Carry a command out as a shell would; return its exit code and what it said."""
    if "|" in command:
        words = command.replace("zcat", "gzip -dc").replace(
            "federation-site logs",
            f"{shlex.quote(sys.executable)} -m federation.publisher.command logs",
        )
        done = subprocess.run(words, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        return done.returncode, done.stdout
    program, logs, *words = shlex.split(command)
    assert (program, logs) == ("federation-site", "logs")
    return main(words, clock=lambda: NOW), capsys.readouterr().out


def test_every_command_does_what_the_page_says(folder, capsys):
    said = []
    for command in COMMANDS:
        code, out = carried_out(command, capsys)
        assert code == 0, command
        said.append([line for line in out.splitlines() if line.startswith("all:")])
        if "--dry-run" in command:
            assert not (folder / "state").exists()

    assert said == [
        ["all: 3 new lines, 1 counted as usage"],
        ["all: 6 new lines, 3 counted as usage"],
        ["all: 0 new lines, 0 counted as usage"],
        ["all: 1 new lines, 1 counted as usage"],  # a log once more, through a pipe
    ]
    spooled = [
        json.loads(line)
        for path in sorted((folder / "state" / "spool").glob("*.batch"))
        for line in path.read_bytes().splitlines()
    ]
    assert [(line["url"][-2:], line["evidence"]) for line in spooled] == [
        ("/1", "TOKEN_LOGGED"),
        ("/2", "TOKEN_LOGGED"),
        ("/2", "TOKEN_LOGGED"),
        ("/1", "TOKEN_LOGGED"),
    ]
    assert len({line["event_id"] for line in spooled}) == 2


def test_a_mapping_given_from_the_start_counts_agents(folder, capsys):
    plain = [combined("/p2"), combined("/3", agent=GPTBOT), b"torn"]
    (folder / "access.log").write_bytes(b"\n".join(plain))

    assert main(["--agents", "agents.json", "access.log"], clock=lambda: NOW) == 0

    assert "1 AGENT_LOGGED: counted" in capsys.readouterr().out


def test_the_page_names_every_fate():
    assert {fate for fate in Fate if f"`{fate}`" in TEXT} == set(Fate)


@pytest.mark.parametrize(
    ("spoil", "words", "code"),
    [
        (lambda: Path("access.log").unlink(), [], "LOG_UNREADABLE"),
        (lambda: Path("access.log").write_bytes(gzip.compress(b"x\n")[:-6]), [], "LOG_UNREADABLE"),
        (lambda: Path("federation-site.json").write_text("{"), [], "SITE_SETTINGS"),
        (
            lambda: write_site(Path("federation-site.json"), origins=["pub.example"]),
            [],
            "SITE_SETTINGS",
        ),
        (
            lambda: Path("agents.json").write_text("{}"),
            ["--agents", "agents.json"],
            "BAD_AGENTS_FILE",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(folder, capsys, spoil, words, code):
    spoil()

    assert main([*words, "access.log"], clock=lambda: NOW) == 2

    assert capsys.readouterr().err.startswith(f"federation-site: {code}: ")
    assert list((folder / "state").rglob("*.json")) == []


def test_one_import_at_a_time(folder, capsys):
    with only_import(folder / "state" / "logs"):
        assert main(["access.log"], clock=lambda: NOW) == 2

    assert capsys.readouterr().err.startswith("federation-site: IMPORT_RUNS: ")


@pytest.mark.parametrize("name", ["policy.jwt", "visits.json", "served.place"])
def test_a_log_beside_a_gate_is_refused_unless_it_is_of_another_machine(folder, capsys, name):
    (folder / "state").mkdir()
    (folder / "state" / name).touch()

    assert main(["access.log"], clock=lambda: NOW) == 2

    told = capsys.readouterr().err
    assert told.startswith("federation-site: GATE_COUNTS: ")
    assert (told.count("\n"), name in told, "--other-host" in told) == (1, True, True)
    assert [path.name for path in (folder / "state").iterdir()] == [name]
    assert main(["--other-host", "access.log"], clock=lambda: NOW) == 0
    assert len(list((folder / "state" / "spool").glob("*.batch"))) == 1
    assert "`GATE_COUNTS`" in TEXT.partition("\n## ")[0]


def test_what_another_user_works_with_is_not_written_to(folder, capsys, monkeypatch):
    """Root would leave files that the site's own user can neither hand in nor delete."""
    (folder / "state").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: (folder / "state").stat().st_uid + 1)

    assert main(["access.log"], clock=lambda: NOW) == 2

    assert capsys.readouterr().err.startswith("federation-site: OTHER_OWNER: ")
    assert list((folder / "state").iterdir()) == []
