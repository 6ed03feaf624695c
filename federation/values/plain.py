"""Text and JSON that every part of a server can keep: no U+0000, no value nested too deeply.

PostgreSQL has U+0000 in no text, and no rule reads deeper than 32 levels.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

import msgspec

from federation.errors import RefusalError

DEPTH_MAX = 32
_SHOWN_MAX = 200


class BadTextError(RefusalError):
    """A text holds U+0000."""

    code: ClassVar[str] = "BAD_TEXT"


class TooDeepError(RefusalError):
    """A value is nested too deeply."""

    code: ClassVar[str] = "TOO_DEEP"


def require_plain_text(text: str, place: str) -> str:
    """Return the text, or refuse it and name where in it U+0000 stands."""
    at = text.find("\x00")
    if at >= 0:
        raise BadTextError(f"{place}: character {at + 1}")
    return text


def require_plain(value: Any, place: str = "$") -> None:
    """Refuse a decoded JSON value that holds U+0000 or is nested deeper than 32 levels.

    The refusal names the place as a path. Nothing here calls itself: depth costs no stack.
    """
    waiting: list[tuple[Any, str, int]] = [(value, place, 0)]
    while waiting:
        found, where, depth = waiting.pop()
        if isinstance(found, str):
            require_plain_text(found, where)
            continue
        inside = list(_inside(found, where))
        if inside and depth >= DEPTH_MAX:
            raise TooDeepError(f"{where}: more than {DEPTH_MAX} levels")
        waiting += [(inner, step, depth + 1) for inner, step in inside]


def _inside(found: Any, where: str) -> Iterator[tuple[Any, str]]:
    """Yield what a value holds, each with its place; a value that holds nothing yields nothing."""
    if isinstance(found, list):
        for number, inner in enumerate(cast("list[object]", found)):
            yield inner, f"{where}[{number}]"[:_SHOWN_MAX]
    elif isinstance(found, dict):
        for name, inner in cast("dict[str, object]", found).items():
            yield inner, f"{where}.{require_plain_text(name, where)}"[:_SHOWN_MAX]


def require_plain_json(body: bytes) -> None:
    """Refuse JSON with U+0000 in a text (BAD_TEXT), and name its place.

    Other JSON, and what is no JSON, is left to whoever reads it; most is not looked at here.
    """
    if b"\\u0000" not in body:
        return
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise TooDeepError from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    require_plain(value)
