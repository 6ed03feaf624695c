"""Set up .venv from a lock file: pinned, hashed, and at once the second time.

    python3 tools/environment.py main|dev

Standard library only, and nothing that an interpreter older than ours cannot read, so that it can
say what is missing. `uv` does the work where it is on PATH, pip elsewhere. A stamp in .venv holds
the hash of what was installed; `dev` contains `main`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIT = ROOT / "kit" / "python"
CLIENT = ROOT / "kit" / "client"  # for developers; it needs httpx, which is in dev.lock
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
NEEDED = (3, 11)


def main() -> None:
    """Bring .venv to the state of the lock named on the command line."""
    if sys.argv[1:] not in (["main"], ["dev"]):
        sys.exit("usage: environment.py main|dev")
    kind = sys.argv[1]
    if works() and any(is_installed(each) for each in (kind, "dev")):
        return
    if sys.version_info < NEEDED:
        stop(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}.")
    print(f"Setting up .venv from requirements/{kind}.lock, this once ...", flush=True)
    create()
    install(kind)
    stamp(kind).write_text(digest(kind), encoding="utf-8")


def stop(reason: str) -> None:
    """End with what is wrong and what helps."""
    sys.exit(f"{reason}\nTo use another interpreter: make test PYTHON=python3.12")


def works() -> bool:
    """Tell whether the interpreter of .venv runs and is new enough."""
    check = f"import sys; sys.exit(sys.version_info < {NEEDED})"
    return PYTHON.exists() and subprocess.call([str(PYTHON), "-c", check]) == 0


def is_installed(kind: str) -> bool:
    """Tell whether .venv holds this very lock."""
    return stamp(kind).exists() and stamp(kind).read_text(encoding="utf-8") == digest(kind)


def stamp(kind: str) -> Path:
    """Return the file that says what .venv holds."""
    return VENV / f".installed-{kind}"


def digest(kind: str) -> str:
    """Return the hash of what an installation depends on, the place of the checkout included."""
    sources = [
        lock(kind),
        ROOT / "pyproject.toml",
        KIT / "pyproject.toml",
        CLIENT / "pyproject.toml",
    ]
    content = b"\0".join(source.read_bytes() for source in sources) + str(ROOT).encode()
    return hashlib.sha256(content).hexdigest()


def lock(kind: str) -> Path:
    """Return the file with the pins and their hashes."""
    return ROOT / "requirements" / f"{kind}.lock"


def create() -> None:
    """Make .venv where there is none that works."""
    if works():
        return
    if shutil.which("uv"):
        run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
        return
    if not (find_spec("venv") and find_spec("ensurepip")):
        stop(
            "This Python cannot make virtual environments: venv or ensurepip is missing.\n"
            "On Debian and Ubuntu: apt-get install python3-venv. Anywhere: install uv."
        )
    run(sys.executable, "-m", "venv", "--clear", str(VENV))


def install(kind: str) -> None:
    """Install the lock by its hashes, then the distributions of the tree, without more."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if shutil.which("uv"):
        pip = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON)]
    run(*pip, "--require-hashes", "-r", str(lock(kind)))
    run(*pip, "--no-deps", "-e", str(KIT), "-e", str(ROOT))
    if kind == "dev":
        run(*pip, "--no-deps", "-e", str(CLIENT))


def run(*command: str) -> None:
    """Run a command; where it fails, end with it."""
    status = subprocess.call(command, cwd=str(ROOT))
    if status != 0:
        sys.exit(f"Failed with status {status}: {' '.join(command)}")


if __name__ == "__main__":
    main()
