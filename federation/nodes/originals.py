"""What other collectives say of members' sites, as the index tells it; of originals, what follows.

A copy whose original is reserved is reserved (SETTLEMENT §3.5), whoever holds the original; a
node's own registry knows it of its own members alone. The hub's index knows all of them: a node
asks it, and tells its sites what follows.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex, IndexedRuling
from federation.claimindex.messages import NOTHING, Slice
from federation.consent.deciding import Ruling
from federation.consent.states import NO_USE, Reason, State
from federation.messaging.peers import PeerClient
from federation.messaging.pulls import Pull
from federation.nodes.changing import Bearing, days_of, instants_of, segments, why
from federation.nodes.index import ask_index, of_others, shared_hosts
from federation.nodes.site_memory import Shelf, SiteMemory, size_of_keys, size_of_slice
from federation.registry.site_store import Elsewhere, SiteFacts
from federation.server import PeerDownError, Server

_SAYING: Final = {
    Reason.OPTED_OUT: State.OPT_OUT,
    Reason.RESERVED_EX_ANTE: State.RESERVED_EX_ANTE,
    Reason.PUBLISHED: State.PUBLISHED_DISALLOW,
    Reason.WITHDRAWN: State.WITHDRAWN,
    Reason.WITHHELD: State.WITHHELD,
}
_SOURCE: Final = "the federation"  # no published source and no subject has this name


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the index said, and about how many bytes of memory that takes."""

    said: Slice
    size: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """On what of others a site was found to depend, and what is pulled of it."""

    about: Elsewhere
    pull: Pull[_Answer]


class OriginalsHolder:
    """Holds what the hub's index said of others for each site, pulled as `Pull` says.

    That is what they hold and say of the originals of its copies, and of its own pages.
    """

    def __init__(self, server: Server, peers: PeerClient, memory: SiteMemory) -> None:
        self._server, self._peers = server, peers
        self._asked: Shelf[_Asked] = Shelf(memory)
        # Few sites share a host with others: one question tells which, and no other site asks.
        self._shared: Pull[Slice] = Pull(self._pulled_hosts, _holds, self._seconds)

    async def elsewhere(self, member: str, about: Elsewhere) -> Slice:
        """Return what other collectives hold and say there; PEER_DOWN where nobody knows yet.

        A site that cannot be told keeps its policy for as long as that is good.
        """
        about = await self._shared_with_others(about)
        if about == Elsewhere():
            self._asked.drop(member)
            return NOTHING
        asked = self._asked.find(member)
        if asked is None or asked.about != about:
            asked = _Asked(about, Pull(partial(self._pulled, about), _holds, self._seconds))
            self._asked.keep(member, asked, 0)  # whoever asks meanwhile shares the pull
        answer = await asked.pull.current()
        if answer is None:
            raise PeerDownError("what others reserve of its pages and their originals is not known")
        if self._asked.find(member) in (asked, None):  # it may be asked about others by now
            size = size_of_keys(about.originals) + size_of_keys(about.places)
            self._asked.keep(member, asked, answer.size + size)
        return answer.said

    async def _shared_with_others(self, about: Elsewhere) -> Elsewhere:
        """Leave out places on hosts of which others claim nothing."""
        if not about.places:
            return about
        shared = await self._shared.current()
        if shared is None:
            raise PeerDownError("on which hosts others claim pages is not known")
        hosts = frozenset(shared.hosts)
        places = (one for one in about.places if shared.is_cut or one.host in hosts)
        return Elsewhere(about.originals, frozenset(places))

    async def _pulled_hosts(self, _: Slice | None) -> Slice:
        return await shared_hosts(self._server, self._peers)

    def _seconds(self) -> float:
        return self._server.monotonic()

    async def _pulled(self, about: Elsewhere, held: _Answer | None) -> _Answer:
        keys, places = sorted(about.originals, key=_text), sorted(about.places, key=_text)
        found = await ask_index(self._server, self._peers, keys, places)
        said = of_others(self._server.code, found)
        # What says the same again is not kept a second time beside what was made of the first.
        return (
            held if held is not None and held.said == said else _Answer(said, size_of_slice(said))
        )


def _text(key: UrlKey | ClaimKey) -> str:
    return key.text


def _holds(_: object) -> bool:
    """Tell that it may be used until a newer one comes: no policy outlives the hub's trust."""
    return True


def with_originals(
    facts: SiteFacts,
    elsewhere: Slice,
    uses: Collection[str],
    span: tuple[datetime, datetime],
) -> SiteFacts:
    """Return what a site has to know, with what follows for its copies from other collectives.

    Of an original of which they have something to say, what all say together becomes the word on
    that page alone, use by use, from one instant of a span to before another. Where that changes
    more than `CHANGES_MAX` times the use is withheld.
    """
    claims = [*facts.own, *facts.others, *index_store.indexed_claims(elsewhere)]
    rulings = [*facts.rulings, *index_store.indexed_rulings(elsewhere)]
    own = ClaimIndex([*facts.own, *facts.others], facts.rulings)
    of_all = ClaimIndex(claims, rulings)
    found = list(facts.rulings)
    days = days_of(span)
    before: tuple[object, list[Ruling]] = (None, [])
    for key in sorted(facts.originals, key=_text):
        bearing = [[index.said_of(key, day) for day in days] for index in (of_all, own)]
        if bearing != before[0]:  # of many pages of one place the same is said
            before = (bearing, _words(own, of_all, key, bearing, uses, span))
        place = ClaimKey(key.host, f"{key.path}$", wildcard=False)
        found += (IndexedRuling(claims[0].node, one, place, None) for one in before[1])
    return SiteFacts(facts.own, facts.others, found, facts.originals)


def _words(
    own: ClaimIndex,
    of_all: ClaimIndex,
    key: UrlKey,
    bearing: Sequence[Bearing],
    uses: Collection[str],
    span: tuple[datetime, datetime],
) -> list[Ruling]:
    """Return the word on an original, use by use; none where all say what the node itself says.

    `bearing` is what bears on it by what all say, and by what the node alone says.
    """
    by_all, by_own = bearing
    if by_all == by_own:
        return []
    found: list[Ruling] = []
    is_other = False
    for use in sorted(uses):
        reasons: list[Reason | None] = [Reason.WITHHELD]
        instants = instants_of(by_all, use, span)
        if instants is None:
            instants, is_other = [span[0]], True
        else:
            reasons = [why(of_all, key, use, at) for at in instants]
            is_other = is_other or reasons != [why(own, key, use, at) for at in instants]
        found += _said(use, reasons, instants)
    return found if is_other else []


def _said(
    use: str, reasons: Sequence[Reason | None], instants: Sequence[datetime]
) -> Iterator[Ruling]:
    """Say for a use what stands from each instant to before the next, and after the last."""
    for reason, begins, ends in segments(reasons, instants):
        state, of_use = _word(use, reason)
        yield Ruling(state, of_use, begins, ends, _SOURCE)


def _word(use: str, reason: Reason | None) -> tuple[State, str]:
    """Return the state and the use of the ruling by which a gate comes to a reason."""
    if reason is None:
        return State.OPTED_IN, use
    if reason is Reason.NOT_MANDATED:
        return State.MANDATED, NO_USE
    return _SAYING[reason], use
