"""Which user agents a licence names, as the collective told the publisher. One can be forged."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from federation.accesslogs.hits import Kind
from federation.errors import RefusalError
from federation.gate.crawlers import CrawlerRule

_AGENTS_KEPT: Final = 20_000
_AGENT_CHARS_KEPT: Final = 512
_FILE_BYTES_MAX: Final = 1 << 20
_Text = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+\Z")]


class AgentsFileError(RefusalError):
    """The file that says which agents a licence names cannot be read."""

    code: ClassVar[str] = "BAD_AGENTS_FILE"


class NamedAgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent that a licence names, for one use, from one day to another, both included (UTC)."""

    agent: _Text
    licence: _Text
    use: _Text
    from_: date = msgspec.field(name="from")
    to: date


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: date
    agents: Annotated[list[NamedAgent], Meta(max_length=1_000)]


def read_agents(path: Path) -> list[NamedAgent]:
    """Return the agents that a file names; one that two licences name on one day is refused."""
    try:
        with path.open("rb") as file:
            named = msgspec.json.decode(file.read(_FILE_BYTES_MAX), type=_File).agents
    except OSError as error:
        raise AgentsFileError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AgentsFileError(f"{path}: {error}") from None
    for place, one in enumerate(named):
        if one.to < one.from_:
            raise AgentsFileError(f"{one.agent}: it ends before it begins")
        for other in named[:place]:
            is_same = one.agent.lower() == other.agent.lower()
            if is_same and one.from_ <= other.to and other.from_ <= one.to:
                raise AgentsFileError(f"{one.agent}: two licences on one day")
    return named


class Agents(dict[str, Kind]):
    """{user agent: whose it is}, looked at once per agent, bounded.

    Of agents that no licence names, `rule` says which are crawlers, as it does at the site's gate.
    """

    def __init__(self, named: list[NamedAgent], rule: CrawlerRule) -> None:
        super().__init__()
        self._rule = rule
        self._named: dict[str, list[NamedAgent]] = {}
        for one in named:
            self._named.setdefault(one.agent.lower(), []).append(one)
        # Longest first: an agent may hold the name of another.
        names = sorted(self._named, key=len, reverse=True)
        self._names = re.compile(
            rf"(?<![\w./%-])(?:{'|'.join(map(re.escape, names)) or '(?!)'})(?![\w.-])",
            re.IGNORECASE,
        )

    def __missing__(self, agent: str) -> Kind:
        """Look at an agent that is new, and remember it."""
        kind = self._kind(agent)
        if len(self) >= _AGENTS_KEPT:
            self.clear()
        if len(agent) <= _AGENT_CHARS_KEPT:
            self[agent] = kind
        return kind

    def _kind(self, agent: str) -> Kind:
        if self.named(agent):
            return Kind.NAMED
        return Kind.CRAWLER if self._rule.asks(agent) else Kind.PERSON

    def named(self, agent: str) -> list[NamedAgent]:
        """Return what licences say of an agent whose product token they name, whole."""
        found = self._names.search(agent)
        return [] if found is None else self._named[found[0].lower()]
