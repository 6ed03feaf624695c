"""Every SQL statement of the claim index at the hub, and its answers. Nothing here commits."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import or_, select

from federation.addresses.matching import rule_length
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.index import ClaimIndex, IndexedClaim, IndexedRuling, IndexedShare
from federation.claimindex.messages import (
    ClaimFact,
    OptOutFact,
    ShareFact,
    Slice,
    SliceClaim,
    SliceOptOut,
    SliceShare,
)
from federation.claimindex.place_store import (
    UseAt,
    can_decide,
    claims_matching,
    is_near,
    rulings_matching,
    was_known,
)
from federation.claimindex.share_store import fact_of_row, share_of, shares_matching
from federation.claimindex.tables import IndexClaim, IndexClaimPast, IndexOptOut, IndexOptOutPast
from federation.consent.deciding import Ruling
from federation.consent.states import State
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

_CLAIM: Final = (
    *("node", "claim_id", "holder_id", "host", "path", "wildcard"),
    *("counts_from", "counts_to", "content_tier", "canonical"),
)
"""What is read of a claim: in this order, for it is unpacked by place (`_claim`)."""


class _Rows(NamedTuple):
    """What the index has about some addresses; rulings are in no order."""

    claims: list[Any]
    rulings: list[Any]
    shares: list[Any]


async def hub_index(
    session: ReadSession,
    keys: Iterable[UrlKey],
    known_at: datetime | None = None,
    question: UseAt | None = None,
) -> ClaimIndex:
    """At the hub: return all the index knows, or knew at an instant, about some addresses.

    Canonical ones included. With a `question`, only the rulings that can decide it: the answer is
    good for no other.
    """
    found = await _rows(session, keys, known_at, question)
    shares = (_share(row.node, fact_of_row(row)) for row in found.shares)
    return ClaimIndex(map(_claim, found.claims), map(_ruling, found.rulings), shares)


async def hub_claims(
    session: ReadSession, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> ClaimIndex:
    """At the hub: return what the same index says of whose some addresses are, and no more.

    Nothing is in it of their use, nor of what they call the original.
    """
    found = await _claims_on(session, set(keys), known_at)
    return ClaimIndex(map(_claim, _once(found)), ())


async def index_slice(
    session: ReadSession, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> Slice:
    """At the hub: return what `hub_index` is made of, as nodes are told it."""
    found = await _rows(session, keys, known_at, None)
    return Slice(
        claims=[SliceClaim(row.node, claim_fact(row)) for row in found.claims],
        opt_outs=[SliceOptOut(row.node, opt_out_fact(row)) for row in found.rulings],
        shares=[SliceShare(row.node, fact_of_row(row)) for row in found.shares],
    )


async def _rows(
    session: ReadSession,
    keys: Iterable[UrlKey],
    known_at: datetime | None,
    question: UseAt | None,
) -> _Rows:
    """Read what the index has, or had at an instant: also what a node took back after it."""
    wanted = set(keys)
    claims = await _claims_on(session, wanted, known_at)
    more = {UrlKey.of(row.canonical) for row in claims if row.canonical} - wanted
    if more:
        claims += await _claims_on(session, more, known_at)
    rulings: list[Any] = []
    holders = {row.holder_id for row in claims}
    for of in (IndexOptOut,) if known_at is None else (IndexOptOut, IndexOptOutPast):
        columns: Any = of.__table__.columns
        query: Any = select(*columns).where(was_known(of, known_at), can_decide(of, question))
        rulings += await rulings_matching(session, of, query, wanted | more)
        for chunk in in_chunks(sorted(holders)):
            rulings += await session.execute(query.where(of.holder_id.in_(chunk)))
    shares = [] if question is not None else await shares_matching(session, wanted | more, known_at)
    return _Rows(_once(claims), rulings, shares)


def _once(claims: Iterable[Any]) -> list[Any]:
    return list({row[:2]: row for row in claims}.values())  # node and id


async def _claims_on(
    session: ReadSession, keys: Collection[UrlKey], known_at: datetime | None
) -> list[Any]:
    found: list[Any] = []
    for of in (IndexClaim,) if known_at is None else (IndexClaim, IndexClaimPast):
        columns = (of.__table__.columns[name] for name in _CLAIM)
        query: Any = select(*columns).where(was_known(of, known_at))
        found += await claims_matching(session, of, query, keys)
    return found


async def claims_held(
    session: ReadSession,
    node: str,
    holder: str,
    *,
    on: date,
    near: tuple[str | None, str] | None = None,
    limit: int,
) -> list[ClaimKey]:
    """At the hub: return what a member of a node claims on a day; `near` is as in `is_near`."""
    query = select(IndexClaim.host, IndexClaim.path, IndexClaim.wildcard)
    query = query.where(
        IndexClaim.holder_id == holder,
        IndexClaim.node == node,
        IndexClaim.counts_from <= on,
        or_(IndexClaim.counts_to.is_(None), IndexClaim.counts_to > on),
    )
    if near is not None:
        query = query.where(is_near(IndexClaim, *near))
    rows = await session.execute(query.order_by(IndexClaim.host, IndexClaim.path).limit(limit))
    return [ClaimKey(host, path, wildcard) for host, path, wildcard in rows]


def claim_fact(row: IndexClaim | IndexClaimPast) -> ClaimFact:
    """Return a claim of the index as a node told it."""
    return ClaimFact(
        claim_id=row.claim_id,
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        counts_from=row.counts_from,
        counts_to=row.counts_to,
        content_tier=row.content_tier,
        canonical=row.canonical,
    )


def opt_out_fact(row: IndexOptOut | IndexOptOutPast) -> OptOutFact:
    """Return a ruling of the index as a node told it."""
    return OptOutFact(
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        state=State(row.state),
        source=row.source,
        since=row.since,
    )


def claim_index(answer: Slice) -> ClaimIndex:
    """Turn an answer of the hub into something verdicts can ask."""
    shares = [_share(one.node, one.fact) for one in answer.shares]
    return ClaimIndex(indexed_claims(answer), indexed_rulings(answer), shares)


def indexed_claims(answer: Slice) -> list[IndexedClaim]:
    """Return the claims of an answer."""
    return [_claim_of(entry.node, entry.fact) for entry in answer.claims]


def indexed_rulings(answer: Slice) -> list[IndexedRuling]:
    """Return the rulings of an answer."""
    return [_ruling_of(entry.node, entry.fact) for entry in answer.opt_outs]


def _share(node: str, fact: ShareFact) -> IndexedShare:
    return IndexedShare(ClaimKey(fact.host, fact.path, fact.wildcard), share_of(node, fact))


def _claim(row: tuple[Any, ...]) -> IndexedClaim:
    """Return the claim that the columns of `_CLAIM` are: a thousand are made for one question."""
    node, claim_id, holder, host, path, wildcard, counts_from, counts_to, tier, canonical = row
    return IndexedClaim(
        node,
        claim_id,
        holder,
        ClaimKey(host, path, wildcard),
        counts_from,
        counts_to,
        tier,
        UrlKey.of(canonical) if canonical else None,
    )


def _ruling(row: IndexOptOut | IndexOptOutPast) -> IndexedRuling:
    return _ruling_of(row.node, row)


def _claim_of(node: str, said: ClaimFact) -> IndexedClaim:
    return _claim((node, *(getattr(said, name) for name in _CLAIM[1:])))


def _ruling_of(node: str, said: OptOutFact | IndexOptOut | IndexOptOutPast) -> IndexedRuling:
    ruling = Ruling(
        said.state,
        said.use,
        said.effective_at,
        said.ends_at,
        said.source,
        rule_length(said.path or ""),
        said.since,
    )
    if said.host is None or said.path is None:
        return IndexedRuling(node, ruling, None, said.holder_id)
    return IndexedRuling(node, ruling, ClaimKey(said.host, said.path, said.wildcard), None)
