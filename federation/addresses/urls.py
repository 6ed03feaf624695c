"""What a URL, a claim or an opt-out's subject says once normalised (SETTLEMENT §3.9 to §3.12).

Pure text, in time linear in its length: nothing is fetched or resolved, and who holds a claim is
not known here.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from string import ascii_letters, digits
from typing import ClassVar
from unicodedata import category
from urllib.parse import quote

import idna
import msgspec

from federation.errors import RefusalError

RULES = "1.1"  # the version of the rules of matching that stands here
MAX_URL_LENGTH = 8192
URLS_MAX = 1_000  # of one question
MAX_HOST_LENGTH = 253
MAX_PORT_DIGITS, MAX_PORT = 5, 65535
MAX_STARS = 16
UNDRESSED_PORTS = frozenset({"", "80", "443"})  # the scheme does not matter

_PLAIN = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)(?::80|:443)?"
    r"(/[A-Za-z0-9._~!&'()+,;=:@/-]*)?(?:[?#][!-~]*)?"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY_PATH = re.compile(r"([^/?#]*)([^?#]*)")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::([0-9]*))?")
_LABELS = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(ascii_letters + digits + "-._~")
# What a path holds as it is, less `*` and `$`: raw, they make a pattern of an opt-out's path.
_PATH_SAFE = "/:@!&'()+,;=%-._~"


class MalformedUrlError(RefusalError):
    """This is not an http or https URL with a host."""

    code: ClassVar[str] = "MALFORMED_URL"


class TooManyUrlsError(RefusalError):
    """A question names 1 to 1,000 URLs."""

    code: ClassVar[str] = "TOO_MANY_URLS"


class MalformedClaimError(RefusalError):
    """This is not a claim: `host`, `host/path` or `*.host/path`, also as an http(s) URL."""

    code: ClassVar[str] = "MALFORMED_CLAIM"


class UrlKey(msgspec.Struct, frozen=True, gc=False):
    """The `host/path` of a URL: what two spellings of one URL have in common.

    One is made for every usage line, so it is a struct, a sixth of the price of a dataclass.
    """

    host: str
    path: str

    @classmethod
    def of(cls, text: str) -> "UrlKey":
        """Return the key that `text` writes."""
        host, slash, path = text.partition("/")
        return cls(host, slash + path)

    @property
    def text(self) -> str:
        """Return the key as one text."""
        return self.host + self.path


class ClaimKey(msgspec.Struct, frozen=True, gc=False):
    """A URL and what lies below it; with `wildcard` also on every subdomain of the host.

    In an opt-out's subject a path with a raw `*`, or a raw `$` at its end, is a pattern
    (`addresses.matching`); no other normalised path holds either.
    """

    host: str
    path: str
    wildcard: bool

    @property
    def text(self) -> str:
        """Return the key as a claim is written: `*.h/p` or `h/p`."""
        return f"*.{self.host}{self.path}" if self.wildcard else self.host + self.path


def normalise_url(url: str) -> UrlKey:
    """Return the key of an http or https URL; an ordinary one costs one regular expression."""
    plain = _PLAIN.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if plain is not None:
        host, path = plain.groups()
        if path is None:
            path = "/"
        if "/." not in path and len(host) <= MAX_HOST_LENGTH:
            return UrlKey(host.lower(), path)
    _refuse_unreadable(url)
    scheme = _SCHEME.match(url)
    if scheme is None or scheme[1].lower() not in {"http", "https"}:
        raise MalformedUrlError("neither http nor https")
    authority, path = _split(url[scheme.end() :])
    return UrlKey(_host(authority.rpartition("@")[2]), normalise_path(path))


def check_count(urls: Sequence[str]) -> None:
    """Refuse a question about no URL, or about more than 1,000 (TOO_MANY_URLS)."""
    if not 1 <= len(urls) <= URLS_MAX:
        raise TooManyUrlsError


def keys_of(urls: Sequence[str]) -> dict[str, UrlKey]:
    """Return {URL: key} of 1 to 1,000 URLs; what is no URL is left out (TOO_MANY_URLS)."""
    check_count(urls)
    found = {}
    for url in urls:
        with suppress(MalformedUrlError):
            found[url] = normalise_url(url)
    return found


def normalise_claim(text: str) -> ClaimKey:
    """Return the key of a claim, with or without http(s)://; it is refused, never shortened."""
    return _read_claim(text, _claim_path)


def normalise_subject(text: str) -> ClaimKey:
    """Return the key of an opt-out's subject: a claim, or one whose path is a pattern."""
    return _read_claim(text, _subject_path)


def normalise_canonical(text: str) -> UrlKey:
    """Return the key of a canonical URL, which names one URL and no subdomains."""
    claim = normalise_claim(text)
    if claim.wildcard:
        raise MalformedClaimError("a canonical URL has no wildcard")
    return UrlKey(claim.host, claim.path)


def normalise_path(raw: str, *, stars: bool = False) -> str:
    """Return a path with one spelling for each character and without dot segments.

    With `stars` a raw `*` is kept, as in a pattern; else it becomes an escape.
    """
    escaped = quote(raw, safe=_PATH_SAFE + "*" if stars else _PATH_SAFE)
    return without_dot_segments(_ESCAPE.sub(_one_spelling, escaped)) if escaped else "/"


def _read_claim(text: str, read_path: Callable[[str], str]) -> ClaimKey:
    try:
        return _claim_key(text, read_path)
    except MalformedUrlError as error:
        raise MalformedClaimError(error.detail) from error


def _claim_key(text: str, read_path: Callable[[str], str]) -> ClaimKey:
    _refuse_unreadable(text)
    if "?" in text or "#" in text:
        raise MalformedUrlError("a query or fragment, which no claim has")
    authority, path = _split(_without_scheme(text))
    if "@" in authority:
        raise MalformedUrlError("user information, which no claim has")
    rest = authority.removeprefix("*.")
    if "*" in rest:
        raise MalformedUrlError("a * stands only before the whole host")
    return ClaimKey(_host(rest), read_path(path), authority.startswith("*."))


def _claim_path(raw: str) -> str:
    if "*" in raw or "$" in raw:
        raise MalformedUrlError("a raw * or $ in the path: the characters are %2A and %24")
    return normalise_path(raw)


def _subject_path(raw: str) -> str:
    """Return a path, or a pattern with its `*` and the `$` at its end (SETTLEMENT §3.15)."""
    if raw.count("*") > MAX_STARS:
        raise MalformedUrlError(f"more than {MAX_STARS} * in a pattern")
    if raw.endswith("$"):
        return normalise_path(raw[:-1], stars=True) + "$"
    return normalise_path(raw, stars=True)


def _without_scheme(text: str) -> str:
    """Drop http(s):// from a claim; any other scheme is refused."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return text
    if scheme[1].lower() not in {"http", "https"}:
        raise MalformedUrlError("neither http nor https")
    return text[scheme.end() :]


def _refuse_unreadable(text: str) -> None:
    """Refuse what no URL holds: endless text, control and half characters, unseen ends."""
    if len(text) > MAX_URL_LENGTH:
        raise MalformedUrlError(f"longer than {MAX_URL_LENGTH} characters")
    if _CONTROL.search(text):
        raise MalformedUrlError("a control character")
    if any(end.isspace() or category(end) == "Cf" for end in (text[:1], text[-1:]) if end):
        raise MalformedUrlError("white space or an invisible character at an end")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedUrlError("a lone surrogate") from error


def _split(rest: str) -> tuple[str, str]:
    r"""Split what follows `//` into authority and path (RFC 3986, 3.2).

    A `\` is refused: browsers and crawlers read it as `/`, others do not.
    """
    match = _AUTHORITY_PATH.match(rest)
    authority, path = match.groups() if match else ("", "")
    if "\\" in authority or "\\" in path:
        raise MalformedUrlError("a \\ before the query")
    return authority, path


def _host(authority: str) -> str:
    """Return the host with any port but 80 and 443."""
    match = _HOST_PORT.fullmatch(authority)
    if match is None:
        raise MalformedUrlError("no host and port")
    host, port = _name(match[1]), (match[2] or "").lstrip("0")
    if len(port) > MAX_PORT_DIGITS or int(port or 0) > MAX_PORT:
        raise MalformedUrlError("no such port")
    if match[2] and not port:
        port = "0"
    return host if port in UNDRESSED_PORTS else f"{host}:{port}"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    """Return a host name in the form it is compared in; an ASCII one is only lower-cased."""
    if name.startswith("["):
        return _address(name)
    host = (name if name.isascii() else _ascii_form(name)).lower().removesuffix(".")
    if len(host) > MAX_HOST_LENGTH or not _LABELS.fullmatch(host):
        raise MalformedUrlError("no host")
    return host


def _ascii_form(name: str) -> str:
    """Return the UTS 46 non-transitional ASCII form of a host."""
    try:
        return idna.encode(name, uts46=True, transitional=False).decode("ascii")
    except UnicodeError as error:
        raise MalformedUrlError(f"host: {error}") from error


def _address(name: str) -> str:
    try:
        IPv6Address(name[1:-1])
    except ValueError as error:
        raise MalformedUrlError(f"host: {error}") from error
    return name.lower()


def _one_spelling(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def without_dot_segments(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986, 5.2.4); a last one leaves a trailing slash."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join([*kept, ""] if segments[-1] in {".", ".."} else kept)
