"""The command of a site, as a process of its own."""

import base64
import grp
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from federation.gate.crawlers import CrawlerRule
from federation.publisher import nginx_files
from federation.publisher.command import _parser, main
from federation.publisher.nginx_endpoint import AuthServer
from federation.publisher.nginx_files import FILES
from federation.publisher.nginx_map import nginx_map
from federation.publisher.sockets import require_free
from federation.site.install import gate_of


@pytest.fixture
def config(site, tmp_path):
    said = {
        "version": 1,
        "node": "http://127.0.0.1:9",
        "member": "M-17",
        "node_keys": [site.node_key.public_jwk()],
        "hub_keys": [site.hub_key.public_jwk()],
        "client": {"id": "site-1", "secret": "cc_secret"},
        "origins": ["http://127.0.0.1:9"],
    }
    path = tmp_path / "federation-site.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def test_the_endpoint_answers_nginx_until_a_signal_ends_it(config, tmp_path):
    listen, log = tmp_path / "auth.sock", tmp_path / "served.log"
    command = [
        sys.executable,
        "-m",
        "federation.publisher.command",
        "auth",
        "--config",
        str(config),
    ]
    with subprocess.Popen(
        [*command, "--listen", f"unix:{listen}", "--log", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as endpoint:
        assert endpoint.stdout.readline() == f"listening on unix:{listen}\n"
        with socket.socket(socket.AF_UNIX) as nginx:
            nginx.connect(str(listen))
            nginx.sendall(
                b"GET /auth HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUser-Agent: GPTBot\r\n"
                b"X-Federation-Method: GET\r\nX-Federation-Target: /news\r\n\r\n"
            )
            head = nginx.recv(65536).decode("latin-1").splitlines()
        endpoint.send_signal(signal.SIGTERM)
        assert endpoint.wait(40) == 0

    assert head[0].startswith("HTTP/1.1 403 ")
    [packed] = [line.split(": ")[1] for line in head if line.startswith("x-federation-refusal")]
    said = json.loads(base64.urlsafe_b64decode(packed))
    assert (said["status"], json.loads(said["body"])["code"]) == (401, "LICENCE_REQUIRED")


def test_only_nginx_beside_it_may_ask_the_endpoint(config):
    assert "only nginx" in refused_to_listen(config, "0.0.0.0:80")


def refused_to_listen(config, listen, *more):
    """Why an endpoint does not start, in one line."""
    log = config.with_name("served.log")
    with pytest.raises(SystemExit) as ended:
        main(["auth", "--config", str(config), "--listen", listen, "--log", str(log), *more])
    why = str(ended.value.code)
    assert (why.partition(":")[0], why.count("\n")) == ("CANNOT_LISTEN", 0)
    return why


def test_where_it_cannot_listen_it_says_why(config, tmp_path):
    (tmp_path / "a file").touch()
    free, group = f"unix:{tmp_path}/free.sock", "no-such-group"

    assert f"{tmp_path}/nowhere is no folder" in refused_to_listen(
        config, f"unix:{tmp_path}/nowhere/auth.sock"
    )
    assert "no socket" in refused_to_listen(config, f"unix:{tmp_path}/a file")
    assert "names no port" in refused_to_listen(config, "127.0.0.1:http")
    assert group in refused_to_listen(config, free, "--group", group)
    assert "too long" in refused_to_listen(config, f"unix:{tmp_path}/{'x' * 200}")


def test_a_log_in_no_folder_is_refused_before_anything_is_served(config, tmp_path):
    listen, log = tmp_path / "auth.sock", tmp_path / "lgo" / "served.log"
    with pytest.raises(SystemExit) as ended:
        main(["auth", "--config", str(config), "--listen", f"unix:{listen}", "--log", str(log)])

    assert str(ended.value.code).startswith("NO_LOG_FOLDER: ")
    assert f"({log.parent}: give --log the path of access_log" in str(ended.value.code)
    assert not listen.exists()
    assert not (tmp_path / "state").exists()


def test_a_doctor_says_that_the_log_is_silent(config, capsys):
    told = "LOG_SILENT: 3 pages were granted and /a.log has no line of it"
    state = config.parent / "state"
    state.mkdir()
    (state / "served.silent").write_text(told)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--config", str(config)])

    assert ended.value.code == 1
    assert f"WRONG log: {told} - is it the path of access_log" in capsys.readouterr().out


def test_nginx_has_its_files_from_the_command_also_over_older_ones(config, tmp_path, capsys):
    folder = tmp_path / "nginx"
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main(["nginx-files", str(folder), "--config", str(config)])
        assert ended.value.code == 0

    names = [*FILES, "federation-site-map.conf"]
    assert capsys.readouterr().out.splitlines() == [f"{folder}/{name}" for name in names] * 2
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    kit = Path(nginx_files.__file__).parent / "nginx"
    assert sorted(path.name for path in kit.iterdir()) == sorted(FILES)
    assert all((folder / name).read_bytes() == (kit / name).read_bytes() for name in FILES)
    assert (folder / names[-1]).read_text() == nginx_map(CrawlerRule())
    (tmp_path / "a file").touch()
    with pytest.raises(SystemExit) as ended:
        main(["nginx-files", str(tmp_path / "a file"), "--config", str(config)])
    assert str(ended.value.code).startswith("NOT_WRITTEN: ")


def test_a_socket_that_somebody_answers_on_is_left_and_a_dead_one_is_taken_over(config, tmp_path):
    path = tmp_path / "auth.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        assert "another endpoint answers" in refused_to_listen(config, f"unix:{path}")
        other.settimeout(5)
        other.accept()[0].close()
    require_free(path)

    assert not path.exists()


def test_the_group_that_is_named_may_open_the_socket(config, tmp_path):
    path, group = tmp_path / "auth.sock", grp.getgrgid(os.getgroups()[-1] if os.getgroups() else 0)
    gate, _ = gate_of(str(config))
    with AuthServer(f"unix:{path}", gate, tmp_path / "log", group=group.gr_name):
        found = path.stat()

    assert (found.st_mode & 0o777, found.st_gid) == (0o660, group.gr_gid)


def test_a_doctor_that_finds_something_says_what_to_do_and_ends_with_1(config, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--config", str(config)])

    told = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    assert [line for line in told if line.startswith("WRONG node: ")]
    assert [line for line in told if line.startswith("ok    disk: ")]
    for what in ("credential", "keys"):
        assert f"?     {what}: not checked: the node cannot be reached" in told
    assert not [line for line in told if "cc_secret" in line]


def test_a_node_without_an_address_is_said_in_words(config, capsys):
    said = json.loads(config.read_text()) | {"node": "http://node.invalid"}
    config.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["doctor", "--config", str(config)])

    assert "its name is not found (DNS)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["doctor", "--config", "nowhere.json"], "SITE_SETTINGS"),
        (["init", "fs1_x", "--config", "nowhere.json"], "MALFORMED_CODE"),
    ],
)
def test_a_refusal_is_one_line_with_its_code(arguments, code):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert str(ended.value.code).startswith(f"{code}: ")


def test_logs_reads_access_logs_with_the_sites_own_file(config, tmp_path, capsys):
    log = tmp_path / "access.log"
    at = "20/Nov/2026:10:00:05 +0000"
    log.write_text(f'192.0.2.1 - - [{at}] "GET /a HTTP/1.1" 200 5 "-" "GPTBot"\n')

    with pytest.raises(SystemExit) as ended:
        main(["logs", "--config", str(config), "--dry-run", str(log)])

    assert ended.value.code == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "all: 1 new lines, 0 counted as usage"
    assert not (tmp_path / "state").exists()


def test_a_refusal_of_logs_is_one_line_with_its_code(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["logs", "--config", str(tmp_path / "nowhere.json"), "access.log"])

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("federation-site: SITE_SETTINGS: ")


GUIDE = (Path(__file__).parents[2] / "docs" / "publishers.md").read_text(encoding="utf-8")

UNIT = Path(nginx_files.__file__).parent / "nginx" / "federation-site.service"


def test_each_command_of_the_page_for_publishers_is_one_and_so_is_each_file_of_nginx():
    lines = re.findall(
        r"^ *(?:runuser .* -- )?(?:/opt/federation-site/bin/)?federation-site (.*)$",
        GUIDE,
        re.MULTILINE,
    )
    asked = [
        _parser().parse_args(shlex.split(line.rstrip("& "))) for line in lines if "logs" not in line
    ]
    included = re.findall(r"include /etc/nginx/federation-site/(.*);", GUIDE)

    assert sorted({each.run.__name__ for each in asked}) == [
        *("_auth", "_doctor", "_init", "_nginx_files", "_robots"),
    ]
    assert {*included} < {*FILES, "federation-site-map.conf"}
    assert len(included) == 4
    [unit] = re.findall(r"^ExecStart=\S+ (.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    [said] = [line for line in lines if line.startswith("auth --config")]
    assert said.replace(" --group www-data", "") == unit  # whose own group it is there
