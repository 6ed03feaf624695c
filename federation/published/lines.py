"""The lines of a robots.txt, and the rules of each agent: RFC 9309, as leniently as crawlers read.

Misspelled fields and a blank in the place of the colon are understood, as crawlers in use do
(Google's parser, Scrapy's `protego`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from federation.published.rules import BadSourceError

READ_BYTES: Final = 512_000
"""How much of a robots.txt every crawler reads at least (RFC 9309, 2.5): 500 KiB."""
ANYBODY: Final = "*"
TOLD_MAX: Final = 1_000_000
"""Lines told to all agents together: a group's are told to each of its agents."""
_ENDS: Final = re.compile(r"\r\n|\r|\n")
_OTHER_ENDS: Final = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")


class Field(StrEnum):
    """What a line is about."""

    AGENT = "user-agent"
    ALLOW = "allow"
    DISALLOW = "disallow"
    SIGNAL = "content-signal"
    USAGE = "content-usage"
    LICENCE = "license"
    SITE = "sitemap"
    """Of the whole site: it ends no group."""
    PACE = "crawl-delay"
    """How fast to fetch, which reserves nothing."""
    OTHER = "other"
    NOISE = "noise"
    """No field at all: it ends no group."""


_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        **dict.fromkeys(("user-agent", "useragent", "user agent"), Field.AGENT),
        "allow": Field.ALLOW,
        **dict.fromkeys(
            ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"),
            Field.DISALLOW,
        ),
        **dict.fromkeys(("sitemap", "sitemaps", "site-map", "host"), Field.SITE),
        **dict.fromkeys(
            (
                "crawl-delay",
                "crawl delay",
                "request-rate",
                "request rate",
                "visit-time",
                "visit time",
            ),
            Field.PACE,
        ),
    }
)
_WITH_COLON: Final[Mapping[str, Field]] = MappingProxyType(
    {
        **dict.fromkeys(("content-signal", "content-signals"), Field.SIGNAL),
        "content-usage": Field.USAGE,
        **dict.fromkeys(("license", "licence"), Field.LICENCE),
        "clean-param": Field.PACE,
    }
)


class Line(NamedTuple):
    """One line that says something."""

    number: int
    field: Field
    value: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"line {self.number}"


def splits_of(text: str) -> list[list[str]]:
    """Return the lines of a text; in both ways where crawlers would not end them alike.

    CR and LF end a line (RFC 9309, 2.2), to some readers U+2028 and its like do as well.
    """
    found = [_ENDS.split(text)]
    return found if _OTHER_ENDS.search(text) is None else [*found, text.splitlines()]


def lines_of(split: Iterable[str]) -> Iterator[Line]:
    """Yield the lines that say something, without their comments."""
    for number, raw in enumerate(split, 1):
        line = raw.partition("#")[0].strip()
        if line:
            yield _line(number, line)


def _line(number: int, text: str) -> Line:
    name, colon, value = text.partition(":")
    name, value = name.strip().lower(), value.strip()
    if colon and name in _FIELDS:
        return Line(number, _FIELDS[name], value, text)
    if colon and name in _WITH_COLON:
        return Line(number, _WITH_COLON[name], value, text)
    has_blank = text.partition(":")[2][:1].isspace() or not value
    words = text.split(None, 2)
    for count in (1, 2) if not (colon and has_blank) else ():
        field = _FIELDS.get(" ".join(words[:count]).lower())
        if field is not None:
            return Line(number, field, " ".join(text.split()[count:]), text)
    return Line(number, Field.OTHER if colon else Field.NOISE, value, text)


class Group(NamedTuple):
    """A run of agents, in small letters, and the lines that follow it."""

    agents: tuple[str, ...]
    lines: tuple[Line, ...]


def groups_of(lines: Iterable[Line]) -> list[Group]:
    """Return the groups of a file: a `User-agent` after any other line starts a new one.

    A line of the whole site, or of nothing, ends none. Lines before the first agent are nobody's.
    """
    found, agents, within = list[Group](), list[str](), list[Line]()
    is_open = True
    for line in lines:
        if line.field is Field.AGENT:
            if not is_open:
                found.append(Group(tuple(agents), tuple(within)))
                agents, within, is_open = [], [], True
            agents += _tokens(line.value)
        elif line.field not in (Field.SITE, Field.NOISE):
            is_open = False
            within.append(line)
    return [*found, Group(tuple(agents), tuple(within))]


def _tokens(value: str) -> list[str]:
    """Return the names that a line gives to an agent: itself, and itself without its `*`."""
    token = value.lower()
    if "*" not in token or token == ANYBODY:
        return [token] if token else []
    bare = token.replace("*", "")
    return [token, bare] if bare else [token]


def rules_by_agent(groups: Iterable[Group]) -> dict[str, list[Line]]:
    """Return {agent: lines of all its groups}, in their order (RFC 9309, 2.2.1).

    Groups that tell many agents much are refused before it is spelled out (BAD_SOURCE).
    """
    found: dict[str, list[Line]] = {}
    groups = list(groups)
    if sum(len(group.agents) * len(group.lines) for group in groups) > TOLD_MAX:
        raise BadSourceError(f"more than {TOLD_MAX} lines, each counted for each agent it is told")
    for group in groups:
        for agent in dict.fromkeys(group.agents):
            found.setdefault(agent, []).extend(group.lines)
    return found


def by_best_match(agents: Iterable[str], crawler: str) -> str | None:
    """Return the agent that a crawler takes for itself: the longest that its name holds, or `*`."""
    name = crawler.lower()
    found, best = None, 0
    for agent in agents:
        score = 1 if agent == ANYBODY else _score(agent, name)
        if score > best:
            found, best = agent, score
    return found


def _score(agent: str, name: str) -> int:
    at = name.find(agent)
    while at >= 0:
        if at == 0 or not (name[at - 1].isalnum() or name[at - 1] in "-_"):
            return len(agent)
        at = name.find(agent, at + 1)
    return 0


def by_product(agents: Sequence[str], crawler: str) -> tuple[str, ...]:
    """Return the agents that name a crawler, with a version or without, as `GPTBot/1.0` does."""
    name = crawler.lower()
    return tuple(agent for agent in agents if agent.partition("/")[0].strip() == name)
