"""What of a registry the site of one member has to know: who holds its pages, what is said of them.

A site answers on the hosts of its member's claims. What is read is what a node's own answer
(`own_store.own_index`) may say of any page there. Nothing here commits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from federation.addresses.matching import outermost, rule_length
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.entitlement import counts_from
from federation.claimindex.index import IndexedClaim, IndexedRuling
from federation.claimindex.near_store import Near, rows_near
from federation.claimindex.place_store import known
from federation.consent.deciding import Ruling
from federation.registry import own_store
from federation.registry.imports import holder_id
from federation.registry.tables import Claim, Member, OptOut
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The claims that may hold a page of a site or the original of one, and what is said there.

    `own` are the member's. `originals` are the addresses of which pages there are copies.
    """

    own: list[IndexedClaim]
    others: list[IndexedClaim]
    rulings: list[IndexedRuling]
    originals: frozenset[UrlKey]


async def site_facts(session: ReadSession, node: str, member_id: str) -> SiteFacts:
    """Return what a member's site has to know; what other collectives hold is not known here."""
    places = await _places(session, member_id)
    members, claims = await _claims_around(session, node, places)
    originals = _originals(claims)
    there = await own_store.own_rows(session, node, originals)
    all_claims = dict.fromkeys([*claims, *there.claims])
    holder = holder_id(node, member_id)
    rulings = await _rulings_around(session, node, places)
    rulings += await _rulings_of(session, node, members)
    rulings += (_said(node, row) for row in there.rulings)
    return SiteFacts(
        [claim for claim in all_claims if claim.holder_id == holder],
        [claim for claim in all_claims if claim.holder_id != holder],
        list(dict.fromkeys(rulings)),
        originals,
    )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """On what of other collectives a site may depend.

    `originals` are the addresses of which pages there are copies, `places` where its pages are.
    """

    originals: frozenset[UrlKey] = frozenset()
    places: frozenset[ClaimKey] = frozenset()


async def asked_elsewhere(session: ReadSession, node: str, member_id: str) -> Elsewhere:
    """Return what others have to be asked about for a member's site."""
    places = await _places(session, member_id)
    _, claims = await _claims_around(session, node, places)
    return Elsewhere(_originals(claims), frozenset(places))


def _originals(claims: Iterable[IndexedClaim]) -> frozenset[UrlKey]:
    return frozenset(claim.canonical for claim in claims if claim.canonical is not None)


async def _places(session: ReadSession, member_id: str) -> list[ClaimKey]:
    held = select(Claim.host, Claim.path).where(Claim.member_id == member_id, known(Claim))
    return outermost(
        ClaimKey(host, path, wildcard=False) for host, path in await session.execute(held)
    )


def _said(node: str, row: own_store.RulingRow) -> IndexedRuling:
    """Return a ruling without its row: what two rows say alike is told once."""
    return own_store.indexed(node, row, own_store.as_ruling(row)._replace(row=None))


async def _claims_around(
    session: ReadSession, node: str, places: Sequence[ClaimKey]
) -> tuple[set[str], list[IndexedClaim]]:
    """Return the claims that may hold a page of some places, and whose they are."""
    joined_on = func.coalesce(Claim.joined_on, Member.joined_on, type_=Member.joined_on.type)
    of = Claim
    query = select(
        *(of.claim_id, of.member_id, of.host, of.path, of.wildcard),
        *(of.valid_from, of.valid_to, of.content_tier, of.canonical, joined_on),
    ).join(Member)
    near, members = Near(places), set[str]()
    found: dict[str, IndexedClaim] = {}
    async for rows in rows_near(session, of, query.where(known(of)), places):
        for row in rows:
            claim_id, member, host, path, wildcard, begins, ends, tier, canonical, joined = row
            key = ClaimKey(host, path, wildcard)
            if near.is_near(key):
                members.add(member)
                found[claim_id] = IndexedClaim(
                    node,
                    claim_id,
                    holder_id(node, member),
                    key,
                    counts_from(joined, begins),
                    ends,
                    tier,
                    UrlKey.of(canonical) if canonical else None,
                )
    return members, list(found.values())


async def _rulings_around(
    session: ReadSession, node: str, places: Sequence[ClaimKey]
) -> list[IndexedRuling]:
    of = OptOut
    query = select(
        of.id,
        of.host,
        of.path,
        of.wildcard,
        of.state,
        of.use,
        of.effective_at,
        of.ends_at,
        of.source,
        of.since,
    )
    found: dict[int, IndexedRuling] = {}
    near = Near(places)
    query = query.where(of.host.is_not(None), known(of))
    async for rows in rows_near(session, of, query, places):
        for row_id, host, path, wildcard, state, use, begins, ends, source, since in rows:
            key = ClaimKey(host or "", path or "", wildcard)
            if near.is_near(key):
                ruling = Ruling(state, use, begins, ends, source, rule_length(key.path), since)
                found[row_id] = IndexedRuling(node, ruling, key, None)
    return list(found.values())


async def _rulings_of(
    session: ReadSession, node: str, members: Iterable[str]
) -> list[IndexedRuling]:
    """Return what names some members."""
    of, found = OptOut, list[IndexedRuling]()
    query = select(of.member_id, of.state, of.use, of.effective_at, of.ends_at, of.source, of.since)
    for chunk in in_chunks(sorted(members)):
        named = query.where(of.member_id.in_(chunk), known(of))
        for member, state, use, begins, ends, source, since in await session.execute(named):
            ruling = Ruling(state, use, begins, ends, source, since=since)
            found.append(IndexedRuling(node, ruling, None, holder_id(node, member or "")))
    return found
