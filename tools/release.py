"""Build what a release is, into dist/: wheels, the source, what is in them, and their digests.

    python -m tools.release [--draft] [--try]

The version is that of `federation/__init__.py`, which every pyproject.toml repeats; CHANGELOG.md
must have a section for it, or with `--draft` what is not released. Nothing is published. With
`--try` the wheels are installed beside their pinned dependencies in a clean environment, and
`federation demo` is run there.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from federation import __version__

ROOT: Final = Path(__file__).resolve().parent.parent
DIST: Final = ROOT / "dist"
PROJECTS: Final = (ROOT / "kit" / "python", ROOT / "kit" / "client", ROOT)
LOCK: Final = ROOT / "requirements" / "main.lock"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?:\s*;[^\\]*)?\s*\\?$")

# What the Apache licence of this project goes together with; of others a person decides.
COMPATIBLE: Final = re.compile(
    r"apache|mit\b|bsd|isc|psf|python software|mpl|mozilla|unlicense|0bsd|zlib|hpnd|lgpl|lesser"
    r"|public domain",
    re.IGNORECASE,
)


class NotReleasableError(Exception):
    """What keeps this tree from being a release."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A dependency as it is pinned, and its licence where it is installed here."""

    name: str
    version: str
    licence: str | None


def main() -> None:
    """Build a release, or say in a line why not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--try", dest="is_tried", action="store_true", help="install and run it")
    parser.add_argument(
        "--draft", dest="is_draft", action="store_true", help="take what is not released for it"
    )
    given = parser.parse_args()
    try:
        notes, pins = changes("Unreleased" if given.is_draft else __version__), pinned()
        require_one_version()
        require_licences(pins)
        files = [*built(), *described(notes, pins)]
        sums = "".join(f"{digest(file)}  {file.name}\n" for file in sorted(files))
        (DIST / "SHA256SUMS").write_text(sums, encoding="utf-8")
        print(sums, end="")
        audit()
        if given.is_tried:
            tried()
    except NotReleasableError as error:
        sys.exit(f"No release: {error}")


def changes(heading: str) -> str:
    """Return a section of CHANGELOG.md."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = rf"^## \[{re.escape(heading)}\][^\n]*\n(.*?)(?=^## |\Z)"
    found = re.search(section, text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise NotReleasableError(f"CHANGELOG.md has no section [{heading}]")
    return found[1].strip() + "\n"


def require_one_version() -> None:
    """Refuse distributions of several versions."""
    for project in PROJECTS:
        path = project / "pyproject.toml"
        stated = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"]
        if stated != __version__:
            raise NotReleasableError(f"{path.relative_to(ROOT)} says {stated}, not {__version__}")


def pinned() -> list[Pin]:
    """Return what servers are installed with, as the lock pins it."""
    lines = map(_PIN.match, LOCK.read_text(encoding="utf-8").splitlines())
    return [Pin(pin[1], pin[2], licence_of(pin[1])) for pin in lines if pin is not None]


def licence_of(name: str) -> str | None:
    """Return the licence that an installed distribution states; None if it is not here."""
    try:
        stated: Distribution = distribution(name)
    except PackageNotFoundError:
        return None  # for another system or Python
    meta = stated.metadata
    classified = [value for value in meta.get_all("Classifier") or [] if "License ::" in value]
    names = "; ".join(value.rpartition(" :: ")[2] for value in classified)
    stated_ones = [*(meta.get_all("License-Expression") or []), names]
    told = next(filter(None, [*stated_ones, *(meta.get_all("License") or [])]), "")
    return told.strip().splitlines()[0] if told.strip() else None


def require_licences(pins: list[Pin]) -> None:
    """Refuse dependencies whose licence does not go together with ours."""
    unclear = [
        f"{pin.name} ({pin.licence})"
        for pin in pins
        if pin.licence is not None and not COMPATIBLE.search(pin.licence)
    ]
    if unclear:
        raise NotReleasableError(f"look at the licences of {', '.join(unclear)}")


def built() -> list[Path]:
    """Build the wheels, and the source of the servers."""
    DIST.mkdir(exist_ok=True)
    for old in DIST.iterdir():
        if old.is_file():
            old.unlink()
    for project in PROJECTS:
        kinds = ["-t", "wheel", *(["-t", "sdist"] if project == ROOT else [])]
        run(sys.executable, "-m", "hatchling", "build", "-d", str(DIST), *kinds, cwd=project)
    return sorted(DIST.iterdir())


def described(notes: str, pins: list[Pin]) -> list[Path]:
    """Write what changed, and what it consists of (CycloneDX)."""
    written = {
        f"NOTES-{__version__}.md": notes,
        f"federation-{__version__}.cdx.json": json.dumps(bill_of(pins), indent=2) + "\n",
    }
    for name, text in written.items():
        (DIST / name).write_text(text, encoding="utf-8")
    return [DIST / name for name in written]


def bill_of(pins: list[Pin]) -> dict[str, Any]:
    """Return the bill of materials of the servers in CycloneDX 1.6, the same for the same lock."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component("federation", __version__, "application")},
        "components": [
            component(pin.name, pin.version, "library")
            | ({"licenses": [{"license": {"name": pin.licence}}]} if pin.licence else {})
            for pin in pins
        ],
    }


def component(name: str, version: str, kind: str) -> dict[str, Any]:
    """Return a component by its package URL."""
    url = f"pkg:pypi/{name.lower()}@{version}"
    return {"type": kind, "bom-ref": url, "name": name, "version": version, "purl": url}


def audit() -> None:
    """Have known weaknesses of the dependencies looked up, where that can be done."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "-r", str(LOCK)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        print("pip-audit: it did not end within five minutes; nothing was looked up")
        return
    if done.returncode == 0:
        print("pip-audit: no known weakness")
    elif "No module named pip_audit" in done.stderr:
        print("pip-audit: it is not installed (pip install pip-audit); nothing was looked up")
    elif re.search(r"found \d+ known", done.stderr, re.IGNORECASE):
        raise NotReleasableError(f"pip-audit:\n{done.stdout}")
    else:
        print(f"pip-audit: nothing was looked up: {done.stderr.strip().splitlines()[-1][:200]}")


def tried() -> None:
    """Install the wheels in a clean environment and run the demo there."""
    with TemporaryDirectory(prefix="federation-release-") as place:
        venv.create(place, with_pip=True)
        python = Path(place) / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "-r", str(LOCK), cwd=Path(place))
        wheels = sorted(
            str(file) for file in DIST.glob("federation*.whl") if "client" not in file.name
        )
        run(*pip, "--no-deps", *wheels, cwd=Path(place))
        run(str(python.with_name("federation")), "demo", cwd=Path(place))


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run(*command: str, cwd: Path) -> None:
    """Run a command, or say that it failed."""
    if subprocess.call(command, cwd=cwd, stdin=subprocess.DEVNULL) != 0:
        raise NotReleasableError(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
