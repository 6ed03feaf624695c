"""What the tests of wheels share: building one, looking into it, what comes with it."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from sysconfig import get_path
from zipfile import ZipFile

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit" / "python"
CLIENT = ROOT / "kit" / "client"
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


def files(wheel):
    names = ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name}


def needed(folder):
    """Every distribution that comes with one of ours, itself and our others left out."""
    found, waiting = {}, [Requirement(text) for text in project(folder)["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in found:
            found[name] = distribution(name)
            waiting += [Requirement(text) for text in found[name].requires or ()]
    return found


def link(folder, packages):
    """Put what is installed of some distributions into a folder, and nothing else."""
    for each in packages:
        for name in {file.parts[0] for file in each.files} - {".."}:
            (folder / name).symlink_to(each.locate_file(name))


def imported(folder, wheel, packages=None):
    """Import every module of a wheel from a folder; return the packages that were loaded.

    Beside it are the distributions in a second folder; all that is installed, if none is named.
    """
    ZipFile(wheel).extractall(folder)
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in files(wheel)
        if name.endswith(".py")
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            IMPORT_ALL,
            folder,
            packages or get_path("purelib"),
            *modules,
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    loaded = {name for name in done.stdout.split() if not name.startswith("_")}
    loaded.discard("typing_extensions")  # msgspec takes it where it is there
    return loaded
