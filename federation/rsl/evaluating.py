"""What an RSL document allows with one address (RSL 1.0, 3.1.1): most restrictive where in doubt.

Every matching content counts, the narrowest beat the broader ones, what is prohibited beats what is
permitted, and where nothing can be had a use is unlicensed. An address is judged in each reading
that a gate tries. An absent list of usages permits none: whoever names no use is asked, not
believed to have given all of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from federation.addresses.matching import pattern_matches
from federation.addresses.readings import readings
from federation.addresses.urls import MalformedUrlError, normalise_path, normalise_url
from federation.rsl.document import Content, Document, Licence, Rule
from federation.rsl.reading import read
from federation.rsl.words import EU, FREE_PAYMENTS, GROUPS, OTHER_PLACES, PLACE, USAGES, USERS
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
        places = _Place.all_of(asked)
    except MalformedUrlError as error:
        return _unlicensed(f"no address: {error.detail}")
    return _strictest([_at(place, document, asked) for place in places])


def _at(place: "_Place", document: Document, asked: Asked) -> Ruling:
    """Judge one reading of the address.

    A content at an address that nobody can read may be of this one or of any: it may make less of
    it and never more. Were it left out, what is broader would take its place.
    """
    found, unclear = list[tuple[int, Content]](), list[Content]()
    for content in document.contents:
        try:
            reach = place.reach(content.url)
        except MalformedUrlError:
            unclear.append(content)
        else:
            found += [] if reach is None else [(reach, content)]
    if not found:
        return _unlicensed("no content for this address")
    narrowest = max(reach for reach, _ in found)
    near = _among([content for reach, content in found if reach == narrowest], asked)
    return _strictest([near, *(_among([content], asked) for content in unclear)])


def _strictest(rulings: list[Ruling]) -> Ruling:
    return max(rulings, key=lambda ruling: list(State).index(ruling.state))


def _among(contents: list[Content], asked: Asked) -> Ruling:
    """Judge contents of which none is narrower than the others."""
    if any(content.defects for content in contents):
        return _unlicensed("a content that cannot be read")
    pairs = [(content, licence) for content in contents for licence in content.licences]
    if any(_prohibits(each, asked) for _, each in pairs):
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


def _prohibits(licence: Licence, asked: Asked) -> bool:
    """Tell whether a licence prohibits the use, or us; where it is not said who or where, it does.

    What one licence prohibits no other of the same place gives back.
    """
    return any(
        _has(rule, asked.usage) if rule.kind == "usage" else _may_be(rule, asked)
        for rule in licence.prohibits
    )


def _may_be(rule: Rule, asked: Asked) -> bool:
    ours = _ours(rule.kind, asked)
    return not ours or any(one in rule.words for one in ours)


def _can_be_had(licence: Licence, asked: Asked) -> bool:
    if licence.defects or licence.unknown:
        return False
    usages = [rule for rule in licence.permits if rule.kind == "usage"]
    if not usages or not all(_has(rule, asked.usage) for rule in usages):
        return False
    lists = [rule for rule in licence.permits if rule.kind != "usage"]
    is_for_us = all(any(one in rule.words for one in _ours(rule.kind, asked)) for rule in lists)
    return is_for_us and all(report.profile in asked.profiles for report in licence.reporting)


def _ours(kind: str, asked: Asked) -> list[str]:
    """Return the words of a kind that are the asker's; none where that is not said in RSL's."""
    if kind == "user":
        user = (asked.user or "").strip().lower()
        return [user] if user in USERS else []
    written = (asked.country or "").strip().upper()
    country = OTHER_PLACES.get(written, written)
    if not PLACE.fullmatch(country):
        return []
    return [country, "EU"] if country in EU else [country]


def _is_free(licence: Licence) -> bool:
    """Tell whether nothing is to be paid or agreed to, by any payment's type and all it says."""
    return all(
        payment.type in FREE_PAYMENTS
        and (payment.standard, payment.custom, payment.amount, payment.currency) == (None,) * 4
        for payment in licence.payments
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an address is, and on which host paths of the document are meant."""

    host: str
    path: str
    origin: str

    @classmethod
    def all_of(cls, asked: Asked) -> "list[_Place]":
        """Return the place in each reading of its address that a gate would try."""
        query = urlsplit(asked.url).query
        end = f"?{query}" if query else ""
        keys = [normalise_url(url) for url in readings(asked.url)]
        origin = normalise_url(asked.origin).host if asked.origin else keys[0].host
        return [cls(key.host, key.path + end, origin) for key in dict.fromkeys(keys)]

    def reach(self, written: str) -> int | None:
        """Return how narrow a pattern is that matches this place; None if it does not.

        That is the length of its path, as of two rules in a robots.txt (RFC 9309, 2.2.2), less its
        `*`, which name nothing. Raises MalformedUrlError for what names no address.
        """
        host, pattern = self._pattern(written.partition("#")[0])
        if host != self.host or not pattern_matches(pattern, self.path):
            return None
        return len(pattern) - pattern.count("*")

    def _pattern(self, text: str) -> tuple[str, str]:
        if text.startswith("/") and not text.startswith("//"):
            return self.origin, _normal(text)
        scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        return normalise_url(f"{scheme}://{host}/").host, _normal(slash + path)


def _normal(pattern: str) -> str:
    path, mark, query = pattern.partition("?")
    if not mark and path.endswith("$"):
        return normalise_path(path[:-1], stars=True) + "$"
    return normalise_path(path, stars=True) + mark + query
