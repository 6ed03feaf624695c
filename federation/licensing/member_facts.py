"""What a node knows of one of its members for the terms that it publishes (`rsl.member_terms`)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from federation.addresses.urls import ClaimKey, UrlKey
from federation.registry import index_store, store
from federation.registry.imports import holder_id
from federation.registry.index import ClaimIndex
from federation.registry.service import get_member
from federation.registry.tables import OptOut
from federation.rsl.member_terms import CLAIMS_MAX, MAX_AGE_DAYS, MemberFacts, Reserved, base_path
from federation.store.sessions import ReadSession


async def member_facts(
    session: ReadSession,
    node: str,
    member: str,
    *,
    hub_url: str,
    buy_at: str,
    sold: list[str],
    now: datetime,
) -> MemberFacts:
    """Return what is for sale of a member and what is reserved (UNKNOWN_MEMBER).

    A reservation of tomorrow stands in it today, since the document may be kept for a day. What
    another member of this collective claims as well is left out: nobody can say whose it is.
    """
    await get_member(session, member)
    today = now.astimezone(UTC).date()
    claims = await store.claims_held(session, member, on=today, limit=CLAIMS_MAX)
    keys = {UrlKey(claim.host, claim.path) for claim in claims}
    index = index_store.claim_index(await index_store.own_slice(session, node, keys))
    holder = holder_id(node, member)
    claims = [claim for claim in claims if _is_alone(claim, holder, index, now)]
    hosts = {claim.host for claim in claims}
    wide = {claim.host for claim in claims if claim.wildcard}
    until = now + timedelta(days=MAX_AGE_DAYS)
    on_places = await store.opt_outs_for(session, with_parents(hosts), wide)
    named = await store.opt_outs_of(session, member)
    reserved = [Reserved(row.use) for row in named if _holds(row, now, until)]
    reserved += [
        Reserved(row.use, ClaimKey(row.host, row.path, row.wildcard))
        for row in on_places
        if row.host is not None and row.path is not None and _holds(row, now, until)
    ]
    server = hub_url + base_path(node, member)
    return MemberFacts(claims, reserved, sold, server, buy_at)


def with_parents(hosts: set[str]) -> set[str]:
    """Return hosts with every parent domain: a wildcard opt-out stands under one of them."""
    return {name for host in hosts for name in _upwards(host)}


def _upwards(host: str) -> Iterator[str]:
    labels = host.split(".")
    for start in range(len(labels)):
        yield ".".join(labels[start:])


def _is_alone(claim: ClaimKey, holder: str, index: ClaimIndex, now: datetime) -> bool:
    found = index.claimants(UrlKey(claim.host, claim.path), now)
    return {each.holder_id for each in found} == {holder}


def _holds(row: OptOut, now: datetime, until: datetime) -> bool:
    return row.effective_at <= until and (row.ends_at is None or now < row.ends_at)
