"""Words by which publishers allow or refuse uses, and our uses in them: a dated table.

Labels of the IETF's AI Preferences are not stable: those of its drafts stand here side by side.
"""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from federation.published.agents import AI_USES, INDEXING, INPUT, SEARCHING, TRAINING
from federation.published.rules import EVERY_USE

AS_OF: Final = date(2026, 11, 27)
LABELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "search": SEARCHING,
        # Content Signals
        "ai-train": TRAINING,
        "ai-input": INPUT,
        # AI Preferences (Content-Usage), its drafts of 2025 and 2026
        "train-ai": TRAINING,
        "train-genai": TRAINING,
        "genai": TRAINING,
        "ai": AI_USES,
        "ai-use": (*INPUT, *INDEXING),
        "ai-output": INPUT,
        "ai-index": INDEXING,
        "tdm": AI_USES,
        "bots": (EVERY_USE,),
        "all": (EVERY_USE,),
    }
)
MEMBERS_MAX: Final = 100
_UNREADABLE: Final = "this is no label with its value"
_YES: Final = frozenset({"y", "yes", "?1", "1", "true", "allow"})
_NO: Final = frozenset({"n", "no", "?0", "0", "false", "disallow"})
_MEMBER: Final = re.compile(r"([a-z*][a-z0-9_.*-]{0,63})\s*(?:=\s*([^\s;]{1,64}))?\s*(?:;.*)?")


class Said(NamedTuple):
    """What one label says: allowed, refused, or None with the reason why that is not known."""

    label: str
    allow: bool | None
    why: str = ""


def read_labels(text: str) -> list[Said]:
    """Return what a dictionary of labels says (RFC 9651, 3.2): the last of one label counts.

    A member that is none is said to be so; the others are read nonetheless, for what they refuse.
    """
    found: dict[str, Said] = {}
    members = text.split(",")
    for member in members[:MEMBERS_MAX]:
        said = _member(member.strip())
        found.pop(said.label, None)
        found[said.label] = said
    if len(members) > MEMBERS_MAX:
        found[""] = Said("", None, f"more than {MEMBERS_MAX} labels")
    if not any(said.why == _UNREADABLE for said in found.values()):
        return list(found.values())
    return [
        Said(said.label, None, "allowed beside something that cannot be read")
        if said.allow
        else said
        for said in found.values()
    ]


def _member(text: str) -> Said:
    found = _MEMBER.fullmatch(text.lower())
    if found is None:
        return Said(text, None, _UNREADABLE)
    label, value = found[1], (found[2] or "?1").strip('"')
    if label not in LABELS:
        return Said(label, None, f"a label that nobody knew on {AS_OF}")
    if value in _NO:
        return Said(label, False)
    return Said(label, True) if value in _YES else Said(label, None, "neither y nor n")
