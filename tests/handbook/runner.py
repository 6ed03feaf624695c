"""Runs the commands of a handbook as a reader would, and holds what they print against the text.

A block of ```console holds commands (`$ `, continued by `> `) and what each prints. In what is
expected, `…` stands for the rest of a word or number that differs each time; what is printed is
compared without trailing spaces. `python tests/handbook/runner.py` writes what is printed into
docs/settlement-handbook.md anew, and the books that are left into tests/handbook/books: read the
difference before you commit it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HANDBOOK = ROOT / "docs" / "settlement-handbook.md"
BOOKS = Path(__file__).parent / "books"
SERVERS = ("hub", "de", "fr", "gb")
START = "federation practice start "
FENCE = re.compile(r"^```(\S*)[ \t]*$", re.MULTILINE)
REFUSAL = re.compile(r"^federation: [A-Z_]+: ", re.MULTILINE)

# A command with one of these words changes nothing: nothing is on its way after it.
LOOKS = frozenset(
    {"work", "report", "reports", "list", "queue", "suggest", "diff", "answers", "events", "debits"}
    | {"published", "why", "get", "check", "export", "bean-check"}
)

# What differs from one practice federation to the next, and is no number of the handbook's.
VARIES = (
    re.compile(r"(?<=, head )[0-9a-f]{64}"),  # commits to who reported first
    re.compile(r"(?<=http://127\.0\.0\.1:)[0-9]+"),  # a port that was free
)


@dataclass(frozen=True)
class Step:
    """A command, what the text says it prints, and where that stands in the text."""

    command: str
    expected: str
    span: tuple[int, int]


def read_steps(text: str) -> list[Step]:
    """Return every command of a handbook; a block that is not ```console is an error."""
    fences = list(FENCE.finditer(text))
    steps: list[Step] = []
    for opening, closing in zip(fences[::2], fences[1::2], strict=True):
        line = text.count("\n", 0, opening.start()) + 1
        if opening[1] != "console" or closing[1]:
            raise ValueError(f"line {line}: a block of {opening[1] or 'nothing'}, not console")
        found = _steps_of(text, opening.end() + 1, closing.start())
        if not found:
            raise ValueError(f"line {line}: a block without a command")
        steps += found
    return steps


def _steps_of(text: str, start: int, end: int) -> list[Step]:
    """Return the commands between two places; what stands before the first one is an error."""
    steps: list[Step] = []
    place, command, begin = start, "", start
    for line in text[start:end].splitlines(keepends=True):
        is_more = line.startswith("> ") and begin == place
        if line.startswith("$ ") or is_more:
            if command and not is_more:
                steps.append(Step(command, text[begin:place], (begin, place)))
            command = f"{command}{line[1:]}" if is_more else line[2:]
            begin = place + len(line)
        elif not command:
            raise ValueError(f"what prints {line!r}?")
        place += len(line)
    if command:
        steps.append(Step(command, text[begin:end], (begin, end)))
    return steps


def normal(printed: str) -> str:
    """Return what is printed without trailing spaces and without what varies."""
    text = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
    for pattern in VARIES:
        text = pattern.sub("…", text)
    return text + "\n" if text else ""


@dataclass
class Shell:
    """A reader's terminals: one where the practice federation runs, one for everything else."""

    folder: Path
    servers: subprocess.Popen[str] | None = None
    practice: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {key: os.environ[key] for key in ("LANG", "LC_ALL", "TMPDIR") if key in os.environ}
        self.environment = {"PATH": path, "HOME": str(self.folder), **kept}

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; return (exit code, what a terminal shows)."""
        words = command.split()
        if command.startswith(START):
            return 0, self._start(words[-1])
        if words[0] == "cd":
            self.folder /= words[1]
            return 0, ""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        if not LOOKS.intersection(words):
            self._wait()
        return done.returncode, done.stdout

    def _start(self, name: str) -> str:
        self.practice = self.folder / name
        self.servers = subprocess.Popen(
            ["federation", "practice", "start", name],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.servers.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            line = self.servers.stdout.readline()
            if not line:
                raise RuntimeError("".join(lines))
            lines.append(line)
        return "".join(lines)

    def _wait(self) -> None:
        """Let messages arrive, as they have when a person types the next command."""
        if self.practice is None:
            return
        port = int((self.practice / "port").read_text())
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.sendall(json.dumps({"act": "wait"}).encode() + b"\n")
            assert json.loads(line.makefile().readline())["code"] == ""

    def close(self) -> int | None:
        """End the input of the servers, which ends them; return their exit code."""
        if self.servers is None:
            return None
        try:
            self.servers.communicate(timeout=30)  # closes its input, then waits
        except subprocess.TimeoutExpired:
            self.servers.kill()
            raise
        return self.servers.returncode


def books_of(practice: Path) -> dict[str, str]:
    """Return the books of each server of a practice federation, as the auditor takes them."""
    return {code: _exported(practice / f"{code}.toml") for code in SERVERS}


def kept_books() -> dict[str, str]:
    """Return the books that the handbook's commands leave."""
    return {code: (BOOKS / f"{code}.beancount").read_text(encoding="utf-8") for code in SERVERS}


def _exported(config: Path) -> str:
    command = [sys.executable, "-m", "federation.cli", "ledger", "export", "--config", str(config)]
    done = subprocess.run(
        [*command, "--format", "beancount"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def differences(text: str, folder: Path) -> list[str]:
    """Run a handbook in a folder; return what is not as it says, up to the first that is not."""
    steps, shell = read_steps(text), Shell(folder)
    try:
        for step in steps:
            code, printed = shell.run(step.command)
            place = f"line {text.count(chr(10), 0, step.span[0])}: {step.command.strip()}"
            if normal(printed) != step.expected:
                return [place, step.expected, normal(printed)]
            if code != (2 if REFUSAL.search(step.expected) else 0):
                return [place, f"exit code {code}"]
    finally:
        code = shell.close()
    return [] if code in (0, None) else [f"the servers ended with {code}"]


def written_anew(text: str, folder: Path) -> str:
    """Return a handbook with what its commands print."""
    shell, pieces, last = Shell(folder), list[str](), 0
    try:
        for step in read_steps(text):
            _, printed = shell.run(step.command)
            pieces += [text[last : step.span[0]], normal(printed)]
            last = step.span[1]
    finally:
        shell.close()
    return "".join([*pieces, text[last:]])


def main() -> None:
    """Write the handbook and the books anew."""
    with tempfile.TemporaryDirectory() as temporary:
        found = written_anew(HANDBOOK.read_text(encoding="utf-8"), Path(temporary))
        books = books_of(Path(temporary) / "practice")
    HANDBOOK.write_text(found, encoding="utf-8")
    for code, text in books.items():
        (BOOKS / f"{code}.beancount").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
