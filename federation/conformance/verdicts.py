"""Rules, each with a name, a sentence and a source, and what became of each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from federation.errors import RefusalError

if TYPE_CHECKING:
    from federation.conformance.trial import Trial

SHOWN_MAX: Final = 300
"""So many characters are shown of what was sent and of what came."""


class BadTrialError(RefusalError):
    """A trial cannot be held as it was asked for."""

    code: ClassVar[str] = "BAD_TRIAL"


class Outcome(StrEnum):
    """What became of a rule."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_TRIED = "NOT TRIED"


class BrokenError(Exception):
    """The node broke the rule: why, what was sent, and what came."""

    def __init__(self, reason: str, sent: str = "", came: str = "") -> None:
        self.reason, self.sent, self.came = reason, sent, came
        super().__init__(reason)


class NotTriedError(Exception):
    """The rule cannot be tried; the text says why."""


Check = Callable[["Trial"], Awaitable[None]]
"""Tries a rule: raises BrokenError or NotTriedError, and returns where the node keeps it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the federation relies on. What stands before the dot of its name is its group.

    `sentence` says what a node does that keeps it, `source` where that is decided.
    """

    name: str
    sentence: str
    source: str
    check: Check


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a rule; of one that failed, what was sent and what came, cut short."""

    rule: Rule
    outcome: Outcome
    reason: str = ""
    sent: str = ""
    came: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it for programs, without what is empty."""
        found = {
            "rule": self.rule.name,
            "verdict": self.outcome.value,
            "sentence": self.rule.sentence,
            "source": self.rule.source,
            "reason": self.reason,
            "sent": self.sent,
            "came": self.came,
        }
        return {name: text for name, text in found.items() if text}


class Rules:
    """The rules of one module, in their order."""

    def __init__(self) -> None:
        self.all: list[Rule] = []

    def rule(self, name: str, source: str) -> Callable[[Check], Check]:
        """Make a rule of a check: the first line of its docstring is the sentence."""

        def made(check: Check) -> Check:
            sentence = (check.__doc__ or "").strip().partition("\n")[0]
            self.all.append(Rule(name, sentence, source, check))
            return check

        return made


def short(text: str | bytes) -> str:
    """Return the beginning of what was sent or came, on one line, as it can be printed."""
    found = text[: SHOWN_MAX * 4].decode("utf-8", "replace") if isinstance(text, bytes) else text
    plain = "".join(one if one.isprintable() else " " for one in found)
    plain = " ".join(plain.split())
    return plain if len(plain) <= SHOWN_MAX else f"{plain[: SHOWN_MAX - 1]}…"
