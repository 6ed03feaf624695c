"""How a dispute is proposed to end, who agrees to it, and when it may be confirmed."""

from datetime import datetime

from federation.disputes import store
from federation.disputes.outcomes import (
    Escrow,
    Expired,
    Reduced,
    Terms,
    Withdrawn,
    decode,
    encode,
    must_consent,
    require_fitting,
    require_for_one,
)
from federation.disputes.rules import (
    AHEAD_MAX,
    REFERENCE_MAX,
    BadDocumentError,
    BadOutcomeError,
    ConsentMissingError,
    DisputeStateError,
    NoSideError,
    State,
    TooEarlyError,
)
from federation.disputes.service import (
    SHOWN_MAX,
    get_open,
    is_over,
    key_of,
    note,
    sides_and_documented,
    sides_by_now,
)
from federation.disputes.tables import Dispute
from federation.distribution import store as distribution
from federation.registry import conflict_store
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import NotAllowedError, Principal
from federation.values.identity import is_same
from federation.values.month import last_day
from federation.values.party import HUB
from federation.values.reason import stated


async def propose_outcome(
    session: WriteSession,
    number: int,
    terms: Terms,
    reason: str,
    *,
    here: str,
    who: Principal,
    now: datetime,
) -> Dispute:
    """Propose how a dispute ends; sides agree to this proposal only, another person confirms it."""
    row, why = await get_open(session, number), stated(reason)
    sides = await sides_by_now(session, row, here, now)
    require_fitting(terms, await key_of(session, row), sides)
    if here == HUB:
        require_for_one(terms)
    if row.state == State.ESCROW and isinstance(terms, Escrow):
        raise BadOutcomeError("it is in escrow already")
    await _require_open_day(session, terms)
    await _require_day_of_conflict(session, row, terms, here, now)
    await _require_expired(session, row, terms, now)
    row.proposal += 1
    row.terms, row.proposed_by, row.proposed_at = encode(terms).decode(), who.subject, now
    row.proposed_because = why
    row.decided_by = row.decided_at = row.decided_because = None
    await note(session, who, row, "propose", why, {"terms": row.terms[:SHOWN_MAX]})
    return row


async def withdraw_outcome(
    session: WriteSession, number: int, reason: str, *, who: Principal
) -> Dispute:
    """Take back what one proposed oneself (DISPUTE_STATE, NOT_ALLOWED)."""
    row, why = await get_open(session, number), stated(reason)
    if row.terms is None:
        raise DisputeStateError("nothing is proposed")
    if not is_same(row.proposed_by or "", who.subject):
        raise NotAllowedError("who made a proposal takes it back")
    row.terms = row.proposed_by = row.proposed_at = row.proposed_because = None
    await note(session, who, row, "withdraw", why, {})
    return row


async def consent(
    session: WriteSession,
    number: int,
    party: str,
    reference: str,
    *,
    who: Principal,
    now: datetime,
) -> Dispute:
    """Record that a side agrees to what is proposed; `reference` says where that is written."""
    row = await get_open(session, number)
    if row.terms is None:
        raise DisputeStateError("nothing is proposed")
    side = (await store.sides_of(session, row.id)).get(party)
    if side is None:
        raise NoSideError(party[:128])
    where = stated(reference)
    if len(where) > REFERENCE_MAX:
        raise BadDocumentError(f"reference: {REFERENCE_MAX} characters at most")
    side.consent, side.consent_by, side.consent_at = row.proposal, who.subject, now
    side.consent_reference = where
    await note(session, who, row, "consent", where, {"side": party})
    return row


async def require_ripe(
    session: WriteSession, row: Dispute, *, here: str, now: datetime
) -> tuple[Terms, list[str]]:
    """Return what is proposed, and the sides by now, if it may be confirmed, or refuse.

    Who has to agree has agreed to this very proposal (CONSENT_MISSING); who is silent was asked,
    was given notice, and its time is over (TOO_EARLY).
    """
    if row.terms is None:
        raise DisputeStateError("nothing is proposed")
    terms = decode(row.terms)
    sides = await sides_by_now(session, row, here, now)
    require_fitting(terms, await key_of(session, row), sides)
    await _require_open_day(session, terms)
    await _require_day_of_conflict(session, row, terms, here, now)
    await _require_expired(session, row, terms, now)
    missing = sorted(
        party for party in must_consent(terms, sides) if sides[party].consent != row.proposal
    )
    if missing:
        raise ConsentMissingError(", ".join(missing)[:SHOWN_MAX])
    return terms, list(sides)


async def _require_expired(session: ReadSession, row: Dispute, terms: Terms, now: datetime) -> None:
    if not isinstance(terms, Expired):
        return
    sides, documented = await sides_and_documented(session, row)
    if terms.in_favour not in documented:
        raise BadOutcomeError(f"{terms.in_favour} brought no document")
    for side in sides.values():
        if side.party == terms.in_favour:
            continue
        if side.party in documented:
            raise BadOutcomeError(f"{side.party} brought a document")
        if side.noticed_at is None or not is_over(side, now):
            raise TooEarlyError(f"{side.party}: {side.due_on or 'it was not asked'}")


async def _require_open_day(session: ReadSession, terms: Terms) -> None:
    """Refuse an end of claims on a day of a month that is settled here: it is not reopened."""
    if not isinstance(terms, Withdrawn | Expired | Reduced):
        return
    settled = await distribution.distributed_months(session)
    if settled and terms.on <= last_day(settled[-1]):
        raise BadOutcomeError(f"on: {terms.on} lies in {settled[-1]}, which is settled")


async def _require_day_of_conflict(
    session: ReadSession, row: Dispute, terms: Terms, here: str, now: datetime
) -> None:
    """Refuse an end of claims on a day on which nothing is contested, or more than a year ahead.

    A conflict that is over by itself leaves no claim to end: of it any day up to then is taken.
    """
    if not isinstance(terms, Withdrawn | Expired | Reduced):
        return
    last = (now + AHEAD_MAX).date()
    if terms.on > last:
        raise BadOutcomeError(f"on: {terms.on} is after {last}, a year from now")
    conflict = await conflict_store.find(session, here, row.contested)
    days = () if conflict is None else conflict.days
    if days and not any(
        one.starts_on <= terms.on and (one.ends_on is None or terms.on < one.ends_on)
        for one in days
    ):
        raise BadOutcomeError(f"on: the claim is not contested on {terms.on}")
