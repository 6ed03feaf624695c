"""What a node knows of one of its members for the terms that it publishes (`rsl.member_terms`)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from federation.addresses.matching import outermost
from federation.addresses.urls import ClaimKey, UrlKey
from federation.licensing.counter import Counter
from federation.registry import index_store, store
from federation.registry.imports import holder_id
from federation.registry.index import ClaimIndex
from federation.registry.service import get_member
from federation.registry.tables import OptOut
from federation.rsl.member_terms import (
    MAX_AGE_DAYS,
    RESERVED_MAX,
    MemberFacts,
    Reserved,
    base_path,
)
from federation.store.sessions import ReadSession

CLAIMS_READ_MAX: Final = 5_000  # of a member; most lie within others, which alone are published


async def member_facts(
    session: ReadSession, node: str, member: str, *, counter: Counter, now: datetime
) -> MemberFacts:
    """Return what is for sale of a member at the hub's counter, and what is reserved.

    A reservation of tomorrow stands in it today, since the document may be kept for a day. What
    another member of this collective claims as well is left out: nobody can say whose it is. Raises
    UnknownMemberError.
    """
    await get_member(session, member)
    until = now + timedelta(days=MAX_AGE_DAYS)
    today, tomorrow = (each.astimezone(UTC).date() for each in (now, until))
    claims = await store.claims_held(session, member, on=today, limit=CLAIMS_READ_MAX)
    keys = {UrlKey(claim.host, claim.path) for claim in claims}
    index = index_store.claim_index(await index_store.own_slice(session, node, keys))
    holder = holder_id(node, member)
    claims = outermost(claim for claim in claims if _is_alone(claim, holder, index, now))
    others = await store.others_below(
        session, member, claims, first=today, last=tomorrow, limit=RESERVED_MAX + 1
    )
    on_places = await store.opt_outs_touching(session, claims)
    named = await store.opt_outs_of(session, member)
    reserved = [Reserved(row.use) for row in named if _holds(row, now, until)]
    reserved += [
        Reserved(row.use, ClaimKey(row.host, row.path, row.wildcard))
        for row in on_places
        if row.host is not None and row.path is not None and _holds(row, now, until)
    ]
    server = counter.hub_url + base_path(node, member)
    return MemberFacts(claims, reserved, counter.uses, server, counter.buy_at, others)


def _is_alone(claim: ClaimKey, holder: str, index: ClaimIndex, now: datetime) -> bool:
    found = index.claimants(UrlKey(claim.host, claim.path), now)
    return {each.holder_id for each in found} == {holder}


def _holds(row: OptOut, now: datetime, until: datetime) -> bool:
    return row.effective_at <= until and (row.ends_at is None or now < row.ends_at)
