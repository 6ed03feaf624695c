"""What an RSL document allows with one address (RSL 1.0, 3.1.1): most restrictive where in doubt.

Every matching content counts, the narrowest beat the broader ones, what is prohibited beats what is
permitted, and where nothing can be had a use is unlicensed. An absent list of usages permits none:
whoever names no use is asked, not believed to have given all of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from federation.addresses.matching import pattern_matches
from federation.addresses.urls import MalformedUrlError, normalise_path, normalise_url
from federation.rsl.document import Content, Document, Licence, Rule
from federation.rsl.reading import read
from federation.rsl.words import EU, FREE_PAYMENTS, GROUPS, USAGES
from federation.rsl.xml import BadTermsError


class State(StrEnum):
    """What comes of a question; there is no state between these."""

    PERMITTED = "PERMITTED"
    """The document itself permits it, without a token and without pay."""
    OFFERED = "OFFERED"
    """A licence can be had: for money, or as a token of a server."""
    UNLICENSED = "UNLICENSED"


@dataclass(frozen=True, slots=True)
class Asked:
    """An address and a use of it: one of `USAGES`.

    `user` and `country` are who uses it and where, None if that is not said; `profiles` the
    reporting profiles that the asker can fulfil. `origin` is the site the document was found at,
    for contents that name a path only; None is the site of the address.
    """

    url: str
    usage: str
    user: str | None = None
    country: str | None = None
    profiles: Collection[str] = ()
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an address may be used for, by which licences and at which servers."""

    state: State
    why: str
    licences: tuple[Licence, ...] = ()
    servers: tuple[str, ...] = ()


def judge(data: bytes, asked: Asked) -> Ruling:
    """Judge a document as it came; what cannot be read licenses nothing."""
    try:
        return evaluate(read(data), asked)
    except BadTermsError as error:
        return _unlicensed(f"unreadable: {error.detail}")


def evaluate(document: Document, asked: Asked) -> Ruling:
    """Judge a document that was read."""
    if document.defects:
        return _unlicensed(document.defects[0])
    if asked.usage not in USAGES:
        return _unlicensed("no usage of RSL")
    try:
        place = _Place.of(asked)
    except MalformedUrlError as error:
        return _unlicensed(f"no address: {error.detail}")
    found = [(place.reach(content.url), content) for content in document.contents]
    matching = [(reach, content) for reach, content in found if reach is not None]
    if not matching:
        return _unlicensed("no content for this address")
    narrowest = max(reach for reach, _ in matching)
    return _among([content for reach, content in matching if reach == narrowest], asked)


def _among(contents: list[Content], asked: Asked) -> Ruling:
    """Judge contents of which none is narrower than the others."""
    if any(content.defects for content in contents):
        return _unlicensed("a content that cannot be read")
    pairs = [(content, licence) for content in contents for licence in content.licences]
    if any(_has(rule, asked.usage) for _, each in pairs for rule in each.prohibits):
        return _unlicensed("prohibited")
    had = [(content, each) for content, each in pairs if _can_be_had(each, asked)]
    if not had:
        return _unlicensed("no licence can be had")
    free = [each for content, each in had if content.server is None and _is_free(each)]
    if free:
        return Ruling(State.PERMITTED, "permitted", tuple(free))
    servers = dict.fromkeys(content.server for content, _ in had if content.server)
    return Ruling(State.OFFERED, "offered", tuple(each for _, each in had), tuple(servers))


def _unlicensed(why: str) -> Ruling:
    return Ruling(State.UNLICENSED, why)


def _has(rule: Rule, usage: str) -> bool:
    return rule.kind == "usage" and any(usage in GROUPS.get(word, USAGES) for word in rule.words)


def _can_be_had(licence: Licence, asked: Asked) -> bool:
    if licence.defects or licence.unknown:
        return False
    usages = [rule for rule in licence.permits if rule.kind == "usage"]
    if not usages or not all(_has(rule, asked.usage) for rule in usages):
        return False
    is_for_us = _admits(licence, "user", [asked.user]) and _admits(
        licence, "geo", _places(asked.country)
    )
    return is_for_us and all(report.profile in asked.profiles for report in licence.reporting)


def _places(country: str | None) -> list[str | None]:
    return [country, "EU"] if country in EU else [country]


def _admits(licence: Licence, kind: str, ours: list[str | None]) -> bool:
    """Tell whether a licence is for us: in each closed list, in none of the prohibited ones.

    Where it is not said who asks or where, any list of that kind keeps the asker out.
    """
    barred = [rule for rule in licence.prohibits if rule.kind == kind]
    lists = [rule for rule in licence.permits if rule.kind == kind]
    if ours == [None]:
        return not barred and not lists
    is_in = [any(one in rule.words for one in ours) for rule in lists]
    return all(is_in) and not any(one in rule.words for rule in barred for one in ours)


def _is_free(licence: Licence) -> bool:
    return all(payment.type in FREE_PAYMENTS for payment in licence.payments)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an address is, and on which host paths of the document are meant."""

    host: str
    path: str
    origin: str

    @classmethod
    def of(cls, asked: Asked) -> "_Place":
        key, query = normalise_url(asked.url), urlsplit(asked.url).query
        path = f"{key.path}?{query}" if query else key.path
        return cls(key.host, path, normalise_url(asked.origin).host if asked.origin else key.host)

    def reach(self, written: str) -> int | None:
        """Return how narrow a pattern is that matches this place; None if it does not.

        That is the length of its path, as of two rules in a robots.txt (RFC 9309, 2.2.2).
        """
        try:
            host, pattern = self._pattern(written.partition("#")[0])
        except MalformedUrlError:
            # Nobody knows what is meant. Were it left out, what is broader would take its place.
            return _NARROWEST
        if host != self.host or not pattern_matches(pattern, self.path):
            return None
        return len(pattern)

    def _pattern(self, text: str) -> tuple[str, str]:
        if text.startswith("/") and not text.startswith("//"):
            return self.origin, _normal(text)
        scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        return normalise_url(f"{scheme}://{host}/").host, _normal(slash + path)


_NARROWEST: Final = 1_000_000  # longer than any address is


def _normal(pattern: str) -> str:
    path, mark, query = pattern.partition("?")
    if not mark and path.endswith("$"):
        return normalise_path(path[:-1], stars=True) + "$"
    return normalise_path(path, stars=True) + mark + query
