"""Fetch GraphiQL again: `python -m tools.graphiql` (needs npm) writes what servers serve of it.

Its versions stand here. 3.9.0 is the last that needs neither a bundler nor workers of its own.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "federation" / "schema" / "graphiql"
# Package and version -> the file in it, and the name it is served by.
PACKAGES = {
    "react@18.3.1": {
        "umd/react.production.min.js": "react.js",
        "LICENSE": "react.LICENSE.txt",
    },
    "react-dom@18.3.1": {
        "umd/react-dom.production.min.js": "react-dom.js",
        "LICENSE": "react-dom.LICENSE.txt",
    },
    "graphiql@3.9.0": {
        "graphiql.min.js": "graphiql.js",
        "graphiql.min.css": "graphiql.css",
        "LICENSE": "graphiql.LICENSE.txt",
    },
}


def main() -> None:
    """Write the files, and what each is, with its SHA-256, to `versions.json`."""
    told: dict[str, dict[str, str]] = {}
    for package, files in PACKAGES.items():
        found = fetch(package, files)
        for name, content in found.items():
            (FOLDER / name).write_bytes(content)
        told[package] = {
            name: hashlib.sha256(content).hexdigest() for name, content in found.items()
        }
        print(package)
    text = json.dumps(told, indent=2) + "\n"
    (FOLDER / "versions.json").write_text(text, encoding="utf-8")


def fetch(package: str, files: dict[str, str]) -> dict[str, bytes]:
    """Return the wanted files of a package of npm by the names they are served by."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.check_output(
            ["npm", "pack", "--silent", package], cwd=folder, text=True
        ).strip()
        with tarfile.open(Path(folder) / packed) as archive:
            return {
                served: _without_map(_read(archive, inside)) for inside, served in files.items()
            }


def _read(archive: tarfile.TarFile, inside: str) -> bytes:
    member = archive.extractfile(f"package/{inside}")
    if member is None:
        raise FileNotFoundError(inside)
    return member.read()


def _without_map(content: bytes) -> bytes:
    """Leave out the comment that names a source map, which is not served."""
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith((b"//# sourceM", b"/*# sourceM")))


if __name__ == "__main__":
    main()
