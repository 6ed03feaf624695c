"""Write what is generated of the client, or tell whether it is what is committed.

    python -m tools.client.write [--check]

`federation_client/generated` follows from the hub's schema and kit/client/lab.graphql (`types.py`),
`federation_client/blocking` from `federation_client/awaited` (`blocking.py`).
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.client.blocking import blocking
from tools.client.types import generated

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final = ROOT / "federation" / "schema" / "hub.graphql"
ASKED: Final = ROOT / "kit" / "client" / "lab.graphql"
PACKAGE: Final = ROOT / "kit" / "client" / "federation_client"


def main() -> None:
    """Do it; what is missing, other or too much is named, and ends a check with 1."""
    wanted = texts()
    found = {path: path.read_text(encoding="utf-8") for path in there()}
    apart = [path for path in sorted({*wanted, *found}) if wanted.get(path) != found.get(path)]
    if sys.argv[1:] == ["--check"]:
        for path in apart:
            print(f"{path.relative_to(ROOT)} is not what `make client` writes")
        sys.exit(bool(apart))
    for path in apart:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
        print(path.relative_to(ROOT))


def texts() -> dict[Path, str]:
    """Return every file that is generated, as ruff formats it."""
    folder = PACKAGE / "awaited"
    modules = generated(SCHEMA.read_text(encoding="utf-8"), ASKED.read_text(encoding="utf-8"))
    found = {PACKAGE / "generated" / f"{name}.py": text for name, text in modules.items()}
    for path in sorted(folder.glob("*.py")):
        found[PACKAGE / "blocking" / path.name] = blocking(path.read_text(encoding="utf-8"))
    return {path: formatted(path, text) for path, text in found.items()}


def there() -> list[Path]:
    """Return what is in the folders of generated files."""
    folders = [PACKAGE / "generated", PACKAGE / "blocking"]
    kept = PACKAGE / "generated" / "__init__.py"
    return [path for folder in folders for path in folder.glob("*.py") if path != kept]


def formatted(path: Path, text: str) -> str:
    """Return a text as `make fix` would leave it."""
    for act in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *act, "--stdin-filename", str(path), "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


if __name__ == "__main__":
    main()
