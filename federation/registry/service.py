"""Registering members, claims and opt-outs: read the file, record it, tell the index."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.registry import index_store, store
from federation.registry.imports import read_claims, read_members, read_opt_outs
from federation.registry.messages import ClaimFact, OptOutFact, RegistryDelta
from federation.registry.urls import normalise_url
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.parties import get_party, hub_terms
from federation.values.party import HUB

DELTA_ENTRIES_MAX = 5_000


class VersionGapError(RefusalError):
    """A delta of this registry is missing before this one."""

    code: ClassVar[str] = "VERSION_GAP"


async def import_members(session: WriteSession, data: bytes, *, node: str) -> int:
    """Register the members of a CSV file; one that is there already refuses the file."""
    members = read_members(data, node=node, registered=await store.member_ids(session))
    await store.add_members(session, members)
    return len(members)


async def import_claims(session: WriteSession, data: bytes, *, node: str, now: datetime) -> int:
    """Register the claims of a CSV file and post them to the claim index."""
    terms = await hub_terms(session)
    claims = read_claims(
        data,
        node=node,
        members=await store.member_ids(session),
        tiers=terms.tier_weight,
        held=await store.held_claims(session),
    )
    await store.add_claims(session, node, claims)
    joined = await store.joined_on(session, {claim.member_id for claim in claims})
    facts = [index_store.claim_fact(node, claim, joined[claim.member_id]) for claim in claims]
    await _tell_index(session, node, facts, [], now)
    return len(claims)


async def import_opt_outs(session: WriteSession, data: bytes, *, node: str, now: datetime) -> int:
    """Register the opt-outs of a CSV file and post them to the claim index."""
    terms = await hub_terms(session)
    opt_outs = read_opt_outs(
        data, node=node, members=await store.member_ids(session), uses=terms.use_weight
    )
    await store.add_opt_outs(session, opt_outs, now)
    facts = [index_store.opt_out_fact(node, opt_out) for opt_out in opt_outs]
    await _tell_index(session, node, [], facts, now)
    return len(opt_outs)


async def _tell_index(
    session: WriteSession,
    node: str,
    claims: Sequence[ClaimFact],
    opt_outs: Sequence[OptOutFact],
    now: datetime,
) -> None:
    hub = await get_party(session, HUB)
    for start in range(0, max(len(claims), len(opt_outs)), DELTA_ENTRIES_MAX):
        end = start + DELTA_ENTRIES_MAX
        delta = RegistryDelta(
            version=await index_store.next_version(session, node),
            claims=list(claims[start:end]),
            opt_outs=list(opt_outs[start:end]),
        )
        await outbox.post(session, target=hub.entity_id, message=delta, now=now)


class BadDeltaError(RefusalError):
    """This change of a registry cannot be entered in the claim index."""

    code: ClassVar[str] = "BAD_DELTA"


async def _check_delta(session: ReadSession, node: str, delta: RegistryDelta) -> None:
    """Refuse claims whose addresses are not in the index's own form, and ids that are taken."""
    ids = [fact.claim_id for fact in delta.claims]
    known = await index_store.known_claims(session, ids)
    taken = {claim_id for of, claim_id in known if of == node}
    if taken or len(set(ids)) < len(ids):
        raise BadDeltaError(f"claim {(sorted(taken) or ['?'])[0]} is there already, or comes twice")
    for fact in delta.claims:
        _check_address(fact.host, fact.path)
    for opt_out in delta.opt_outs:
        if opt_out.host is not None and opt_out.path is not None:
            _check_address(opt_out.host, opt_out.path)


def _check_address(host: str, path: str) -> None:
    """Refuse an address that is not written as the index keeps it (SETTLEMENT §3, Matching)."""
    plain = path.replace("*", "%2A").replace("$", "%24")  # a pattern's own characters
    try:
        key = normalise_url(f"https://{host}{plain}")
    except RefusalError as refusal:
        raise BadDeltaError(f"{host}{path[:200]}: {refusal.message}") from refusal
    if (key.host, key.path) != (host, plain):
        raise BadDeltaError(f"{host}{path[:200]} is {key.host}{key.path[:200]}")


async def receive_delta(session: WriteSession, node: str, delta: RegistryDelta) -> None:
    """At the hub: enter a delta; one out of order is refused."""
    expected = await index_store.version_of(session, node) + 1
    if delta.version != expected:
        raise VersionGapError(f"{node} #{delta.version}, expected #{expected}")
    await _check_delta(session, node, delta)
    await index_store.next_version(session, node)
    await index_store.apply_delta(session, node, delta)
