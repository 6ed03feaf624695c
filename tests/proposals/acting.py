"""Acts at a node as people do them, and what the node and the hub's index know after them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.claimindex.place_store import known
from federation.claimindex.tables import IndexClaim, IndexOptOut
from federation.errors import RefusalError
from federation.proposals import service
from federation.proposals.rules import Rules
from federation.registry import edit_store, facts, own_store, store
from federation.registry.imports import holder_id
from federation.registry.tables import Claim, OptOut
from federation.trust.principals import Principal
from tests.databases import HUB_TERMS, contents
from tests.registry.registries import deltas, receive

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
ROSA = Principal("rosa", frozenset({"registry_officer"}))
RUTH = Principal("ruth", frozenset({"registry_officer"}))
ONE = Principal("ann@m1", frozenset({"member"}), "m1")
TWO = Principal("bob@m2", frozenset({"member"}), "m2")


def rules(now=NOON):
    return Rules("DE", HUB_TERMS.tier_weight, HUB_TERMS.use_weight, now)


async def submit(database, act, *, who=ROSA, now=NOON, reason="a letter"):
    async with database.write("act") as session:
        return await service.submit(session, act, reason, who=who, rules=rules(now))


async def confirm(database, number, *, who=RUTH, now=NOON):
    async with database.write("confirm") as session:
        return await service.confirm(session, number, who=who, rules=rules(now))


async def done(database, act, *, now=NOON):
    """Do an act, by two people where it needs two; return the ids of the claims that came."""
    found = await submit(database, act, now=now)
    if not isinstance(found, service.Done):
        found = await confirm(database, found.id, now=now)
    return found.written.claims


async def refused_act(database, act, **people):
    """Return the code by which an act is refused, which must have left every row as it was."""
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        await submit(database, act, **people)
    assert await contents(database) == before
    return refusal.value.code


async def claims_of(database, member):
    async with database.read() as session:
        return await edit_store.known_claims_of(session, member)


async def tell(node, hub, told=0):
    """Carry the deltas after so many to the hub; return how many there are by now."""
    found = await deltas(node)
    await receive(hub, *found[told:])
    return len(found)


async def claimants(database, url, at, *, known_at=None, own=True):
    """Return {holder: tier} of an address, as the node's registry or the hub's index says it."""
    key = normalise_url(url)
    async with database.read() as session:
        index = (
            await own_store.own_index(session, "DE", {key}, known_at)
            if own
            else await index_store.hub_index(session, {key}, known_at)
        )
    reserved = index.is_reserved(key, "TRAIN", at)
    return {c.holder_id: c.content_tier for c in index.claimants(key, at)}, reserved


async def index_is_what_is_known(node, hub):
    """Assert that the hub's index has what the node knows now, and nothing else."""
    async with node.read() as session:
        joined = await store.all_joined_on(session)
        rows = list(await session.scalars(select(Claim).where(known(Claim))))
        claims = {facts.fact_of_claim("DE", row, joined[row.member_id]) for row in rows}
        rows = list(await session.scalars(select(OptOut).where(known(OptOut))))
        opt_outs = sorted((facts.fact_of_opt_out("DE", row) for row in rows), key=repr)
    async with hub.read() as session:
        there = {index_store.claim_fact(row) for row in await session.scalars(select(IndexClaim))}
        withheld = [
            index_store.opt_out_fact(row) for row in await session.scalars(select(IndexOptOut))
        ]
    assert there == claims
    assert sorted(withheld, key=repr) == opt_outs


def of(member):
    return holder_id("DE", member)
