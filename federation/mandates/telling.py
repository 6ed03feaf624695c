"""Which shares of records the hub is told, where their subjects are (decision 58).

The hub is told a place, a use, a right, territories, a time and a part: no work, no name. A record
of a member or a rightholder is of no place, and a pattern with a `*` is none: of these it is told
nothing, nor of what is beyond so many shares at one place.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from federation.addresses.urls import ClaimKey
from federation.claimindex.messages import ShareFact
from federation.mandates import store
from federation.mandates.meaning import source_of
from federation.mandates.placing import Placed, placed
from federation.mandates.records import NewRecord
from federation.registry.receiving import SHARES_AT_A_PLACE
from federation.store.base import to_micros
from federation.store.canonical import sha256_hex
from federation.store.messages import BadMessageError
from federation.store.sessions import ReadSession, WriteSession


async def tell_shares(
    session: WriteSession, node: str, before: Collection[int], known: Mapping[int, NewRecord]
) -> tuple[list[ShareFact], list[str]]:
    """Note which shares the hub is to be told, and which it is told no more; return both.

    `before` are records that were there, `known` those that are, by number.
    """
    sharing = {number: one for number, one in known.items() if one.share_bps}
    where = await placed(session, {one.subject for one in sharing.values()})
    wanted = {
        fact.share_id: (number, fact)
        for number, one in sharing.items()
        for at in where[one.subject]
        if (fact := share_at(node, number, one, at)) is not None
    }
    told = await store.told_of(session, {*before, *known})
    gone = [share_id for share_id in told if share_id not in wanted]
    new = {share_id: wanted[share_id] for share_id in wanted if share_id not in told}
    await store.withdraw_told(session, gone)
    new = await _with_room(session, new)
    rows = [(share_id, number, digest(fact)) for share_id, (number, fact) in new.items()]
    await store.note_told(session, rows)
    return [fact for _, fact in new.values()], gone


async def _with_room(
    session: ReadSession, new: Mapping[str, tuple[int, ShareFact]]
) -> dict[str, tuple[int, ShareFact]]:
    """Leave out what is beyond so many shares at one place."""
    places = {digest(fact) for _, fact in new.values()}
    there = Counter(await store.told_at(session, places))
    found: dict[str, tuple[int, ShareFact]] = {}
    for share_id, (number, fact) in new.items():
        there[digest(fact)] += 1
        if there[digest(fact)] <= SHARES_AT_A_PLACE:
            found[share_id] = number, fact
    return found


def share_at(node: str, number: int, record: NewRecord, where: Placed) -> ShareFact | None:
    """Return what the hub is told of a record's share at a place; None where it is of none."""
    span, key = record.span.common(where.span), where.place.key
    if span is None or key is None or "*" in key.path or not record.share_bps:
        return None
    ends = None if span.ends_at is None else to_micros(span.ends_at)
    name = f"{node}/{number}/{key.text}/{to_micros(span.starts_at)}/{ends}"
    return ShareFact(
        share_id=sha256_hex(name.encode())[:32],
        source=source_of(record.subject),
        host=key.host,
        path=key.path,
        wildcard=key.wildcard,
        use=record.use,
        right=record.right,
        bps=record.share_bps,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        territories=list(record.territories),
    )


def digest(fact: ShareFact) -> str:
    """Return under what the shares of a place are counted."""
    return digest_of(ClaimKey(fact.host, fact.path, fact.wildcard))


def digest_of(place: ClaimKey) -> str:
    """Return the same of a place."""
    return sha256_hex(place.text.encode())


async def require_told(session: ReadSession, place: ClaimKey) -> None:
    """Refuse what the hub says of shares at a place of which it was told none (BAD_MESSAGE)."""
    if not await store.was_told_at(session, digest_of(place)):
        raise BadMessageError(f"{place.text[:200]}: the hub was told of no share there")
