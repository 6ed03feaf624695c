"""What an act would write in a registry, found good but not written yet; and how it is written.

An act reads, judges and returns an edit. So it can be judged when it is proposed and once more when
it is confirmed, and is written in one way: rows, feed of changes, claim index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from federation.claimindex.messages import ShareFact
from federation.consent.states import State
from federation.history import acts, feed_store
from federation.history import store as history
from federation.history.kinds import Said, Saying, Statement
from federation.registry import conflict_store, edit_store, facts, store
from federation.registry.conflicts import Conflict
from federation.registry.imports import NewClaim, NewMember, NewOptOut
from federation.registry.membership import CLAIM, MEMBERS, OPT_OUT, MemberDetails, midnight
from federation.registry.service import Changes, tell_index
from federation.registry.tables import Claim, OptOut
from federation.store.database import announce
from federation.store.happened import happened
from federation.store.sessions import WriteSession
from federation.values.event import Event, EventType

REGISTRY_CHANGED: Final = "registry"
"""Announced by a transaction after which a registry says something else."""


class Gone(NamedTuple):
    """A claim that is known no more: CHANGED, ENDED or WITHDRAWN, and from when on that tells."""

    row: Claim
    act: str
    starts_at: datetime


class GoneOptOut(NamedTuple):
    """An opt-out that is known no more, and from when on that tells."""

    row: OptOut
    starts_at: datetime


@dataclass(slots=True)
class Edit:
    """What comes and what is known no more; claims and opt-outs name what they replace.

    Of shares only the hub is told.

    `needs_another` says that it takes something away from a member, or moves money between
    members: then another person confirms it (`proposals`).
    """

    joining: Sequence[NewMember] = ()
    members: Sequence[Statement[MemberDetails]] = ()
    gone: Sequence[Gone] = ()
    claims: Sequence[tuple[NewClaim, str | None]] = ()
    gone_opt_outs: Sequence[GoneOptOut] = ()
    opt_outs: Sequence[tuple[NewOptOut, datetime | None, int | None]] = ()
    shares: Sequence[ShareFact] = ()
    gone_shares: Sequence[str] = ()
    needs_another: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The ids of the claims, opt-outs, records and successions that came, or were taken back.

    And which claims that came others hold as well.
    """

    claims: list[str] = field(default_factory=list[str])
    opt_outs: list[int] = field(default_factory=list[int])
    records: list[int] = field(default_factory=list[int])
    successions: list[int] = field(default_factory=list[int])
    conflicts: list[Conflict] = field(default_factory=list[Conflict])


async def write(session: WriteSession, node: str, edit: Edit, saying: Saying) -> Written:
    """Write an edit down, all in one transaction, and tell the claim index what it means there."""
    saying = await feed_store.in_order(session, saying)
    changes, feed = Changes(), list[Said]()
    changes.shares += edit.shares
    changes.withdrawn_shares += edit.gone_shares
    joined_before = await store.joined_on(session, {gone.row.member_id for gone in edit.gone})
    await _write_members(session, edit, saying)
    for gone in edit.gone:
        gone.row.superseded_at = saying.now
        gone.row.joined_on = joined_before[gone.row.member_id]
        changes.withdrawn_claims.append(gone.row.claim_id)
        feed.append(Said(CLAIM, gone.row.claim_id, gone.act, gone.starts_at))
    await session.flush()
    names = await edit_store.add_claims(session, node, edit.claims, saying)
    joined = await store.joined_on(session, {claim.member_id for claim, _ in edit.claims})
    for name, (claim, _) in zip(names, edit.claims, strict=True):
        fact = facts.fact_of_new_claim(node, name, claim, joined[claim.member_id])
        changes.claims.append(fact)
        feed.append(Said(CLAIM, name, acts.REGISTERED, midnight(fact.counts_from)))
    numbers = await _write_opt_outs(session, node, edit, saying, changes)
    # A ruling that follows from a record or a published source is told with that.
    feed += [
        Said(OPT_OUT, str(gone.row.id), acts.ENDED, gone.starts_at)
        for gone in edit.gone_opt_outs
        if gone.row.state == State.OPT_OUT
    ]
    feed += [
        Said(OPT_OUT, str(number), acts.REGISTERED, new.effective_at)
        for number, (new, _, _) in zip(numbers, edit.opt_outs, strict=True)
        if new.state == State.OPT_OUT
    ]
    await feed_store.add_changes(session, feed, saying)
    keys = {claim.key for claim, _ in edit.claims}
    conflicts = await conflict_store.find_new(session, node, keys, saying.now)
    await tell_index(session, node, changes, saying.now)
    announce(session, REGISTRY_CHANGED)
    _say(session, edit, numbers)
    return Written(names, numbers, conflicts=conflicts)


def _say(session: WriteSession, edit: Edit, numbers: Sequence[int]) -> None:
    """Say which opt-outs came, and which end, by the row that says so.

    An opt-out that is known no more is always followed by one that has an end; what is followed by
    nothing is a ruling of a record or a published source, of which nobody is told.
    """
    came: list[int] = []
    end: list[int] = []
    for number, (new, _, replaces) in zip(numbers, edit.opt_outs, strict=True):
        if new.state == State.OPT_OUT:
            (came if replaces is None else end).append(number)
    if came:
        happened(session, Event(EventType.OPT_OUT_RECORDED, {}, numbers=tuple(came)))
    if end:
        happened(session, Event(EventType.OPT_OUT_ENDED, {}, numbers=tuple(end)))


async def _write_members(session: WriteSession, edit: Edit, saying: Saying) -> None:
    await edit_store.add_members(session, edit.joining)
    joining = [
        Statement(
            one.member_id,
            acts.REGISTERED,
            midnight(one.joined_on),
            None,
            MemberDetails(one.name, one.country),
        )
        for one in edit.joining
    ]
    await history.record(session, MEMBERS, joining, saying)
    for statement in edit.members:
        await history.record(session, MEMBERS, [statement], saying)
    for member_id in dict.fromkeys(statement.thing for statement in edit.members):
        await edit_store.project_member(session, member_id, saying.now)


async def _write_opt_outs(
    session: WriteSession, node: str, edit: Edit, saying: Saying, changes: Changes
) -> list[int]:
    """Write opt-outs and return their ids; the index, which knows none, is told the same again."""
    for gone in edit.gone_opt_outs:
        gone.row.superseded_at = saying.now
        changes.withdrawn_opt_outs.append(facts.fact_of_opt_out(node, gone.row))
    await session.flush()
    said = [edit_store.as_entered(gone.row) for gone in edit.gone_opt_outs]
    twins = await edit_store.same_opt_outs(session, said)
    changes.opt_outs += [facts.fact_of_opt_out(node, twin) for twin in twins]
    numbers = await edit_store.add_opt_outs(session, edit.opt_outs, saying)
    changes.opt_outs += [
        facts.fact_of_new_opt_out(node, new, ends_at) for new, ends_at, _ in edit.opt_outs
    ]
    return numbers
