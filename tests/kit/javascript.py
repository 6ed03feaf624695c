"""The JavaScript gate in a process of its own, asked a line at a time (`bridge.mjs`)."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

KIT = Path(__file__).parents[2] / "kit" / "javascript"
BRIDGE = Path(__file__).with_name("bridge.mjs")


def has_node() -> bool:
    """Tell whether there is a Node that the kit is for (20 or newer)."""
    if shutil.which("node") is None:
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.lstrip("v").split(".")[0]) >= OLDEST


OLDEST = 20
needs_node = pytest.mark.skipif(not has_node(), reason=f"Node {OLDEST} is not installed")


class Bridge:
    """Asks the gate, and answers with what it said."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, act: str, **asked: Any) -> Any:
        """Return its answer; a defect there is one here."""
        given, told = self._process.stdin, self._process.stdout
        assert given is not None
        assert told is not None
        given.write(json.dumps({"act": act, **asked}) + "\n")
        given.flush()
        answer = json.loads(told.readline())
        assert "ok" in answer, answer.get("defect")
        return answer["ok"]


@contextmanager
def bridge() -> Iterator[Bridge]:
    """Start it, and stop it again."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", str(BRIDGE)], stdin=pipe, stdout=pipe, text=True) as process:
        yield Bridge(process)
        process.communicate()


@pytest.fixture
def javascript() -> Iterator[Bridge | None]:
    """The JavaScript gate where Node is installed, for tests that ask whoever there is."""
    if not has_node():
        yield None
        return
    with bridge() as gate:
        yield gate


def in_node(script: str) -> Any:
    """Run a module of a few lines beside the kit, and return the JSON that it says at last.

    `SRC` in it stands for the folder of the kit's modules.
    """
    text = script.replace("SRC", f"{KIT}/src")
    command = ["node", "--input-type=module", "-e", text]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)
