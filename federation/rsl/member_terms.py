"""The terms of one member: what is for sale of its works, what is reserved, in RSL and beside it.

Pure: the same facts give the same licences at the node that publishes them and at the hub that
sells them, so that neither has to remember what the other has written.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from federation.addresses.matching import Filed, candidate_hosts, is_pattern, outermost
from federation.addresses.urls import ClaimKey, UrlKey
from federation.rsl.document import Content, Document, Licence, Payment, Rule
from federation.rsl.words import AI_USAGES, ALL, USAGES, usages_of

MAX_AGE_DAYS: Final = 1
CLAIMS_MAX: Final = 500
RESERVED_MAX: Final = 500
EACH_ALONE_MAX: Final = 100  # places; of more, the usages of a place stand in one licence only
LETTERS_MAX: Final = 100_000  # of the addresses of either: readers take a megabyte at most
PAYMENT: Final = "use"
SOLD_IN_ORDER: Final = ("ai-input", "ai-index", "search", "ai-train")
"""The usages as they are offered. Who buys page by page, as stock clients do, answers with them:
of two that a lab's licences grant the first is meant."""
EVERY_USE: Final = "*"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A use (`*` is all) that a member reserves: of an address and what is below it, or of all.

    What is not refused is only not for sale: the collective has no mandate to sell it.
    """

    use: str
    subject: ClaimKey | None = None
    is_refused: bool = True

    @property
    def usages(self) -> tuple[str, ...]:
        """Return what is reserved in the words of RSL; the coarser word where there is no finer."""
        return USAGES if self.use == EVERY_USE else usages_of([self.use])


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """One member: its addresses, what it reserves, where its tokens are, what the hub sells.

    `sold` are uses of ours, `server` the base of its licence server, `buy_at` the hub's counter.
    `others` are addresses within its own that another member claims: what is there is not its.
    `plain_hosts` are those where its sites answer by http: buyers get a token for an address as it
    stands in the terms, and a site takes none for another scheme than its own.
    """

    claims: Sequence[ClaimKey]
    reserved: Sequence[Reserved]
    sold: Collection[str]
    server: str
    buy_at: str
    others: Sequence[ClaimKey] = ()
    plain_hosts: Collection[str] = ()


def base_path(node: str, member: str) -> str:
    """Return the path of a member's licence server at the hub."""
    return f"/olp/{node}/{quote(member, safe='')}"


def plain_hosts(origins: Iterable[str]) -> set[str]:
    """Return the hosts that origins (`scheme://host`) name with http, and none with https."""
    split = [origin.partition("://") for origin in origins]
    secure = {host for scheme, _, host in split if scheme == "https"}
    return {host for scheme, _, host in split if scheme == "http"} - secure


def _web_url(facts: MemberFacts, host: str, path: str) -> str:
    """Return the address of a host and path: registries know no scheme, and the web is https."""
    return f"{'http' if host in facts.plain_hosts else 'https'}://{host}{path}"


def offer(usages: Iterable[str], buy_at: str) -> Licence:
    """Return the licence that is for sale for some usages, in their order."""
    words = tuple(dict.fromkeys(usages))
    return Licence(permits=(Rule("usage", words),), payments=(Payment(PAYMENT, standard=buy_at),))


def terms_of(facts: MemberFacts) -> Document:
    """Return what a member's node says of its works.

    What is for sale comes first, all usages of a place in one licence (`SOLD_IN_ORDER`): stock
    buyers take the first of the content that fits best, and get a token for the first of its
    usages that a licence of theirs grants. Then each usage in a licence of its own, for those who
    choose, unless the places are too many for that. An address without its last slash is one that
    stock buyers match. What is another member's below it is not for sale here. Where more is
    reserved or another's than a document holds, everything is reserved. What a pattern reserves,
    for whichever use, is not for sale by RSL.
    """
    claims = _within_limits(outermost(facts.claims))
    reservations = _Reservations(facts.reserved, facts.others)
    below = _below(claims, reservations)
    if len(below) > RESERVED_MAX or sum(map(_letters, below)) > LETTERS_MAX:
        reservations, below = _Reservations([Reserved(EVERY_USE)]), set[ClaimKey]()
    places = {ClaimKey(claim.host, claim.path, wildcard=False) for claim in claims}
    ordered = [*sorted(places, key=_by_text), *sorted(below - places, key=_by_text)]
    each_alone = len(ordered) <= EACH_ALONE_MAX
    contents = [
        content
        for place in ordered
        for content in _contents(facts, place, reservations, each_alone=each_alone)
    ]
    return Document(tuple(sorted(contents, key=_is_not_for_sale)), MAX_AGE_DAYS)


def is_all_reserved(facts: MemberFacts) -> bool:
    """Tell whether the member has nothing for sale anywhere."""
    withheld = {usage for each in facts.reserved if each.subject is None for usage in each.usages}
    return not set(usages_of(facts.sold)) - withheld


def _below(claims: Iterable[ClaimKey], reservations: "_Reservations") -> set[ClaimKey]:
    """Return the places within some claims that are not as the claims are; no more than count."""
    found = set[ClaimKey]()
    for claim in claims:
        for place in reservations.below(claim):
            found.add(place)
            if len(found) > RESERVED_MAX:
                return found
    return found


class _Reservations:
    """What a member reserves and what is another's, looked up by place.

    A place is a host and a path, or a pattern.
    """

    def __init__(self, reserved: Iterable[Reserved], others: Iterable[ClaimKey] = ()) -> None:
        self._whole = set[str]()
        self._below: Filed[Reserved] = Filed()
        self._others: Filed[ClaimKey] = Filed()
        self._hosts: dict[str, list[ClaimKey]] = {}
        self._wide: dict[str, list[ClaimKey]] = {}
        self._patterns: list[tuple[ClaimKey, tuple[str, ...]]] = []
        for each in reserved:
            if each.subject is None:
                self._whole.update(each.usages)
                continue
            self._below.add(each.subject, each)
            self._stands(each.subject)
            if is_pattern(each.subject.path):
                self._patterns.append((each.subject, each.usages))
        for claim in others:
            self._others.add(claim, claim)
            self._stands(claim)

    def _stands(self, subject: ClaimKey) -> None:
        self._hosts.setdefault(subject.host, []).append(subject)
        if subject.wildcard:
            self._wide.setdefault(subject.host, []).append(subject)

    def is_of_another(self, place: ClaimKey) -> bool:
        """Tell whether another member claims a place."""
        return bool(self._others.matching(UrlKey(place.host, place.path)))

    def at(self, place: ClaimKey) -> set[str]:
        """Return what is reserved at a place and all that is below it.

        A pattern that overlaps it and is not longer counts as if it were for all of it: readers
        take the longer of two addresses, so that the pattern's own content would not be seen.
        """
        found = set(self._whole)
        for group in self._below.matching(UrlKey(place.host, place.path)):
            found.update(usage for each in group for usage in each.usages)
        for subject, usages in self._patterns:
            if len(subject.path) <= len(place.path) and _overlaps(subject, place):
                found.update(usages)
        return found

    def below(self, claim: ClaimKey) -> Iterator[ClaimKey]:
        """Yield the places within a claim that are reserved, or another's, each for itself."""
        below = (host for host in self._hosts if _is_below(host, claim.host))
        for host in (claim.host, *(below if claim.wildcard else ())):
            for subject in self._on(host):
                yield from _narrowed(claim, subject, host)

    def _on(self, host: str) -> Iterator[ClaimKey]:
        """Yield the subjects on a host, then those on every host below one above it."""
        yield from self._hosts.get(host, ())
        for above, is_wide in candidate_hosts(host):
            if is_wide and above != host:
                yield from self._wide.get(above, ())


def _narrowed(claim: ClaimKey, subject: ClaimKey, host: str) -> Iterator[ClaimKey]:
    """Yield the place at which a claim and the subject of a reservation overlap, if they do."""
    if is_pattern(subject.path) or begins(subject.path, claim.path):
        yield ClaimKey(host, subject.path, wildcard=False)
    elif host != claim.host and begins(claim.path, subject.path):
        yield ClaimKey(host, claim.path, wildcard=False)


def _overlaps(subject: ClaimKey, place: ClaimKey) -> bool:
    """Tell whether a pattern may match something at a place or below it."""
    is_host = place.host == subject.host
    if not is_host and not (subject.wildcard and _is_below(place.host, subject.host)):
        return False
    literal, star, _ = subject.path.removesuffix("$").partition("*")
    if not star:
        return begins(literal, place.path)
    return place.path.startswith(literal) or literal.startswith(place.path)


def _contents(
    facts: MemberFacts, place: ClaimKey, reservations: _Reservations, *, each_alone: bool
) -> list[Content]:
    """Return what is for sale at a place and below, then what is reserved there."""
    withheld = reservations.at(place)
    priced = () if reservations.is_of_another(place) else usages_of(facts.sold)
    sold = [usage for usage in SOLD_IN_ORDER if usage in priced and usage not in withheld]
    if not sold or is_pattern(place.path):
        reserved = withheld if sold else withheld | set(AI_USAGES)
        url = _web_url(facts, place.host, place.path)
        return [Content(url, (_reservation(reserved),), terms=facts.buy_at)]
    url = _web_url(facts, place.host, place.path.rstrip("/") or "/")
    alone = [[usage] for usage in sold] if each_alone and len(sold) > 1 else []
    licences = tuple(offer(usages, facts.buy_at) for usages in (sold, *alone))
    found = [Content(url, licences, facts.server, facts.buy_at)]
    if withheld:
        found.append(Content(url, (_reservation(withheld),)))
    return found


def _reservation(usages: Collection[str]) -> Licence:
    words = (ALL,) if set(usages) >= set(USAGES) else tuple(u for u in USAGES if u in usages)
    return Licence(prohibits=(Rule("usage", words),))


def _within_limits(claims: Iterable[ClaimKey]) -> list[ClaimKey]:
    """Return the claims that a document has room for: what is left out is not for sale by RSL."""
    found, letters = list[ClaimKey](), 0
    for claim in claims:
        letters += _letters(claim)
        if len(found) == CLAIMS_MAX or letters > LETTERS_MAX:
            break
        found.append(claim)
    return found


def _letters(place: ClaimKey) -> int:
    return len(place.host) + len(place.path)


def _by_text(place: ClaimKey) -> tuple[str, str]:
    return place.host, place.path


def _is_not_for_sale(content: Content) -> bool:
    return content.server is None


def _is_below(host: str, parent: str) -> bool:
    return host.endswith(f".{parent}")


def begins(path: str, prefix: str) -> bool:
    """Tell whether a path lies at a prefix or below it, cut at a `/`."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")
