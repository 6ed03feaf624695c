"""What servers tell each other of registries, checked whole and kept.

Deltas come to the hub; what comes of shares, to the nodes.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Final

from federation.addresses.urls import ClaimKey, normalise_url
from federation.claimindex import delta_store, share_store
from federation.claimindex.messages import Over, RegistryDelta, ShareFact, SharesOver
from federation.claimindex.shares import over
from federation.errors import RefusalError
from federation.registry import conflict_store
from federation.store import outbox
from federation.store.database import business_time
from federation.store.messages import BadMessageError
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.store import node_parties
from federation.values.party import HUB

SHARES_AT_A_PLACE: Final = 50
"""So many shares a node tells of one place, and no more."""


class VersionGapError(RefusalError):
    """A delta of this registry is missing before this one."""

    code: ClassVar[str] = "VERSION_GAP"


class BadDeltaError(RefusalError):
    """This change of a registry cannot be entered in the claim index."""

    code: ClassVar[str] = "BAD_DELTA"


async def _check_delta(session: ReadSession, node: str, delta: RegistryDelta) -> None:
    """Refuse addresses that are not in the index's own form, ids taken and ids unknown."""
    ids = [fact.claim_id for fact in delta.claims]
    gone = set(delta.withdrawn_claims)
    known = await delta_store.known_claims(session, [*ids, *gone])
    held = {claim_id for of, claim_id in known if of == node}
    taken = (held & set(ids)) - gone
    if not gone <= held:
        raise BadDeltaError(f"claim {min(gone - held)} is withdrawn and was never made")
    if taken or len(set(ids)) < len(ids):
        raise BadDeltaError(f"claim {(sorted(taken) or ['?'])[0]} is there already, or comes twice")
    for fact in delta.claims:
        check_address(fact.host, fact.path)
    await _check_shares(session, node, delta)
    for opt_out in delta.opt_outs:
        if opt_out.host is not None and opt_out.path is not None:
            check_address(opt_out.host, opt_out.path)


async def _check_shares(session: ReadSession, node: str, delta: RegistryDelta) -> None:
    """Refuse shares that are there already or never were, and more of them than a place may have.

    What a node says together is taken as it is: a change may come in several deltas.
    """
    ids, gone = [fact.share_id for fact in delta.shares], set(delta.withdrawn_shares)
    known = await share_store.known_ids(session, node, [*ids, *gone])
    if not gone <= known.keys():
        raise BadDeltaError(f"share {min(gone - known.keys())} is withdrawn and was never told")
    taken = (known.keys() & set(ids)) - gone
    if taken or len(set(ids)) < len(ids):
        raise BadDeltaError(f"share {(sorted(taken) or ['?'])[0]} is there already, or comes twice")
    places = {_place_of(fact) for fact in delta.shares}
    there = await share_store.shares_on(session, places)
    left = Counter(_place_of(known[share_id]) for share_id in gone)
    more = Counter(map(_place_of, delta.shares))
    for place in sorted(places, key=lambda one: one.text):
        check_address(place.host, place.path)
        own = sum(share.node == node for share in there[place])
        if own - left[place] + more[place] > SHARES_AT_A_PLACE:
            raise BadDeltaError(f"{place.text[:200]}: more than {SHARES_AT_A_PLACE} shares")


def _place_of(share: ShareFact) -> ClaimKey:
    return ClaimKey(share.host, share.path, share.wildcard)


def check_address(host: str, path: str) -> None:
    """Refuse an address that is not written as the index keeps it (SETTLEMENT §3, Matching)."""
    plain = path.replace("*", "%2A").replace("$", "%24")  # a pattern's own characters
    try:
        key = normalise_url(f"https://{host}{plain}")
    except RefusalError as refusal:
        raise BadDeltaError(f"{host}{path[:200]}: {refusal.message}") from refusal
    if (key.host, key.path) != (host, plain):
        raise BadDeltaError(f"{host}{path[:200]} is {key.host}{key.path[:200]}")


async def receive_delta(session: WriteSession, node: str, delta: RegistryDelta) -> None:
    """At the hub: enter a delta, and note which claims members of another node hold as well.

    And of which places several say that they have more than the whole. One out of order is refused.
    """
    expected = await delta_store.version_of(session, node) + 1
    if delta.version != expected:
        raise VersionGapError(f"{node} #{delta.version}, expected #{expected}")
    await _check_delta(session, node, delta)
    gone = await share_store.known_ids(session, node, delta.withdrawn_shares)
    await delta_store.next_version(session, node)
    await delta_store.apply_delta(session, node, delta)
    now = business_time(session)
    await share_store.withdraw(session, node, delta.withdrawn_shares, now)
    await share_store.add(session, node, delta.shares, now)
    keys = {ClaimKey(fact.host, fact.path, fact.wildcard) for fact in delta.claims}
    await conflict_store.find_new(session, HUB, keys, now)
    await _add_up(session, {_place_of(one) for one in (*gone.values(), *delta.shares)}, now)


async def _add_up(session: WriteSession, places: Collection[ClaimKey], now: datetime) -> None:
    """At the hub: note what of some places is over the whole by now, and tell whom it is about."""
    shares = await share_store.shares_on(session, places)
    found = {place: over(shares[place]) for place in places}
    numbers = await conflict_store.numbers(session, places, shares=True)
    before = await share_store.over_of(session, numbers.values())
    for place in sorted(places, key=lambda one: one.text):
        was = before.get(numbers[place], []) if place in numbers else []
        if found[place] == was:
            continue
        noted = await conflict_store.keep(session, [place], now, shares=True)
        await share_store.keep_over(session, noted[place].id, found[place])
        await _tell(session, place, was, found[place], now)


async def _tell(
    session: WriteSession, place: ClaimKey, was: list[Over], found: list[Over], now: datetime
) -> None:
    for party in await node_parties(session):
        own = [one for one in found if party.code in one.parts]
        if own or any(party.code in one.parts for one in was):
            message = SharesOver(place.host, place.path, place.wildcard, own)
            await outbox.post(session, target=party.entity_id, message=message, now=now)


async def receive_over(
    session: WriteSession, here: str, message: SharesOver, now: datetime
) -> None:
    """At a node: keep what of a place is over the whole, as the hub worked it out.

    A collective hears of its own only: what names another two is refused.
    """
    check_address(message.host, message.path)
    for one in message.over:
        if here not in one.parts:
            raise BadMessageError(f"{message.host}{message.path[:200]}: no share of {here}")
    place = ClaimKey(message.host, message.path, message.wildcard)
    noted = await conflict_store.keep(session, [place], now, shares=True)
    await share_store.keep_over(session, noted[place].id, message.over)
