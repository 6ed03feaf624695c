"""Tells the story: each step on the console as it happens, and all of them for the report."""

from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

WIDTH = 100  # where no terminal says how wide it is


class Step(msgspec.Struct):
    """One thing that happened: its name, the sentence, what stands below it, and its facts."""

    step: str
    text: str
    details: list[str]
    facts: dict[str, Any]


class Teller:
    """Says what happens, and remembers it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[Step] = []

    def chapter(self, title: str) -> None:
        """Begin the next part."""
        self.console.print()
        self.console.print(Text(title, style="bold"))

    def step(
        self, name: str, text: str, *details: str, facts: dict[str, Any] | None = None
    ) -> None:
        """Say that something happened; an indented line for each detail."""
        self.steps.append(Step(name, text, list(details), facts or {}))
        self._say("*", text, "", indent=2)
        for detail in details:
            self._say(" ", detail, "dim", indent=4)

    def _say(self, mark: str, text: str, style: str, *, indent: int) -> None:
        self.console.print(Padding.indent(Text(f"{mark} {text}".strip(), style=style), indent))


def make_console(*, to_stderr: bool) -> Console:
    """Return a console that is readable at 100 columns where it is no terminal."""
    console = Console(stderr=to_stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console
