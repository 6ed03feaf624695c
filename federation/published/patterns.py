"""A path of a published rule as the subject of an opt-out: exactly, or what reaches further.

RFC 9309 reads a path as a prefix, without regard to `/`: `/a` is `/a*` here. What a subject cannot
say (a query, more than 16 `*`, a path that starts nowhere) is reserved in the longest path that
holds all of it, and said to be so; what is allowed there is not allowed.
"""

import re
from typing import Final, NamedTuple

from federation.addresses.urls import MAX_STARS, normalise_path

PATH_MAX: Final = 600
"""Characters of a path: escaped, 12 of each at most, they are fewer than an address may have."""
_QUERY: Final = "a query, which addresses do not have here"
_STARS: Final = re.compile(r"\*+")
# `\ufffd` stands for bytes that are no UTF-8: which address was meant, nobody knows.
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffd]")
_DOTS: Final = re.compile(r"/\.\.?(?=/|\Z)")
_ABSOLUTE: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_RESERVED: Final = re.compile(r"[:@!&'()+,;=]")
_ESCAPED: Final = re.compile(r"%(3A|40|21|26|27|28|29|2B|2C|3B|3D)")


class Pattern(NamedTuple):
    """What became of a written path.

    `paths` are its spellings as subjects of an opt-out, none if it names nothing. `rank` is its own
    length, by which its file weighs it. `why` says what could not be said; None if it is exact.
    `literally` is what some crawlers refuse as well: a `$` at its end as the character.
    """

    paths: tuple[str, ...]
    rank: int
    why: str | None = None
    literally: tuple[str, ...] = ()


def read_pattern(written: str) -> Pattern:
    """Return what a path of RFC 9309 reaches."""
    rank = len(_spelled(written, escape=True))
    text, why = _placed(_STARS.sub("*", written))
    cut, reason, end = _cut(text)
    why = reason or why
    if reason == _QUERY and "*" in cut and not cut.strip("/*"):
        return Pattern((), rank, "it speaks of queries alone, and addresses have none here")
    literally = (_subject(cut + "%24"),) if text.endswith("$") and why is None else ()
    return Pattern(_subjects(cut + end), rank, why, literally)


def literal(path: str) -> str:
    """Return the subject that is one page alone, by its normalised path."""
    return path + "$"


def _placed(written: str) -> tuple[str, str | None]:
    """Return a path that starts at the root, and why it is not as it was written."""
    absolute = _ABSOLUTE.match(written)
    if absolute is not None:
        return written[absolute.end() :] or "/", "an address in the place of a path"
    if written.startswith("*"):
        return "/" + written, None
    if written.startswith("/"):
        return written, None
    return "/" + written, "a path that does not start with /"


def _cut(text: str) -> tuple[str, str | None, str]:
    """Return as much of a path as a subject can say, why no more, and `$` if it ends there."""
    is_anchored = text.endswith("$")
    body = text.removesuffix("$")
    ends: list[tuple[int, str | None, str]] = [(len(body), None, "$" if is_anchored else "")]
    if (query := body.find("?")) >= 0:
        ends.append((query, _QUERY, "$"))
    if (star := _place_of(body, "*", MAX_STARS + 1)) >= 0:
        ends.append((star, f"more than {MAX_STARS} * in a pattern", ""))
    if (unreadable := _UNREADABLE.search(body)) is not None:
        ends.append((unreadable.start(), "a character that no address has", ""))
    if (dots := _dots(body, is_anchored=is_anchored)) >= 0:
        ends.append((dots, "a step to . or .. in a pattern", ""))
    if len(body) > PATH_MAX:
        ends.append((PATH_MAX, f"a path of more than {PATH_MAX} characters", ""))
    end, why, anchor = min(ends, key=lambda each: each[0])
    return body[:end], why, anchor


def _dots(body: str, *, is_anchored: bool) -> int:
    """Return where a pattern has a segment `.` or `..`, which addresses have no more; else -1.

    At the end of a pattern that is a prefix it is the start of a name, as in `/*/.git`.
    """
    if "*" not in body:
        return -1
    is_closed = is_anchored or body.count("*") >= MAX_STARS
    dots = _DOTS.search(body if is_closed else body + "*")
    return -1 if dots is None else dots.start() + 1


def _place_of(text: str, mark: str, count: int) -> int:
    """Return where a mark stands for the count-th time, -1 if it does not."""
    at = -1
    for _ in range(count):
        at = text.find(mark, at + 1)
        if at < 0:
            return -1
    return at


def _subjects(text: str) -> tuple[str, ...]:
    """Return the spellings of a path that crawlers take for one: escapes of `&` and its like."""
    as_written = _subject(text)
    spellings = [as_written, _respelled(as_written, escape=False)]
    spellings.append(_respelled(as_written, escape=True))
    return tuple(dict.fromkeys(spellings))


def _subject(text: str) -> str:
    if text.endswith("$"):
        return normalise_path(text[:-1], stars=True) + "$"
    stars = text.count("*")
    is_prefix = stars > 0 and not text.endswith(("*", "/.", "/.."))
    if is_prefix or stars >= MAX_STARS or (stars == 0 and text.endswith("/")):
        return normalise_path(text, stars=True)
    return normalise_path(text + "*", stars=True)


def _respelled(path: str, *, escape: bool) -> str:
    if escape:
        return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", path)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), path)


def _spelled(written: str, *, escape: bool) -> str:
    """Return a written path with one spelling, for its length."""
    body = written.removesuffix("$")
    spelled = _respelled(normalise_path(body + "*", stars=True)[:-1], escape=escape)
    return spelled + written[len(body) :]
