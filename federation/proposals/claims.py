"""Acts on claims: each judged, and returned as the edit that it would be; nothing is written.

A claim that is registered says the same for ever. What is done to it takes it out of what is known
now and puts others in its place, with ids of their own.
"""

from dataclasses import replace
from datetime import date

import msgspec

from federation.addresses.urls import ClaimKey, normalise_claim
from federation.claimindex.entitlement import counts_from
from federation.history import acts
from federation.proposals.rules import (
    BadClaimError,
    BadDayError,
    ClaimedTwiceError,
    NothingChangesError,
    Rules,
    SupersededError,
    UnknownClaimError,
)
from federation.registry import edit_store
from federation.registry.edits import Edit, Gone
from federation.registry.imports import NewClaim, canonical_of, entered
from federation.registry.membership import midnight
from federation.registry.overlaps import overlap
from federation.registry.service import get_member
from federation.registry.tables import Claim
from federation.store.sessions import ReadSession
from federation.values.bps import WHOLE_BPS
from federation.values.fields import Fault, Fields, one_of, up_to

WORKS_MAX = 2**31 - 1


class DraftClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A claim as somebody describes it: nothing is checked but the types of the fields."""

    address: str
    content_tier: str
    works: int = 1
    canonical: str | None = None
    owner_bps: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None


def read_claim(member: str, draft: DraftClaim, rules: Rules) -> NewClaim:
    """Read a described claim, or refuse it with all that is wrong (BAD_CLAIM)."""
    fields = Fields()
    key = fields.one("address", draft.address, lambda text: entered(normalise_claim(text)))
    tier = fields.one("content_tier", draft.content_tier, one_of(rules.tiers))
    works = fields.one("works", draft.works, up_to(WORKS_MAX))
    canonical = fields.maybe("canonical", draft.canonical, canonical_of)
    owner_bps = fields.maybe("owner_bps", draft.owner_bps, up_to(WHOLE_BPS))
    if (draft.canonical in {None, ""}) != (draft.owner_bps is None):
        reason = "a copy names its original and the owner's part, and nothing else does"
        fields.faults.append(Fault("owner_bps", reason))
    starts, ends = draft.valid_from, draft.valid_to
    if starts is not None and ends is not None and ends <= starts:
        fields.faults.append(Fault("valid_to", f"{ends} is not after {starts}"))
    if fields.faults or key is None or tier is None or works is None:
        raise BadClaimError(fields.faults)
    return NewClaim(member, key, tier, works, canonical, owner_bps, starts, ends)


async def register_claim(
    session: ReadSession, member: str, draft: DraftClaim, rules: Rules
) -> Edit:
    """Register a claim of a member (UNKNOWN_MEMBER, BAD_CLAIM, NOT_THEN, CLAIMED_TWICE).

    Another person confirms one that overlaps a claim of another member: what was paid to that one
    would be disputed, or paid to this one.
    """
    claim = read_claim(member, draft, rules)
    counting = await _first_day(session, claim)
    await _require_not_held(session, claim)
    other = await edit_store.overlapping(session, claim, counting)
    return Edit(claims=[(claim, None)], needs_another=other is not None)


async def end_claim(session: ReadSession, claim_id: str, on: date) -> Edit:
    """End a claim before a day, past or to come (NOT_THEN); another person confirms it."""
    row, was = await _known(session, claim_id)
    first = await _first_day(session, was, is_over=True)
    if on <= first:
        raise BadDayError(f"it counts from {first}: withdraw what never was right")
    if was.valid_to is not None and was.valid_to <= on:
        raise BadDayError(f"it ends on {was.valid_to} already")
    gone = Gone(row, acts.ENDED, midnight(on))
    return Edit(gone=[gone], claims=[(replace(was, valid_to=on), claim_id)], needs_another=True)


class DraftTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a claim says beside its address and its days: all of it, at each change."""

    content_tier: str
    works: int = 1
    canonical: str | None = None
    owner_bps: int | None = None


async def change_claim(
    session: ReadSession, claim_id: str, draft: DraftTerms, starts_on: date, rules: Rules
) -> Edit:
    """Say what else a claim says, from a day on at which it counts (BAD_CLAIM, NOT_THEN).

    Another person confirms a change of the tier, of the original or of its owner's part.
    """
    row, was = await _known(session, claim_id)
    first = await _first_day(session, was, is_over=True)
    if starts_on <= first:
        raise BadDayError(f"it counts from {first}: correct what never was right")
    if was.valid_to is not None and was.valid_to <= starts_on:
        raise BadDayError(f"it ends on {was.valid_to}")
    whole = DraftClaim(
        was.key.text,
        draft.content_tier,
        draft.works,
        draft.canonical,
        draft.owner_bps,
        starts_on,
        was.valid_to,
    )
    then = read_claim(was.member_id, whole, rules)
    if _terms(then) == _terms(was):
        raise NothingChangesError(claim_id)
    gone = Gone(row, acts.CHANGED, midnight(starts_on))
    before = replace(was, valid_to=starts_on)
    return Edit(
        gone=[gone],
        claims=[(before, claim_id), (then, claim_id)],
        needs_another=_moves_money(was, then),
    )


async def correct_claim(
    session: ReadSession, claim_id: str, draft: DraftClaim, rules: Rules
) -> Edit:
    """Say what a claim should have said from its first day on (BAD_CLAIM, CLAIMED_TWICE).

    Another person confirms it, unless it is the number of works alone.
    """
    row, was = await _known(session, claim_id)
    then = read_claim(was.member_id, draft, rules)
    if then == was:
        raise NothingChangesError(claim_id)
    first = await _first_day(session, then)
    await _require_not_held(session, then, but=claim_id)
    before = await _first_day(session, was, is_over=True)
    gone = Gone(row, acts.CHANGED, midnight(min(first, before)))
    return Edit(
        gone=[gone],
        claims=[(then, claim_id)],
        needs_another=replace(then, works=was.works) != was,
    )


async def withdraw_claim(session: ReadSession, claim_id: str) -> Edit:
    """Take back a claim that never was right; another person confirms it."""
    row, was = await _known(session, claim_id)
    first = await _first_day(session, was, is_over=True)
    return Edit(gone=[Gone(row, acts.WITHDRAWN, midnight(first))], needs_another=True)


async def get_claim(session: ReadSession, claim_id: str) -> Claim:
    """Return a claim that is known now (UNKNOWN_CLAIM, SUPERSEDED)."""
    row = await edit_store.find_claim(session, claim_id)
    if row is None:
        raise UnknownClaimError(claim_id[:64])
    if row.superseded_at is not None:
        others = await edit_store.replaced_by(session, claim_id)
        raise SupersededError(f"{claim_id} by {', '.join(others) or 'nothing'}")
    return row


def as_entered(row: Claim) -> NewClaim:
    """Return what a registered claim says, as if it were entered."""
    return NewClaim(
        member_id=row.member_id,
        key=ClaimKey(row.host, row.path, row.wildcard),
        content_tier=row.content_tier,
        works=row.works,
        canonical=row.canonical,
        owner_bps=row.owner_bps,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


async def _known(session: ReadSession, claim_id: str) -> tuple[Claim, NewClaim]:
    row = await get_claim(session, claim_id)
    return row, as_entered(row)


async def _first_day(session: ReadSession, claim: NewClaim, *, is_over: bool = False) -> date:
    """Return the first day on which a claim counts; refuse one that never would (NOT_THEN).

    `is_over` is of one that is there already.
    """
    member = await get_member(session, claim.member_id)
    first = counts_from(member.joined_on, claim.valid_from)
    if is_over:
        return first
    if claim.valid_to is not None and claim.valid_to <= first:
        raise BadDayError(f"{claim.member_id} joined on {member.joined_on}")
    ends = claim.valid_to
    if member.left_on is not None and (ends is None or member.left_on < ends):
        raise BadDayError(f"{claim.member_id} left on {member.left_on}: the claim ends by then")
    return first


async def _require_not_held(session: ReadSession, claim: NewClaim, but: str = "") -> None:
    """Refuse the same claim twice for one member on one day (CLAIMED_TWICE)."""
    for row in await edit_store.held_by(session, claim.member_id, claim.key):
        days = (row.valid_from, row.valid_to)
        if row.claim_id != but and overlap((claim.valid_from, claim.valid_to), days):
            raise ClaimedTwiceError(f"{claim.key.text}: {row.claim_id}")


def _terms(claim: NewClaim) -> tuple[str, int, str | None, int | None]:
    return claim.content_tier, claim.works, claim.canonical, claim.owner_bps


def _moves_money(was: NewClaim, then: NewClaim) -> bool:
    return _terms(replace(then, works=was.works)) != _terms(was)
