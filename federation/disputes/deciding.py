"""Confirming how a dispute ends, by another person than proposed it: claims end, money moves.

At the hub nothing moves here: what it and licensors hold goes by `suspense`, for a claim of whom
the outcome names; and claims end at the node that has them.
"""

from collections.abc import Sequence
from datetime import date, datetime

from federation.claimindex.entitlement import counts_from
from federation.disputes import store
from federation.disputes.outcomes import (
    Escrow,
    ProRata,
    Reduced,
    Terms,
    decode,
    kind_of,
)
from federation.disputes.proposing import require_ripe
from federation.disputes.releasing import Given, release, to_give
from federation.disputes.rules import (
    DisputeStateError,
    State,
    number_of,
)
from federation.disputes.service import get_dispute, get_open, key_of, note
from federation.disputes.tables import Dispute
from federation.history.kinds import Saying
from federation.proposals import acts
from federation.proposals.claims import DraftClaim
from federation.proposals.rules import Rules
from federation.proposals.service import do_as_decided
from federation.registry import edit_store
from federation.registry.service import get_member
from federation.registry.tables import Claim
from federation.store.sessions import WriteSession
from federation.trust.principals import Principal, require_other_person
from federation.values.reason import stated


async def confirm_outcome(
    session: WriteSession, number: int, reason: str, *, who: Principal, rules: Rules
) -> tuple[Dispute, list[Given]]:
    """Confirm what another proposed (SAME_PERSON) at a node; return what members got.

    Claims that lose end by the door of claims, on the day that the outcome names; what is held goes
    to whom it names. In escrow nothing does.
    """
    row, why = await get_open(session, number), stated(reason)
    terms, sides = await require_ripe(session, row, here=rules.node, now=rules.now)
    require_other_person(row.proposed_by, who.subject)
    given = await _decide(session, row, terms, why, who=who, now=rules.now, node=rules.node)
    await _end_claims(session, row, terms, sides, rules)
    return row, given


async def confirm_between(
    session: WriteSession, number: int, reason: str, *, here: str, who: Principal, now: datetime
) -> Dispute:
    """Confirm at the hub what another proposed (SAME_PERSON): it says whose the address is.

    What is held is released afterwards, for a claim that the node in favour files.
    """
    row, why = await get_open(session, number), stated(reason)
    terms, _ = await require_ripe(session, row, here=here, now=now)
    require_other_person(row.proposed_by, who.subject)
    _note_decision(row, terms, why, who, now)
    await note(session, who, row, "confirm", why, {"outcome": kind_of(terms)})
    return row


async def _decide(
    session: WriteSession,
    row: Dispute,
    terms: Terms,
    why: str,
    *,
    who: Principal,
    now: datetime,
    node: str,
) -> list[Given]:
    key = await key_of(session, row)
    _note_decision(row, terms, why, who, now)
    given = await to_give(session, row, terms, key.text, node)
    await release(session, row, given, node=node, now=now)
    detail = {"outcome": kind_of(terms), "released": _summed(given)}
    await note(session, who, row, "confirm", why, detail)
    return given


def _note_decision(row: Dispute, terms: Terms, why: str, who: Principal, now: datetime) -> None:
    row.state = State.ESCROW if isinstance(terms, Escrow) else State.DECIDED
    row.outcome, row.agreed, row.terms = kind_of(terms), row.terms, None
    row.decided_by, row.decided_at, row.decided_because = who.subject, now, why


async def release_again(
    session: WriteSession,
    number: int,
    reason: str,
    *,
    node: str,
    who: Principal,
    now: datetime,
) -> tuple[Dispute, list[Given]]:
    """Give what came to be held since a dispute was decided, as it was decided (DISPUTE_STATE).

    Two people decided to whom it goes; who carries it out is not the one who proposed that.
    """
    row, why = await get_dispute(session, number), stated(reason)
    newest = await store.last_of(session, row.contested)
    if row.state != State.DECIDED or row.agreed is None:
        raise DisputeStateError(f"{number_of(row.id)} is {row.state}")
    if newest is not None and newest.id != row.id:
        raise DisputeStateError(f"{number_of(newest.id)} is over the same claim")
    require_other_person(row.proposed_by, who.subject)
    key = await key_of(session, row)
    given = await to_give(session, row, decode(row.agreed), key.text, node)
    if not given:
        raise DisputeStateError("nothing came to be held since")
    await release(session, row, given, node=node, now=now)
    await note(session, who, row, "release", why, {"released": _summed(given)})
    return row, given


def _summed(given: Sequence[Given]) -> str:
    """Say who gets how much: `de-a 1200 EUR, de-b 300 EUR`."""
    sums: dict[tuple[str, str], int] = {}
    for one in given:
        key = (one.member, one.of.currency)
        sums[key] = sums.get(key, 0) + one.amount
    return ", ".join(f"{who} {sum_} {code}" for (who, code), sum_ in sorted(sums.items()))[:2_000]


async def _end_claims(
    session: WriteSession, row: Dispute, terms: Terms, sides: Sequence[str], rules: Rules
) -> None:
    """End the claims that lose, by the door of claims, as who proposed it said."""
    if isinstance(terms, Escrow | ProRata):
        return
    key = await key_of(session, row)
    saying = Saying(row.proposed_by or "", _why(row), rules.now)
    losing = (
        [terms.reducing] if isinstance(terms, Reduced) else sorted(set(sides) - {terms.in_favour})
    )
    for party in losing:
        for claim in await edit_store.held_by(session, party, key):
            act = await _ending(session, claim, terms.on)
            if act is None:
                continue
            await do_as_decided(session, act, saying=saying, rules=rules)
            if isinstance(terms, Reduced):
                narrower = _narrower(claim, terms)
                if not await edit_store.held_by(session, party, terms.kept):
                    await do_as_decided(session, narrower, saying=saying, rules=rules)


def _why(row: Dispute) -> str:
    return f"{number_of(row.id)}: {row.proposed_because or ''}"[:2_000]


async def _ending(
    session: WriteSession, claim: Claim, on: date
) -> acts.EndClaim | acts.WithdrawClaim | None:
    """Return the act by which a claim counts no more from a day on; None: it does not by then."""
    if claim.valid_to is not None and claim.valid_to <= on:
        return None
    member = await get_member(session, claim.member_id)
    if on <= counts_from(member.joined_on, claim.valid_from):
        return acts.WithdrawClaim(claim.claim_id)
    return acts.EndClaim(claim.claim_id, on)


def _narrower(claim: Claim, terms: Reduced) -> acts.RegisterClaim:
    draft = DraftClaim(
        terms.kept.text,
        claim.content_tier,
        claim.works,
        claim.canonical,
        claim.owner_bps,
        terms.on if claim.valid_from is None else max(terms.on, claim.valid_from),
        claim.valid_to,
    )
    return acts.RegisterClaim(claim.member_id, draft)
