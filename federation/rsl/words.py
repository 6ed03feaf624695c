"""The words of RSL 1.0: what may be permitted or prohibited, and our uses in them."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

NAMESPACE: Final = "https://rslstandard.org/rsl"
MEDIA_TYPE: Final = "application/rsl+xml"
ALL: Final = "all"
AI_USAGES: Final = ("ai-train", "ai-input", "ai-index")
USAGES: Final = (*AI_USAGES, "search")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {ALL: USAGES, "ai-all": AI_USAGES, **{usage: (usage,) for usage in USAGES}}
)
OLD_USAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"train-ai": "ai-train", "ai-inference": "ai-input", "search-ai": "ai-input"}
)
USERS: Final = frozenset({"commercial", "non-commercial", "education", "government", "personal"})
PAYMENTS: Final = frozenset(
    {"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"}
)
OLD_PAYMENTS: Final[Mapping[str, str]] = MappingProxyType({"inference": "use"})
FREE_PAYMENTS: Final = frozenset({"attribution", "free"})
REPORTS: Final = frozenset({"telemetry", "provenance", "audit"})
PLACE: Final = re.compile(r"[A-Z]{2}")
OTHER_PLACES: Final[Mapping[str, str]] = MappingProxyType({"EL": "GR", "UK": "GB"})
"""{what the EU's own texts write: the code of ISO 3166-1}; to RSL they are the same places."""
EU: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - read as a table
)

USAGE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRAIN": "ai-train",
        "FINE_TUNE": "ai-train",  # RSL knows no finer grade
        "GROUND": "ai-input",
        "RAG": "ai-input",
        "PROMPT_INPUT": "ai-input",
        "INDEX": "ai-index",
        "SEARCH": "search",
    }
)
"""{use: usage of RSL} of our uses. One that is not here is not sold by RSL."""


def usages_of(uses: Iterable[str]) -> tuple[str, ...]:
    """Return the usages that some uses are, in the one order in which they are written."""
    found = {USAGE_OF[use] for use in uses if use in USAGE_OF}
    return tuple(usage for usage in USAGES if usage in found)


def uses_of(usages: Iterable[str]) -> list[str]:
    """Return every use of ours that is one of some usages: in their order, then in ours."""
    return [use for usage in usages for use, its in USAGE_OF.items() if its == usage]
