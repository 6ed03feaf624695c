"""What an application might make of an address: each reading is judged, the strictest decides."""

import re
from typing import Final
from urllib.parse import quote, unquote

from federation.addresses.urls import normalise_url, without_dot_segments

_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"
_EASY: Final = re.compile(r"(?:/(?!\.)[A-Za-z0-9_~!&'()+,=:@.-]+)*/?")  # but for capitals
_PARAMETERS: Final = re.compile(r";[^/]*")
_MARKS: Final = (("*", "%2a"), ("$", "%24"))  # raw, they would make a pattern


def plain_path(decoded: str) -> str:
    """Return a decoded path with only those escapes that no URL can do without."""
    return quote(decoded, safe=_PATH_SAFE, errors="replace")


def path_readings(written: str, decoded: str) -> tuple[str, ...]:
    """Return a path as written, with its escapes undone, and with doubled slashes merged."""
    return tuple(dict.fromkeys((written, decoded, _merged(decoded))))


def readings(url: str) -> list[str]:
    """Return an http(s) address in each reading of its path, as written first, without its query.

    Raises MalformedUrlError for what is none.
    """
    normalise_url(url)
    scheme, _, rest = url.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    written = slash + path or "/"
    return [
        f"{scheme}://{host}{each}" for each in path_readings(written, plain_path(unquote(written)))
    ]


def loose_readings(path: str) -> frozenset[str]:
    r"""Return what applications that are easy about addresses may take a normalised path for.

    Escapes undone once and twice, with `\` as `/`, without parameters (`;x=1`), with slashes
    merged, each of these or not, and always in small letters, so that `/A;x=1/b` is `/a/b` as well.
    At most 32, plain text: to be compared with what `loose_spelling` makes. For what is withheld
    only: a reading more refuses more.
    """
    if path and _EASY.fullmatch(path):
        return frozenset((path.lower(),))
    once = {unquote(path), unquote(_without_parameters(path))}
    found = once | {unquote(each) for each in once}
    for read in (_without_backslashes, _without_parameters, _merged):
        found |= {read(each) for each in found}
    return frozenset(_easy(without_dot_segments(each)) for each in found)


def loose_spelling(subject: str) -> str:
    """Return the normalised path of a subject, or its pattern, as `loose_readings` spells paths."""
    end = "$" if subject.endswith("$") else ""
    if _EASY.fullmatch(subject.removesuffix("$")):
        return subject.lower()
    pieces = subject.removesuffix("$").split("*")
    return "*".join(_easy(unquote(piece)) for piece in pieces) + end


def _without_parameters(path: str) -> str:
    return _PARAMETERS.sub("", path)


def _without_backslashes(path: str) -> str:
    return path.replace("\\", "/")


def _merged(path: str) -> str:
    return re.sub("/+", "/", path)


def _easy(text: str) -> str:
    text = text.lower()
    for mark, escape in _MARKS:
        text = text.replace(mark, escape)
    return text
