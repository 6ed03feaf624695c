"""Which user agents are crawlers of AI companies. A publisher may put another rule in its place.

The list is data, `crawlers.toml`, each entry with where its name is documented. A name is a claim,
not a proof; whoever hides it is a matter for the publisher's bot defence.
"""

import re
import tomllib
from datetime import date
from importlib.resources import files
from typing import Annotated, Final

import msgspec
from msgspec import Meta

_LIST: Final = "crawlers.toml"


_Text = Annotated[str, Meta(min_length=1)]
_Source = Annotated[str, Meta(pattern=r"\Ahttps://")]


class Crawler(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A crawler by its product token, who runs it, and where and when that was looked up."""

    token: _Text
    maker: _Text
    source: _Source
    date: date


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    crawler: tuple[Crawler, ...]


def read_crawlers(text: str) -> tuple[Crawler, ...]:
    """Read a list of crawlers; an entry without a source or a date is refused (ValueError)."""
    return msgspec.convert(tomllib.loads(text), _List).crawler


AI_CRAWLERS: Final = read_crawlers((files(__package__) / _LIST).read_text(encoding="utf-8"))
_TOKENS: Final = re.compile(
    rf"(?<![\w./%-])(?:{'|'.join(re.escape(item.token) for item in AI_CRAWLERS)})(?![\w.-])",
    re.IGNORECASE,
)


def is_ai_crawler(agent: str) -> bool:
    """Tell whether a user agent holds the whole product token of a known crawler, in any case."""
    return _TOKENS.search(agent) is not None
