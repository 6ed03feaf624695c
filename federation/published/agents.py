"""Which uses a crawler fetches for: a name in a published file, and what is refused by it.

The names are those of the gate's dated list; whatever is not said here of one that is there for AI
fetches for every use of AI. A name says what its operator says of it, so the table has a date.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from federation.gate.crawlers import AGENTS
from federation.rsl.words import AI_USAGES, uses_of

TRAINING: Final = tuple(uses_of(["ai-train"]))
INPUT: Final = tuple(uses_of(["ai-input"]))
INDEXING: Final = tuple(uses_of(["ai-index"]))
SEARCHING: Final = tuple(uses_of(["search"]))
AI_USES: Final = tuple(uses_of(AI_USAGES))

AS_OF: Final = max(AGENTS.as_of, date(2026, 11, 27))
_OURS: Final = frozenset({"federation-site-doctor"})

_NARROWER: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        TRAINING: (
            "anthropic-ai",
            "Applebot-Extended",
            "ClaudeBot",
            "cohere-training-data-crawler",
            "GPTBot",
            "img2dataset",
            "laion-huggingface-processor",
            "LAIONDownloader",
        ),
        INPUT: (
            "Amzn-User",
            "ChatGPT Agent",
            "ChatGPT-User",
            "Claude-User",
            "DuckAssistBot",
            "Gemini-Deep-Research",
            "Google-GeminiNotebook",
            "Google-NotebookLM",
            "GoogleAgent-Mariner",
            "GoogleAgent-URLContext",
            "Kimi-User",
            "Manus-User",
            "meta-externalfetcher",
            "MistralAI-User",
            "NotebookLM",
            "NovaAct",
            "Perplexity-User",
        ),
        (*INPUT, *INDEXING): (
            "Amzn-SearchBot",
            "AzureAI-SearchBot",
            "Claude-SearchBot",
            "ExaSearchBot",
            "OAI-SearchBot",
            "PerplexityBot",
            "YouBot",
        ),
        (*TRAINING, *INPUT): ("Google-Extended",),
    }
)
_USES: Final = {name.lower(): uses for uses, names in _NARROWER.items() for name in names}
AGENT_USES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        agent.pattern: _USES.get(agent.pattern.lower(), AI_USES)
        for agent in AGENTS.agents
        if agent.purpose == "ai" and agent.pattern not in _OURS
    }
)
"""{name of an AI crawler, as its operator writes it: our uses that it fetches for}."""
_OTHER_PURPOSES: Final = {
    agent.pattern.lower(): agent.purpose for agent in AGENTS.agents if agent.purpose != "ai"
}


def purpose_of(name: str) -> str | None:
    """Return what a crawler that is none of AI fetches for; None if nobody here knows it."""
    return _OTHER_PURPOSES.get(name.lower())


def in_order(uses: Iterable[str]) -> tuple[str, ...]:
    """Return uses once each, in the one order in which they are written."""
    found = set(uses)
    return tuple(use for use in (*AI_USES, *SEARCHING) if use in found)
