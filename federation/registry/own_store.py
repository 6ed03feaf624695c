"""What a node's own registry says of addresses, in the place of the claim index. Nothing commits.

Each claim and each ruling is made once, out of the columns that verdicts ask for.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from federation.addresses.matching import rule_length
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.entitlement import counts_from
from federation.claimindex.index import ClaimIndex, IndexedClaim, IndexedRuling
from federation.claimindex.place_store import (
    UseAt,
    can_decide,
    claims_matching,
    known,
    rulings_matching,
)
from federation.consent.deciding import Ruling
from federation.registry.imports import holder_id
from federation.registry.tables import Claim, Member, OptOut
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession

_Claims = dict[str, tuple[str, IndexedClaim]]


class RulingRow(NamedTuple):
    """What is read of a ruling, column by column: its row and record, its subject, what it says."""

    id: int
    record: int | None
    member_id: str | None
    host: str | None
    path: str | None
    wildcard: bool
    state: str
    use: str
    effective_at: datetime
    ends_at: datetime | None
    source: str | None
    since: datetime | None


class OwnRows(NamedTuple):
    """The claims and the rows of rulings that a node's answer is made of."""

    claims: list[IndexedClaim]
    rulings: list[RulingRow]


async def own_index(
    session: ReadSession,
    node: str,
    keys: Iterable[UrlKey],
    known_at: datetime | None = None,
    question: UseAt | None = None,
) -> ClaimIndex:
    """Return all a node knows, or knew at an instant, about some addresses and their originals.

    With a `question`, only the rulings that can decide it: the index then answers no other.
    """
    found = await own_rows(session, node, keys, known_at, question)
    return ClaimIndex(found.claims, (indexed(node, row) for row in found.rulings))


async def own_rows(
    session: ReadSession,
    node: str,
    keys: Iterable[UrlKey],
    known_at: datetime | None = None,
    question: UseAt | None = None,
) -> OwnRows:
    """Return the claims and the rows of rulings that `own_index` is made of."""
    claims, places = await _claims_and_originals(session, node, set(keys), known_at)
    query = _rulings(known_at, question)
    rulings = await rulings_matching(session, OptOut, query, places)
    members = {member for member, _ in claims.values()}
    rulings += await rulings_naming(session, members, known_at, question)
    return OwnRows([one for _, one in claims.values()], rulings)


async def own_claims(
    session: ReadSession, node: str, keys: Iterable[UrlKey], known_at: datetime | None = None
) -> list[IndexedClaim]:
    """Return the claims alone that a node knows, or knew, on some addresses and their originals."""
    found, _ = await _claims_and_originals(session, node, set(keys), known_at)
    return [one for _, one in found.values()]


async def rulings_naming(
    session: ReadSession,
    members: Collection[str],
    known_at: datetime | None = None,
    question: UseAt | None = None,
) -> list[RulingRow]:
    """Return the rulings that are about some members as a whole, at no address of theirs."""
    found: list[Any] = []
    query = _rulings(known_at, question)
    for chunk in in_chunks(sorted(members)):
        found += await session.execute(query.where(OptOut.member_id.in_(chunk)))
    return found


def indexed(node: str, row: RulingRow, ruling: Ruling | None = None) -> IndexedRuling:
    """Return a ruling as verdicts ask for it; `ruling` is what it says, where that is known."""
    _, _, member_id, host, path, wildcard, *_ = row
    said = ruling or as_ruling(row)
    if host is None or path is None:
        return IndexedRuling(node, said, None, holder_id(node, member_id or ""))
    return IndexedRuling(node, said, ClaimKey(host, path, wildcard), None)


def as_ruling(row: RulingRow) -> Ruling:
    """Return what a row says of its subject."""
    number, _, _, _, path, _, state, use, starts_at, ends_at, source, since = row
    length = rule_length(path or "")
    return Ruling(state, use, starts_at, ends_at, source, length, since, number)


def _rulings(known_at: datetime | None, question: UseAt | None) -> Any:
    table: Any = OptOut
    columns = [getattr(table, name) for name in RulingRow._fields]
    return select(*columns).where(known(OptOut, known_at), can_decide(OptOut, question))


async def _claims_and_originals(
    session: ReadSession, node: str, keys: set[UrlKey], known_at: datetime | None
) -> tuple[_Claims, set[UrlKey]]:
    """Return the claims on some addresses and on what these call their originals, and them all."""
    claims = await _claims_on(session, node, keys, known_at)
    more = {one.canonical for _, one in claims.values() if one.canonical is not None} - keys
    if more:
        claims |= await _claims_on(session, node, more, known_at)
    return claims, keys | more


async def _claims_on(
    session: ReadSession, node: str, keys: Collection[UrlKey], known_at: datetime | None
) -> _Claims:
    """Return (member, claim) by id; a claim counts from the day its member was known to join."""
    of = Claim
    joined_on = func.coalesce(of.joined_on, Member.joined_on, type_=Member.joined_on.type)
    query: Any = select(
        *(of.claim_id, of.member_id, of.host, of.path, of.wildcard),
        *(of.valid_from, of.valid_to, of.content_tier, of.canonical),
        joined_on.label("joined_on"),
    )
    query = query.join(Member).where(known(of, known_at))
    rows: Sequence[Any] = await claims_matching(session, of, query, keys)
    return {row.claim_id: (row.member_id, _claim(node, row)) for row in rows}


def _claim(node: str, row: Any) -> IndexedClaim:
    return IndexedClaim(
        node,
        row.claim_id,
        holder_id(node, row.member_id),
        ClaimKey(row.host, row.path, row.wildcard),
        counts_from(row.joined_on, row.valid_from),
        row.valid_to,
        row.content_tier,
        UrlKey.of(row.canonical) if row.canonical else None,
    )
