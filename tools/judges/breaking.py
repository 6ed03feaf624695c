"""Let schemathesis ask a hub and a node whatever their own schemas allow, and more: no defect.

It asks GraphQL and what OpenAPI describes, as somebody with a role, whose documents and bodies
come as far as the rules. It brings a Python environment of its own, made at the first run. An
argument says how many requests each schema gets: `-m tools.judges.breaking 500`; fewer by default.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.judges.run import ROOT, SERVERS, free_port, wait_for

HERE = Path(__file__).parent

PACKAGE, VENV = "schemathesis==4.32.5", HERE / ".venv-schemathesis"
REQUESTS = 150
CHECKS = "no_defect,status_code_conformance,content_type_conformance,response_schema_conformance"


class Asked(NamedTuple):
    """A schema, about how many operations it has, and in which role it is asked."""

    path: str
    operations: int
    role: str


ASKED = {
    "hub": [
        Asked("graphql", 155, "settlement_officer"),
        Asked("openapi.json", 32, "settlement_officer"),
    ],
    "node": [
        Asked("graphql", 194, "registry_officer"),
        Asked("openapi.json", 35, "registry_officer"),
    ],
}


def main() -> int:
    """Judge both servers and answer with the worst outcome."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    if not VENV.exists():
        subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
        subprocess.check_call([str(VENV / "bin" / "pip"), "install", "--quiet", PACKAGE])
    return max(judge(name, requests) for name in ASKED)


def judge(name: str, requests: int) -> int:
    """Answer 0 if a server breaks nowhere and says of itself what it does."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [part.format(port=port, folder=folder) for part in SERVERS[name]], cwd=ROOT
        )
        try:
            wait_for(server, port)
            return max(
                ask(f"http://127.0.0.1:{port}/{asked.path}", asked, folder, requests)
                for asked in ASKED[name]
            )
        finally:
            server.terminate()
            server.wait()


def ask(url: str, asked: Asked, folder: str, requests: int) -> int:
    """Answer 0 if schemathesis finds nothing at one schema."""
    each = str(max(1, -(-requests // asked.operations)))
    command = [str(VENV / "bin" / "schemathesis"), "run", url, "--max-examples", each]
    options = ["--phases", "fuzzing", "--checks", CHECKS, "--warnings", "off", "--no-shrink"]
    bearer = ["--header", f"Authorization: Bearer {token(folder, asked.role)}"]
    hooks = {"SCHEMATHESIS_HOOKS": str(HERE / "breaking_hooks.py")}
    more = ["--workers", "1", "--no-color", "--continue-on-failure"]
    return subprocess.call(
        [*command, *options, *more, *bearer], cwd=folder, env={**os.environ, **hooks}
    )


def token(folder: str, role: str) -> str:
    """Return the token of somebody in a role."""
    command = [sys.executable, "-m", "federation.cli", "token", "--config", f"{folder}/config.toml"]
    person = ["--subject", "fuzz", "--role", role]
    return subprocess.check_output([*command, *person], cwd=ROOT, text=True).strip()


if __name__ == "__main__":
    sys.exit(main())
