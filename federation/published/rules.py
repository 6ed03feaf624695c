"""What a published source says once read: lists of rules, and what could not be said as rules."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from federation.addresses.matching import pattern_matches, rule_length
from federation.errors import RefusalError

RULES_MAX: Final = 50_000
"""More than a robots.txt holds in what is read of it, were it of one crawler."""
LISTS_MAX: Final = 1_000
ALIKE_MAX: Final = 1_000
"""Patterns of one source that are alike up to their first `*`: whoever asks about a page that
starts so reads all of them."""
NOT_EXPRESSED_MAX: Final = 1_000
TEXT_MAX: Final = 300
_LOOKED_AT: Final = 10 * TEXT_MAX
EVERY_USE: Final = "*"
WIDER: Final = " (wider than said)"


class BadSourceError(RefusalError):
    """This is no published source that can be read."""

    code: ClassVar[str] = "BAD_SOURCE"


class SourceTooLargeError(RefusalError):
    """A published source is larger than any that is read."""

    code: ClassVar[str] = "SOURCE_TOO_LARGE"


class Kind(StrEnum):
    """How a source is written, and of how much of its site it speaks."""

    ROBOTS = "ROBOTS"
    """`/robots.txt` (RFC 9309), with what stands in it of Content-Signal and Content-Usage."""
    TDMREP = "TDMREP"
    """`/.well-known/tdmrep.json` (TDMRep, W3C Community Group, 2024)."""
    AI_TXT = "AI_TXT"
    """`/ai.txt` (Spawning): written like a robots.txt, about training and mining alone."""
    RSL = "RSL"
    """Terms of RSL 1.0."""
    HEADERS = "HEADERS"
    """The header fields with which one page was answered."""
    PAGE = "PAGE"
    """One HTML page, for its `meta` elements."""


class Rule(NamedTuple):
    """One rule: a path as an opt-out's subject writes it, and the text that it was read from."""

    path: str
    allow: bool
    place: str
    text: str


class RuleList(NamedTuple):
    """Rules that are weighed against each other and nothing else, and the uses they are about.

    `name` says whom or what they speak of. A source has as many lists as it has voices: what is
    allowed to one crawler takes nothing from what is refused to another.
    """

    name: str
    uses: tuple[str, ...]
    rules: tuple[Rule, ...]

    def winner(self, path: str) -> Rule | None:
        """Return the rule that decides about a normalised path; None if none matches.

        The longest, and of two equally long the one that allows (RFC 9309, 2.2.2).
        """
        found = [rule for rule in self.rules if rule_matches(rule.path, path)]
        return max(found, key=lambda rule: (rule_length(rule.path), rule.allow), default=None)


class NotExpressed(NamedTuple):
    """Something said that no rule of ours says exactly, where it stands, and why.

    `reserved` are the paths that are reserved in its place, which reach further; empty if nothing
    is.
    """

    place: str
    text: str
    why: str
    reserved: tuple[str, ...] = ()


class Reading(NamedTuple):
    """What was read of a source that speaks for `host`."""

    kind: Kind
    host: str
    lists: tuple[RuleList, ...]
    not_expressed: tuple[NotExpressed, ...]


def rule_matches(rule: str, path: str) -> bool:
    """Tell whether a rule's path matches a normalised path; readers write prefixes only."""
    return pattern_matches(rule, path)


def shortened(text: str) -> str:
    """Return a text as evidence shows it; of an endless one only the start is looked at."""
    plain = " ".join(text[:_LOOKED_AT].split())
    is_whole = len(plain) <= TEXT_MAX and len(text) <= _LOOKED_AT
    return plain if is_whole else plain[: TEXT_MAX - 1] + "…"


class Notes:
    """What could not be expressed, as it comes; of endless ones the first, and their number."""

    def __init__(self) -> None:
        self._notes: dict[NotExpressed, None] = {}
        self._more = 0

    def add(self, place: str, text: str, why: str, reserved: Sequence[str] = ()) -> None:
        """Note a thing once."""
        note = NotExpressed(place, shortened(text), why, tuple(reserved))
        if len(self._notes) < NOT_EXPRESSED_MAX or note in self._notes:
            self._notes[note] = None
        else:
            self._more += 1

    def all(self) -> tuple[NotExpressed, ...]:
        """Return them in the order in which they were found."""
        rest = [NotExpressed("", "", f"{self._more} more are not shown")] if self._more else []
        return (*self._notes, *rest)


_Said = tuple[tuple[str, ...], frozenset[tuple[str, bool]]]


def listed(lists: Iterable[RuleList], notes: Notes) -> tuple[RuleList, ...]:
    """Return the lists that reserve something (BAD_SOURCE if they are many, or long).

    Those that say the same are one, with the evidence of all. Where patterns are endless that are
    alike up to their first `*`, all that starts so is reserved in their place, and that is noted.
    """
    found: dict[_Said, tuple[str, dict[Rule, None]]] = {}
    for each in _few_alike(list(lists), notes):
        if any(not rule.allow for rule in each.rules):
            said = frozenset((rule.path, rule.allow) for rule in each.rules)
            _, rules = found.setdefault((each.uses, said), (each.name, {}))
            rules.update(dict.fromkeys(each.rules))
    if len(found) > LISTS_MAX:
        raise BadSourceError(f"more than {LISTS_MAX} lists of rules")
    if sum(len(rules) for _, rules in found.values()) > RULES_MAX:
        raise BadSourceError(f"more than {RULES_MAX} rules")
    return tuple(RuleList(name, uses, tuple(rules)) for (uses, _), (name, rules) in found.items())


def _few_alike(lists: list[RuleList], notes: Notes) -> list[RuleList]:
    """Return lists in which no more than 1,000 patterns of all of them start alike."""
    alike: dict[str, set[str]] = {}
    for each in lists:
        for rule in each.rules:
            if "*" in rule.path:
                alike.setdefault(_start(rule), set()).add(rule.path)
    endless = {start for start, paths in alike.items() if len(paths) > ALIKE_MAX}
    if not endless:
        return lists
    found = list[RuleList]()
    for each in lists:
        kept = tuple(rule for rule in each.rules if not _is_among(rule, endless))
        first: dict[tuple[str, bool], Rule] = {}
        for rule in each.rules:
            if _is_among(rule, endless):
                first.setdefault((_start(rule), rule.allow), rule)
        wider = list[Rule]()
        for (start, allow), rule in first.items():
            path = start if start.endswith("/") else start + "*"
            why = f"one of more than {ALIKE_MAX} patterns that start with {start}"
            notes.add(rule.place, rule.text, why, () if allow else (path,))
            wider += [] if allow else [rule._replace(path=path)]
        name = each.name.removesuffix(WIDER) + WIDER
        found += [each._replace(rules=kept), RuleList(name, each.uses, tuple(wider))]
    return found


def _start(rule: Rule) -> str:
    return rule.path.partition("*")[0]


def _is_among(rule: Rule, starts: set[str]) -> bool:
    return "*" in rule.path and _start(rule) in starts
