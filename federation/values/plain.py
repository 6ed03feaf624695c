"""Text and JSON that every part of a server can keep: no U+0000, no value nested too deeply.

Why bytes are no JSON is said here as well, with the place.

PostgreSQL has U+0000 in no text, and no rule reads deeper than 32 levels.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar, cast

import msgspec

from federation.errors import RefusalError

DEPTH_MAX = 32
VALUES_MAX = 20_000
_SHOWN_MAX = 200
_LOOKED_AT_MAX = 1024 * 1024  # bytes, some 50 ms
# All that stands before an escape of half a surrogate pair that lacks its other half. Nothing that
# was read is read again (`++`), so time is linear in what is read.
_TO_HALF = re.compile(
    rb"""(?: [^\\]++
           | \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
           | \\u(?![dD][89a-fA-F])
           | \\[^u]
         )*+
         (?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})""",
    re.VERBOSE | re.DOTALL,
)
_TO_ZERO = re.compile(rb"(?:[^\\]++|\\u(?!0000)|\\[^u])*+(?P<zero>\\u0000)", re.DOTALL)


class BadTextError(RefusalError):
    """A text holds U+0000."""

    code: ClassVar[str] = "BAD_TEXT"


class TooDeepError(RefusalError):
    """A value is nested too deeply."""

    code: ClassVar[str] = "TOO_DEEP"


class TooManyValuesError(RefusalError):
    """Too many values are sent at once."""

    code: ClassVar[str] = "TOO_MANY_VALUES"


def require_plain_text(text: str, place: str) -> str:
    """Return the text, or refuse it and name where in it U+0000 stands."""
    at = text.find("\x00")
    if at >= 0:
        raise BadTextError(f"{place}: character {at + 1}")
    return text


def require_plain(value: Any, place: str = "$", values_max: int = VALUES_MAX) -> None:
    """Refuse a decoded JSON value that holds U+0000, is nested too deeply or holds too much.

    So deep is more than 32 levels, so much more than `values_max` values. The refusal names the
    place as a path. Nothing here calls itself: depth costs no stack.
    """
    waiting: list[tuple[Any, str, int]] = [(value, place, 0)]
    seen = 0
    while waiting:
        found, where, depth = waiting.pop()
        seen += 1
        if isinstance(found, str):
            require_plain_text(found, where)
            continue
        inside = list(islice(_inside(found, where), values_max + 1))
        if inside and depth >= DEPTH_MAX:
            raise TooDeepError(f"{where}: more than {DEPTH_MAX} levels")
        waiting += [(inner, step, depth + 1) for inner, step in inside]
        if seen + len(waiting) > values_max:
            raise TooManyValuesError(f"{where}: {values_max} are taken")


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

    Other JSON, and what is no JSON, is left to whoever reads it; most is not looked at here. What
    is large is not read into values, which may be many times larger: the place is a byte of it.
    """
    if b"\\u0000" not in body:
        return
    if len(body) > _LOOKED_AT_MAX:
        found = _TO_ZERO.match(body)
        if found is not None:
            raise BadTextError(f"byte {found.start('zero') + 1}")
        return
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise TooDeepError from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    require_plain(value, values_max=len(body))


def why_unread(body: bytes, error: Exception) -> str:
    """Say why a body was not read as JSON: half a surrogate pair and its place, or what `error` is.

    JSON can escape such a half (RFC 8259 §8.2), but no text holds it; the reader does not say so.
    One beyond the first MiB is not looked for.
    """
    found = _TO_HALF.match(body, 0, _LOOKED_AT_MAX) if b"\\ud" in body or b"\\uD" in body else None
    if found is None:
        return str(error)
    half = found["half"].decode()
    return f"byte {found.start('half') + 1}: {half} is half of a surrogate pair, which is no text"
