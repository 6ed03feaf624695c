"""Two distributions of one tree: what is in each wheel, and that the publisher's stands alone."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from sysconfig import get_path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit" / "python"
PACKAGES_MAX, BYTES_MAX = 8, 30_000_000
IMPORT_ALL = """
import importlib, sys
sys.path += sys.argv[1:3]
for name in sys.argv[3:]:
    importlib.import_module(name)
print(*sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))
"""


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def built(folder, target):
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(target)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=True, text=True
    )
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheels")
    return built(KIT, target), built(ROOT, target)


def files(wheel):
    names = ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name}


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
    ZipFile(wheels[0]).extractall(tmp_path)
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in files(wheels[0])
        if name.endswith(".py")
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, tmp_path, get_path("purelib"), *modules],
        capture_output=True,
        check=False,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    loaded = {name for name in done.stdout.split() if not name.startswith("_")}
    loaded.discard("typing_extensions")  # msgspec takes it where it is there
    assert loaded == {"cryptography", "federation", "idna", "joserfc", "msgspec"}


def needed():
    """Every distribution that comes with the kit, itself left out."""
    found, waiting = {}, [Requirement(text) for text in project(KIT)["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in found:
            found[name] = distribution(name)
            waiting += [Requirement(text) for text in found[name].requires or ()]
    return found


def test_installed_alone_the_kit_is_few_packages_and_small(wheels):
    packages = needed()
    with ZipFile(wheels[0]) as wheel:
        size = sum(each.file_size for each in wheel.infolist())
    for each in packages.values():
        paths = [Path(each.locate_file(file)) for file in each.files]
        size += sum(path.stat().st_size for path in paths if path.exists())

    assert set(packages) == {"cffi", "cryptography", "idna", "joserfc", "msgspec", "pycparser"}
    assert 1 + len(packages) <= PACKAGES_MAX
    assert size <= BYTES_MAX
