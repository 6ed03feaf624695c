"""Which visitors are asked for a licence, by what their user agents say.

The list is data, `crawlers.json`, shared by the kits of every language: patterns that an agent
holds, in any case, who operates it and what for. A name is a claim, not a proof; whoever hides it
is a matter for the publisher's bot defence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

_LIST: Final = "crawlers.json"
BROWSERS: Final = ("mozilla/", "opera/")
_Text = Annotated[str, Meta(min_length=1, max_length=100)]


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Visitors of one name: `ai` is asked for a licence, the other purposes pass."""

    pattern: _Text
    operator: _Text
    purpose: Literal["ai", "search", "feed", "monitor", "preview"]


class AgentList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list as it was on a day."""

    as_of: date
    agents: tuple[Agent, ...]


def read_agents(text: str) -> AgentList:
    """Read a list; an entry that lacks something, or has more, is refused (ValueError)."""
    return msgspec.json.decode(text, type=AgentList)


AGENTS: Final = read_agents((files(__package__) / _LIST).read_text(encoding="utf-8"))


def _lower(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(pattern.lower() for pattern in patterns)


_AI: Final = _lower(each.pattern for each in AGENTS.agents if each.purpose == "ai")
_OTHERS: Final = _lower(each.pattern for each in AGENTS.agents if each.purpose != "ai")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlerRule:
    """A site's own rule upon the list: patterns that are asked as well, and that always pass.

    With `unnamed` whoever names no browser and is not on the list is asked, and an empty agent.
    """

    unnamed: bool = False
    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def asks(self, agent: str) -> bool:
        """Tell whether whoever shows this user agent is asked for a licence."""
        said = agent.lower()
        if _holds(said, _lower(self.never)):
            return False
        if _holds(said, _lower(self.also)) or _holds(said, _AI):
            return True
        return self.unnamed and not _holds(said, _OTHERS) and not _holds(said, BROWSERS)


def name_of(agent: str) -> str:
    """Return by which name a visitor is counted: its pattern on the list, `unnamed` or `other`.

    Never the agent itself, which is whatever a stranger writes.
    """
    said = agent.lower()
    for purposes in (("ai",), ("search", "feed", "monitor", "preview")):
        for each in AGENTS.agents:
            if each.purpose in purposes and each.pattern.lower() in said:
                return each.pattern
    return "other" if _holds(said, BROWSERS) else "unnamed"


def _holds(said: str, patterns: Iterable[str]) -> bool:
    return any(pattern in said for pattern in patterns)
