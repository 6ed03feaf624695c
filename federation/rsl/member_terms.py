"""The terms of one member: what is for sale of its works, what is reserved, in RSL and beside it.

Pure: the same facts give the same licences at the node that publishes them and at the hub that
sells them, so that neither has to remember what the other has written.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from federation.registry.matching import is_pattern
from federation.registry.urls import ClaimKey
from federation.rsl.document import Content, Document, Licence, Payment, Rule
from federation.rsl.words import AI_USAGES, ALL, USAGES, usages_of

MAX_AGE_DAYS: Final = 1
CLAIMS_MAX: Final = 1_000
RESERVED_MAX: Final = 1_000
PAYMENT: Final = "use"
EVERY_USE: Final = "*"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A use (`*` is all) that a member reserves: of an address and what is below it, or of all."""

    use: str
    subject: ClaimKey | None = None

    @property
    def usages(self) -> tuple[str, ...]:
        """Return what is reserved in the words of RSL; the coarser word where there is no finer."""
        return USAGES if self.use == EVERY_USE else usages_of([self.use])


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """One member: its addresses, what it reserves, where its tokens are, what the hub sells.

    `sold` are uses of ours, `server` the base of its licence server, `buy_at` the hub's counter.
    """

    claims: Sequence[ClaimKey]
    reserved: Sequence[Reserved]
    sold: Collection[str]
    server: str
    buy_at: str


def base_path(node: str, member: str) -> str:
    """Return the path of a member's licence server at the hub."""
    return f"/olp/{node}/{quote(member, safe='')}"


def web_url(host: str, path: str) -> str:
    """Return the address of a host and path: registries know no scheme, and the web is https."""
    return f"https://{host}{path}"


def offer(usages: Iterable[str], buy_at: str) -> Licence:
    """Return the licence that is for sale for some usages, which stand in their one order."""
    wanted = set(usages)
    words = tuple(usage for usage in USAGES if usage in wanted)
    return Licence(permits=(Rule("usage", words),), payments=(Payment(PAYMENT, standard=buy_at),))


def terms_of(facts: MemberFacts) -> Document:
    """Return what a member's node says of its works.

    What is for sale comes first, in a content all usages together and then each alone: stock buyers
    take the first licence of the content that fits best. An address without its last slash is one
    that they match. Where more is reserved than a document holds, everything is.
    """
    if len(facts.reserved) > RESERVED_MAX:
        facts = replace(facts, reserved=[Reserved(EVERY_USE)])
    claims = _outermost(facts.claims)[:CLAIMS_MAX]
    narrower = {place for claim in claims for place in _places_below(claim, facts.reserved)}
    if len(narrower) > RESERVED_MAX:
        facts, narrower = replace(facts, reserved=[Reserved(EVERY_USE)]), set[tuple[str, str]]()
    places = [(claim.host, claim.path) for claim in claims]
    contents = [
        content
        for host, path in (*places, *sorted(narrower - set(places)))
        for content in _contents(facts, host, path)
    ]
    return Document(tuple(sorted(contents, key=_is_not_for_sale)), MAX_AGE_DAYS)


def is_all_reserved(facts: MemberFacts) -> bool:
    """Tell whether the member has nothing for sale anywhere."""
    withheld = {usage for each in facts.reserved if each.subject is None for usage in each.usages}
    return not set(usages_of(facts.sold)) - withheld


def _is_not_for_sale(content: Content) -> bool:
    return content.server is None


def _contents(facts: MemberFacts, host: str, path: str) -> list[Content]:
    """Return what is for sale at a place and below, then what is reserved there."""
    withheld = {
        usage
        for each in facts.reserved
        if each.subject is None or _covers(each.subject, host, path)
        for usage in each.usages
    }
    sold = [usage for usage in usages_of(facts.sold) if usage not in withheld]
    if not sold:
        reserved = withheld | set(AI_USAGES)
        return [Content(web_url(host, path), (_reservation(reserved),), terms=facts.buy_at)]
    url = web_url(host, path.rstrip("/") or "/")
    each_alone = [[usage] for usage in sold] if len(sold) > 1 else []
    licences = [offer(usages, facts.buy_at) for usages in (sold, *each_alone)]
    found = [Content(url, tuple(licences), facts.server, facts.buy_at)]
    if withheld:
        found.append(Content(url, (_reservation(withheld),)))
    return found


def _reservation(usages: Collection[str]) -> Licence:
    words = (ALL,) if set(usages) >= set(USAGES) else tuple(u for u in USAGES if u in usages)
    return Licence(prohibits=(Rule("usage", words),))


def _outermost(claims: Iterable[ClaimKey]) -> list[ClaimKey]:
    """Return claims without those that lie within another one of the same host."""
    found: list[ClaimKey] = []
    for claim in sorted(set(claims), key=lambda each: (each.host, each.path, not each.wildcard)):
        last = found[-1] if found else None
        if last is None or last.host != claim.host or not begins(claim.path, last.path):
            found.append(claim)
    return found


def _places_below(claim: ClaimKey, reserved: Iterable[Reserved]) -> Iterator[tuple[str, str]]:
    """Yield the places within a claim that have reservations of their own."""
    for subject in (each.subject for each in reserved if each.subject is not None):
        host = _common_host(claim, subject)
        if host is None or (host == claim.host and _covers(subject, host, claim.path)):
            continue
        if is_pattern(subject.path) or begins(subject.path, claim.path):
            yield host, subject.path
        elif begins(claim.path, subject.path):
            yield host, claim.path


def _common_host(claim: ClaimKey, subject: ClaimKey) -> str | None:
    """Return the narrower host of two that are the same, or one a subdomain of the other's."""
    if claim.host == subject.host or (subject.wildcard and _is_below(claim.host, subject.host)):
        return claim.host
    return subject.host if claim.wildcard and _is_below(subject.host, claim.host) else None


def _covers(subject: ClaimKey, host: str, path: str) -> bool:
    is_host = host == subject.host or (subject.wildcard and _is_below(host, subject.host))
    if is_pattern(subject.path):
        return is_host and path == subject.path
    return is_host and begins(path, subject.path)


def _is_below(host: str, parent: str) -> bool:
    return host.endswith(f".{parent}")


def begins(path: str, prefix: str) -> bool:
    """Tell whether a path lies at a prefix or below it, cut at a `/`."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")
