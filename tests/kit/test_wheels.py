"""Two distributions of one tree: what is in each wheel, and that the publisher's stands alone."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from federation.signing.keys import SigningKey
from federation.site.settings import Settings, SiteClient, new_settings
from tests.kit.wheels import KIT, ROOT, built, files, imported, link, needed, project

PACKAGES_MAX, BYTES_MAX = 8, 30_000_000


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheels")
    return built(KIT, target), built(ROOT, target)


def test_the_two_wheels_share_no_file_and_hold_the_tree_together(wheels):
    kit, servers = map(files, wheels)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "federation"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    tree = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}

    assert kit & servers == set()
    assert {name for name in kit | servers if not name.startswith("federation/_")} | {
        "federation/__init__.py"
    } == tree


def test_the_servers_need_the_kit_of_their_own_version():
    kit, servers = project(KIT), project(ROOT)

    assert kit["version"] == servers["version"]
    assert f"federation-site=={kit['version']}" in servers["dependencies"]


def test_the_kit_imports_nothing_that_is_not_installed_with_it(wheels, tmp_path):
    loaded = imported(tmp_path, wheels[0])

    assert loaded == {"cryptography", "federation", "idna", "joserfc", "msgspec"}


@pytest.fixture(scope="module")
def alone(wheels, tmp_path_factory):
    """A folder with the kit and what comes with it, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    ZipFile(wheels[0]).extractall(folder)
    link(folder, needed(KIT).values())
    return folder


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "federation-site.json"
    key = SigningKey.generate().public_jwk()
    said = Settings(
        node="http://127.0.0.1:1",  # nobody answers there
        member="M-17",
        node_keys=(key,),
        hub_keys=(key,),
        client=SiteClient(id="site-1", secret="s"),
        origins=("http://127.0.0.1:1",),
    )
    with new_settings(path) as write:
        write(said)
    return path


def command(alone, *words):
    """Return the program that pip makes of the kit's entry point, with some words after it."""
    entry = project(KIT)["scripts"]["federation-site"]
    module, _, function = entry.partition(":")
    code = f"import sys; sys.path.append(sys.argv.pop(1)); import {module} as it; it.{function}()"
    return [sys.executable, "-I", "-S", "-c", code, str(alone), *map(str, words)]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["logs", "--dry-run", "LOG", "--config", "FILE"], 0, "all: 0 new lines, 0 counted"),
        (["init", "fs1_x", "--config", "FILE"], 1, "MALFORMED_CODE: "),
        (["doctor", "--config", "FILE"], 1, "WRONG node: "),
        (["robots", "--config", "FILE"], 1, "UNREACHABLE: "),
        (["nginx-map", "--config", "FILE"], 0, "map $http_user_agent $federation_named {"),
    ],
)
def test_installed_alone_each_command_starts(alone, settings, tmp_path, words, status, told):
    (tmp_path / "access.log").touch()
    there = {"FILE": settings, "LOG": tmp_path / "access.log"}
    asked = command(alone, *(there.get(word, word) for word in words))

    done = subprocess.run(asked, capture_output=True, check=False, text=True)

    assert (done.returncode, told in done.stdout + done.stderr) == (status, True), done.stderr


def test_installed_alone_the_endpoint_listens_until_a_signal_ends_it(alone, settings, tmp_path):
    listen = f"unix:{tmp_path}/auth.sock"
    asked = ["auth", "--config", settings, "--listen", listen, "--log", tmp_path / "served.log"]
    with subprocess.Popen(
        command(alone, *asked), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as endpoint:
        assert endpoint.stdout.readline() == f"listening on {listen}\n"
        endpoint.terminate()
        assert endpoint.wait(40) == 0


def test_installed_alone_the_kit_is_few_packages_and_small(wheels):
    packages = needed(KIT)
    with ZipFile(wheels[0]) as wheel:
        size = sum(each.file_size for each in wheel.infolist())
    for each in packages.values():
        paths = [Path(each.locate_file(file)) for file in each.files]
        size += sum(path.stat().st_size for path in paths if path.exists())

    assert set(packages) == {"cffi", "cryptography", "idna", "joserfc", "msgspec", "pycparser"}
    assert 1 + len(packages) <= PACKAGES_MAX
    assert size <= BYTES_MAX
