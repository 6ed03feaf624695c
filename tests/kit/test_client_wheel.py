"""The distribution of labs: what is in its wheel, that it needs no server, that it is small."""

import subprocess
from zipfile import ZipFile

import pytest

from tests.kit.wheels import CLIENT, KIT, ROOT, built, files, imported, link, needed, project

PACKAGES = {
    *("anyio", "certifi", "h11", "httpcore", "httpx"),  # of httpx
    *("cffi", "cryptography", "idna", "joserfc", "msgspec", "pycparser"),  # of the kit
    "typing-extensions",  # of anyio, before Python 3.13
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(CLIENT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "federation_client"],
        cwd=CLIENT,
        capture_output=True,
        check=True,
        text=True,
    )

    assert files(wheel) == {*listed.stdout.splitlines()}
    assert "federation_client/py.typed" in files(wheel)


def test_the_client_needs_the_kit_of_its_own_version_and_no_server():
    client = project(CLIENT)

    assert client["version"] == project(KIT)["version"] == project(ROOT)["version"]
    assert client["dependencies"] == ["federation-site==0.1.0", "httpx>=0.28", "msgspec>=0.22"]


def test_the_client_imports_nothing_that_is_not_installed_with_it(wheel, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    ZipFile(built(KIT, tmp_path)).extractall(alone)
    named = needed(CLIENT) | needed(KIT)
    link(alone, [each for name, each in named.items() if name != "federation-site"])

    loaded = imported(tmp_path, wheel, alone)

    ours = {"federation", "federation_client"}
    assert loaded - ours <= {name.replace("-", "_") for name in PACKAGES}
    assert loaded >= {*ours, "httpx", "msgspec", "joserfc"}


def test_the_client_is_few_packages():
    with_kit = {*needed(CLIENT), *needed(KIT)} - {"federation-site"}

    assert with_kit | {"typing-extensions"} == PACKAGES
