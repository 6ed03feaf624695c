"""Ids that become parts of keys and scopes: of members, labs, components, tiers."""

from typing import ClassVar

from federation.errors import RefusalError


class BadIdError(RefusalError):
    """This is no id of ours."""

    code: ClassVar[str] = "BAD_ID"


def is_plain_id(text: str) -> bool:
    """Tell whether a text may be an id: not empty, no `/`, no `~` in front (SETTLEMENT §0.6).

    A `/` separates the parts of a key, and a `~` marks what stands in a party's place.
    """
    return bool(text) and not text.startswith("~") and "/" not in text


def without_code(node: str, text: str) -> str:
    """Return the id within a collective of what may be written with its code: GB:W-17."""
    return text.removeprefix(f"{node}:")


def code_of(text: str) -> str:
    """Return the collective's code of an id in the federation, GB:W-17 (BAD_ID)."""
    code, colon, own = text.partition(":")
    if not (code and colon and own):
        raise BadIdError(f"{text[:80]!r}: write the collective's code before it, GB:W-17")
    return code
