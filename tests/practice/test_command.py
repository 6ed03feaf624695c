"""What `federation practice` says before anything runs."""

from click.testing import CliRunner

from federation.cli.main import cli
from federation.practice.command import DOORS

SERVER = ["--url", "http://127.0.0.1:9", "--token", "t"]


def test_send_names_every_door_where_something_is_handed_in():
    said = CliRunner().invoke(cli, ["practice", "send", "--help"], terminal_width=200)

    assert said.exit_code == 0
    assert [door for door in DOORS if door not in said.output] == []


def test_what_is_no_door_is_refused_with_those_there_are(tmp_path):
    file = tmp_path / "works.csv"
    file.write_text("")
    said = CliRunner().invoke(cli, ["practice", "send", "/registry/work", str(file), *SERVER])

    assert said.exit_code == 2
    assert [door for door in DOORS if door not in said.output] == []
