"""Reading the files of members, claims and opt-outs, and what the claim index is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import ClassVar

from federation.claimindex import delta_store
from federation.claimindex.messages import ClaimFact, OptOutFact, RegistryDelta, ShareFact
from federation.errors import RefusalError
from federation.registry import store
from federation.registry.imports import (
    NewClaim,
    NewMember,
    NewOptOut,
    read_claims,
    read_members,
    read_opt_outs,
)
from federation.registry.tables import Member
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.parties import get_party, hub_terms
from federation.values.party import HUB

DELTA_ENTRIES_MAX = 5_000
TABLES = ("members", "works", "optouts")


class UnknownMemberError(RefusalError):
    """No such member of this collective."""

    code: ClassVar[str] = "UNKNOWN_MEMBER"


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A whole file as it was read beside what was registered then; `mark` says what that was."""

    mark: tuple[int, int, int]
    members: Sequence[NewMember] = ()
    claims: Sequence[NewClaim] = ()
    opt_outs: Sequence[NewOptOut] = ()


async def read_table(session: ReadSession, table: str, data: bytes, *, node: str) -> ReadTable:
    """Read a file that `TABLES` names, or refuse it with every row that is wrong.

    It takes as long as the file is long, so it needs no write transaction; entering it does.
    """
    mark = await store.mark(session)
    known = await store.member_ids(session)
    if table == "members":
        read = partial(read_members, data, node=node, registered=known)
        return ReadTable(mark, members=await asyncio.to_thread(read))
    terms = await hub_terms(session)
    if table == "works":
        held, members = await store.held_claims(session), await store.standings(session)
        tiers = terms.tier_weight
        works = partial(read_claims, data, node=node, members=members, tiers=tiers, held=held)
        return ReadTable(mark, claims=await asyncio.to_thread(works))
    uses = terms.use_weight
    opt_outs = partial(read_opt_outs, data, node=node, members=known, uses=uses)
    return ReadTable(mark, opt_outs=await asyncio.to_thread(opt_outs))


async def is_as_read(session: ReadSession, table: ReadTable) -> bool:
    """Tell whether nothing was registered since a file was read."""
    return await store.mark(session) == table.mark


@dataclass(slots=True)
class Changes:
    """What is new in a registry and what goes; an entry that changed is in both."""

    claims: list[ClaimFact] = field(default_factory=list)
    opt_outs: list[OptOutFact] = field(default_factory=list)
    withdrawn_claims: list[str] = field(default_factory=list)
    withdrawn_opt_outs: list[OptOutFact] = field(default_factory=list)
    shares: list[ShareFact] = field(default_factory=list)
    withdrawn_shares: list[str] = field(default_factory=list)


async def tell_index(session: WriteSession, node: str, changes: Changes, now: datetime) -> None:
    """Post changes to the hub's claim index, in as many deltas as they need."""
    longest = max(
        len(changes.claims),
        len(changes.opt_outs),
        len(changes.withdrawn_claims),
        len(changes.withdrawn_opt_outs),
        len(changes.shares),
        len(changes.withdrawn_shares),
    )
    hub = await get_party(session, HUB)
    for start in range(0, longest, DELTA_ENTRIES_MAX):
        part = slice(start, start + DELTA_ENTRIES_MAX)
        delta = RegistryDelta(
            version=await delta_store.next_version(session, node),
            claims=changes.claims[part],
            opt_outs=changes.opt_outs[part],
            withdrawn_claims=changes.withdrawn_claims[part],
            withdrawn_opt_outs=changes.withdrawn_opt_outs[part],
            shares=changes.shares[part],
            withdrawn_shares=changes.withdrawn_shares[part],
        )
        await outbox.post(session, target=hub.entity_id, message=delta, now=now)


async def get_member(session: ReadSession, member_id: str) -> Member:
    """Return a member by its id, or refuse (UNKNOWN_MEMBER)."""
    member = await store.find_member(session, member_id)
    if member is None:
        raise UnknownMemberError(member_id)
    return member
