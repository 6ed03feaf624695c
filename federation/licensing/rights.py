"""What may be done with an address, and who claims it: decided once, from the claim index.

The index routes a question; each collective answers for its own addresses, and the stricter word
stands. How a collective is asked is not known here: its answer, or its silence, is handed in.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

import msgspec
from msgspec.structs import replace

from federation.addresses.urls import UrlKey, check_count, keys_of
from federation.claimindex import delta_store, index_store
from federation.claimindex.index import ClaimIndex
from federation.claimindex.place_store import UseAt
from federation.consent.states import Reason
from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.objects import LicenceObject
from federation.licensing.tariff import TariffBody, read_tariff
from federation.money import Money
from federation.registry import own_store
from federation.store.sessions import ReadSession
from federation.trust.membership import HubTerms
from federation.trust.store import node_parties

LICENSABLE, RESERVED, DISPUTED = "LICENSABLE", "RESERVED", "DISPUTED"
NOT_REPRESENTED, MALFORMED, UNKNOWN = "NOT_REPRESENTED", "MALFORMED", "UNKNOWN"
NONE, ONE, CONTESTED = "NONE", "ONE", "CONTESTED"
ANSWERED, TIMED_OUT, FAILED = "OK", "TIMEOUT", "ERROR"


class UnknownUseError(RefusalError):
    """The terms know no such use."""

    code: ClassVar[str] = "UNKNOWN_USE"


@dataclass(frozen=True, slots=True)
class Question:
    """Whether some URLs may be put to one use at an instant, as is known now or was known then."""

    urls: Sequence[str]
    use: str
    at: datetime
    known_at: datetime | None = None


class UrlRights(msgspec.Struct, frozen=True):
    """The answer for one URL.

    `status` is LICENSABLE, RESERVED, DISPUTED, NOT_REPRESENTED, MALFORMED, or UNKNOWN where its
    collective did not answer: an unknown right is no right. `reason` says why it is RESERVED.
    `per_1000` is the tariff's price of 1,000 units, and stands only beside LICENSABLE.
    """

    url: str
    status: str
    collective: str | None = None
    content_tier: str | None = None
    per_1000: Money | None = None
    reason: Reason | None = None


class Word(NamedTuple):
    """What a collective says of a URL of its own; an earlier version gives no reason."""

    status: str
    content_tier: str | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """How a collective answered: OK with its word on each URL, or why it did not.

    `index_version` counts the changes of its registry that the index has, `index_as_of` is when the
    last of them came, None if that is not known.
    """

    node: str
    state: str
    registry_version: int = 0
    message: str | None = None
    rights: Mapping[str, Word] | None = None
    index_version: int | None = None
    index_as_of: datetime | None = None


class IndexAge(NamedTuple):
    """How many changes of a collective's registry the index has, and when the last of them came."""

    node: str
    version: int
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Rights in the order asked, the collectives' replies, and whether every one of them came.

    `indexes` are those by which it is said that nobody represents a URL; none, if of none it is.
    """

    items: list[UrlRights]
    replies: list[Reply]
    indexes: Sequence[IndexAge] = ()

    @property
    def is_complete(self) -> bool:
        """Tell whether every collective that was asked has answered."""
        return all(reply.state == ANSWERED for reply in self.replies)


@dataclass(frozen=True, slots=True)
class Owners:
    """Who claims a URL: NONE, ONE or CONTESTED (MALFORMED if it is no URL), and their codes."""

    url: str
    state: str
    collectives: list[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the index alone says, before the owners are asked."""

    question: Question
    items: Mapping[str, UrlRights]
    tariff: TariffBody | None
    index: Mapping[str, tuple[int, datetime | None]] = field(
        default_factory=dict[str, tuple[int, datetime | None]]
    )
    """How many changes of each collective the index has, and when the last of them came."""
    indexes: Sequence[IndexAge] = ()
    """The same of every collective, where by the index nobody represents one of the URLs."""

    @property
    def to_ask(self) -> dict[str, list[str]]:
        """Return {collective: the URLs it must be asked about}, by code."""
        found: dict[str, list[str]] = {}
        for url, item in self.items.items():
            if item.collective is not None:
                found.setdefault(item.collective, []).append(url)
        return dict(sorted(found.items()))

    def merged(self, replies: Iterable[Reply]) -> Answer:
        """Return the answer: the stricter of index and owner, with prices for what is for sale.

        A collective that did not answer costs its own items only.
        """
        items, told = dict(self.items), [self._with_age(reply) for reply in replies]
        for reply in told:
            for url in self.to_ask.get(reply.node, []):
                items[url] = _stricter(items[url], (reply.rights or {}).get(url))
        priced = [self._priced(items[url]) for url in self.question.urls]
        return Answer(priced, told, self.indexes)

    def _with_age(self, reply: Reply) -> Reply:
        version, as_of = self.index.get(reply.node, (0, None))
        return dataclasses.replace(reply, index_version=version, index_as_of=as_of)

    def _priced(self, item: UrlRights) -> UrlRights:
        if self.tariff is None or item.status != LICENSABLE or item.content_tier is None:
            return item
        price = self.tariff.price_of(self.question.use, item.content_tier)
        return item if price is None else replace(item, per_1000=price)


async def draft(session: ReadSession, question: Question, terms: HubTerms) -> Draft:
    """At the hub: look a question up in the index (UNKNOWN_USE, TOO_MANY_URLS)."""
    check(question, terms)
    keys = keys_of(question.urls)
    asked = UseAt(question.use, question.at)
    index = await index_store.hub_index(session, keys.values(), question.known_at, asked)
    row = await store.latest_tariff(session)
    items = _judged(question, keys, index)
    owners = {item.collective for item in items.values() if item.collective is not None}
    absent = any(item.status == NOT_REPRESENTED for item in items.values())
    every = [party.code for party in await node_parties(session)] if absent else []
    ages = await delta_store.versions_of(session, owners.union(every))
    indexes = [IndexAge(node, *ages.get(node, (0, None))) for node in every]
    return Draft(question, items, read_tariff(row.body) if row else None, ages, indexes)


async def own_rights(
    session: ReadSession, question: Question, terms: HubTerms, node: str
) -> Answer:
    """At a node: answer from its own registry alone (UNKNOWN_USE, TOO_MANY_URLS)."""
    check(question, terms)
    keys = keys_of(question.urls)
    asked = UseAt(question.use, question.at)
    index = await own_store.own_index(session, node, keys.values(), question.known_at, asked)
    items = _judged(question, keys, index)
    version, as_of = (await delta_store.versions_of(session, [node])).get(node, (0, None))
    reply = Reply(node, ANSWERED, version, index_version=version, index_as_of=as_of)
    found = [items[url] for url in question.urls]
    is_absent = any(item.status == NOT_REPRESENTED for item in found)
    return Answer(found, [reply], [IndexAge(node, version, as_of)] if is_absent else ())


async def owners(
    session: ReadSession, urls: Sequence[str], at: datetime, known_at: datetime | None = None
) -> list[Owners]:
    """At the hub: return who claims each URL at an instant (TOO_MANY_URLS)."""
    keys = keys_of(urls)
    index = await index_store.hub_claims(session, keys.values(), known_at)
    return [_owners(url, keys.get(url), index, at) for url in urls]


def check(question: Question, terms: HubTerms) -> None:
    """Refuse a use the terms do not know, and too many URLs (UNKNOWN_USE, TOO_MANY_URLS)."""
    if question.use not in terms.use_weight:
        raise UnknownUseError(question.use)
    check_count(question.urls)


def _judged(
    question: Question, keys: Mapping[str, UrlKey], index: ClaimIndex
) -> dict[str, UrlRights]:
    return {url: _rights(url, keys.get(url), index, question) for url in question.urls}


def _rights(url: str, key: UrlKey | None, index: ClaimIndex, question: Question) -> UrlRights:
    if key is None:
        return UrlRights(url, MALFORMED)
    found = index.look_up(key, question.at)
    claims, owner = found.claims, found.owner
    tiers = {claim.content_tier for claim in claims}
    tier = tiers.pop() if len(tiers) == 1 else None
    reason = index.why_withheld(found, question.use)
    if reason is not None:
        return UrlRights(url, RESERVED, owner, tier, reason=reason)
    if not claims:
        return UrlRights(url, NOT_REPRESENTED)
    contested = len({claim.holder_id for claim in claims}) > 1
    return UrlRights(url, DISPUTED if contested else LICENSABLE, owner, tier)


def _stricter(item: UrlRights, word: Word | None) -> UrlRights:
    """Take the owner's word where it is stricter than the index; without it nothing is known.

    RESERVED is the strictest: a withheld work beats every licence, whoever claims it. Of two
    reasons the first of their order is named.
    """
    if word is None:
        return item if item.status == RESERVED else replace(item, status=UNKNOWN)
    if word.status == RESERVED:
        reasons = {item.reason, word.reason}
        reason = next((one for one in Reason if one in reasons), None)
        tier = word.content_tier if item.status == LICENSABLE else item.content_tier
        return replace(item, status=RESERVED, content_tier=tier, reason=reason)
    if item.status != LICENSABLE:
        return item
    return replace(item, status=word.status, content_tier=word.content_tier)


def _owners(url: str, key: UrlKey | None, index: ClaimIndex, at: datetime) -> Owners:
    if key is None:
        return Owners(url, MALFORMED, [])
    claims = index.claimants(key, at)
    holders = {claim.holder_id for claim in claims}
    state = NONE if not claims else ONE if len(holders) == 1 else CONTESTED
    return Owners(url, state, sorted({claim.node for claim in claims}))


def covered(answer: UrlRights, question: Question, licence: LicenceObject) -> bool:
    """Tell whether a licence covers the use of an address that was asked about.

    That is: it may be licensed, its collective is in the licence's repertoire, and at the instant
    asked about the licence is in its term, not revoked, and grants the use.
    """
    facts, repertoire = licence.facts(), licence.grant.repertoire
    return (
        answer.status == LICENSABLE
        and (not repertoire or answer.collective in repertoire)
        and facts.covers(question.at)
        and facts.component_for(question.use) is not None
    )
