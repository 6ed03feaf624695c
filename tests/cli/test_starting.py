"""What keeps a server from starting is one line that names it, and an exit code."""

import logging
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import structlog

from federation.cli.main import main
from federation.store.migrations import head_revision

HUB = """
entity_id = "https://hub.example"
name = "Hub"
data_dir = "data"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
principal = [{ subject = "olga", roles = ["auditor"] }]
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000 }
"""
HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "a+")
fcntl.lockf(file, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ended(tmp_path, monkeypatch, capsys):
    """Run a command that does not succeed: its exit code, and the one line that it wrote."""

    def run(*arguments, text=HUB, **environ):
        (tmp_path / "hub.toml").write_text(text, encoding="utf-8")
        named = [part.format(folder=tmp_path) for part in arguments or ("hub", "serve")]
        if "--config" not in named:
            named += ["--config", f"{tmp_path}/hub.toml"]
        monkeypatch.setattr(sys, "argv", ["federation", *named])
        for name, value in environ.items():
            monkeypatch.setenv(f"FEDERATION_{name.upper()}", value.format(folder=tmp_path))
        with pytest.raises(SystemExit) as ending:
            main()
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        return ending.value.code, said.err.strip().replace(f"{tmp_path}", "…")

    root, config = logging.getLogger(), structlog.get_config()
    before = (root.level, root.handlers[:])
    yield run
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.configure(**config)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"auditor"',
            '"federation_admin"',
            (
                "Invalid enum value 'federation_admin' - at `$.principal[0].roles[0]`; allowed: "
                "federation_operator, licensing_officer, settlement_officer, settlement_approver, "
                "registry_officer, node_operator, auditor, lab, member, site"
            ),
        ),
        (
            "fee_bps = 300",
            'fee_bps = 300\nlog_level = "loud"',
            "Invalid enum value 'loud' - at `$.log_level`; allowed: debug, info, warning, error",
        ),
        (
            "fee_bps = 300",
            "fee_bsp = 300",
            "Object contains unknown field `fee_bsp`; did you mean `fee_bps`?",
        ),
        (
            "[terms]",
            "[terms",
            "Expected ']' at the end of a table declaration (at line 9, column 7)",
        ),
    ],
)
def test_a_configuration_is_refused_with_what_is_allowed(ended, old, new, said):
    assert ended(text=HUB.replace(old, new, 1)) == (
        78,
        f"federation: BAD_CONFIG: The configuration cannot be used. (…/hub.toml: {said})",
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("", "Is a directory"), ("none.toml", "No such file or directory")]
)
@pytest.mark.parametrize("command", [("hub", "serve"), ("db", "upgrade"), ("check",)])
def test_what_is_no_file_is_no_configuration(ended, command, name, reason):
    place = f"…/{name}".rstrip("/")
    said = f"federation: BAD_CONFIG: The configuration cannot be used. ({place}: {reason})"
    assert ended(*command, "--config", f"{{folder}}/{name}") == (78, said)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        (
            "postgres://hub:secret@127.0.0.1:1/hub?sslmode=disable",
            69,
            (
                "DATABASE_UNUSABLE: The database cannot be used. "
                "(postgresql://hub:***@127.0.0.1:1/hub: "
                "[Errno 111] Connection refused)"
            ),
        ),
        (
            "sqlite:///{folder}/hub.toml",
            69,
            "DATABASE_UNUSABLE: The database cannot be used. (…/hub.toml: file is not a database)",
        ),
        (
            "oracle://hub",
            78,
            (
                "BAD_DATABASE_URL: `database_url` is no address of a database that servers can "
                "use. (oracle: postgresql:// and sqlite:/// are known)"
            ),
        ),
    ],
)
@pytest.mark.parametrize("command", [("hub", "serve"), ("db", "upgrade")])
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    ended, command, url, code, said
):
    assert ended(*command, database_url=url) == (code, f"federation: {said}")


def test_a_database_is_brought_to_the_revision_of_the_code_first(ended):
    code, said = ended()

    assert code == 78
    assert said.startswith("federation: NOT_MIGRATED: ")
    assert said.endswith(f"(at none: it is empty, code at {head_revision()})")


def test_a_database_of_a_later_version_is_left_alone(ended, tmp_path):
    with closing(sqlite3.connect(tmp_path / "later.sqlite", isolation_level=None)) as later:
        later.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        later.execute("INSERT INTO alembic_version VALUES ('9999')")

    for command in (("hub", "serve"), ("db", "upgrade"), ("db", "check")):
        code, said = ended(*command, database_url="sqlite:///{folder}/later.sqlite")
        assert (code, said.split(": ")[1]) == (78, "DATABASE_NEWER")
        assert said.endswith(f"(at 9999, code at {head_revision()})")
    with closing(sqlite3.connect(tmp_path / "later.sqlite", isolation_level=None)) as later:
        assert later.execute("SELECT name FROM sqlite_schema").fetchall() == [("alembic_version",)]
        assert later.execute("SELECT * FROM alembic_version").fetchall() == [("9999",)]


def test_two_servers_share_no_folder(ended, tmp_path):
    (tmp_path / "data").mkdir()
    lock = tmp_path / "data" / "server.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        holder.stdout.readline()
        assert ended() == (
            69,
            (
                "federation: DATA_DIR_IN_USE: Another process serves from the folder of "
                "`data_dir`; two would answer as one server. (…/data)"
            ),
        )
        holder.stdin.close()
    assert lock.read_text(encoding="utf-8") == ""

    lock.write_text("https://other.example\n", encoding="utf-8")
    code, said = ended()
    assert (code, said.split(": ")[1]) == (78, "DATA_DIR_OF_ANOTHER")


def test_an_address_that_is_taken_and_a_folder_that_cannot_be_are_named(ended, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ended(port=f"{port}") == (
            69,
            (
                "federation: ADDRESS_UNUSABLE: The server cannot listen at its `host` and `port`. "
                f"(127.0.0.1, port {port}: Address already in use)"
            ),
        )
    (tmp_path / "file").touch()
    assert ended(data_dir="{folder}/file/data") == (
        74,
        (
            "federation: DATA_DIR_UNUSABLE: The folder of `data_dir` cannot be used. "
            "(…/file/data: Not a directory)"
        ),
    )
