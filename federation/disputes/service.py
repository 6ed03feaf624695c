"""The procedure of a dispute: opened, documents asked for, brought, a notice, a proposed outcome.

Each step is an act of a person of that office, with a reason, in the audit log. What ends a claim
or moves money is confirmed by another person (`deciding`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from federation.addresses.urls import ClaimKey
from federation.disputes import store
from federation.disputes.outcomes import ProRata, decode
from federation.disputes.rules import (
    DOCUMENTS_DAYS,
    DOCUMENTS_MAX,
    NOTICE_DAYS,
    BadDocumentError,
    DisputeStateError,
    DisputeThereError,
    DraftDocument,
    NoConflictError,
    NoSideError,
    State,
    TooEarlyError,
    UnknownDisputeError,
    number_of,
    require_complete,
)
from federation.disputes.tables import Dispute, DisputeDocument, DisputeSide
from federation.distribution import disputed_store
from federation.people import audit
from federation.registry import conflict_store
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.party import HUB
from federation.values.reason import stated

SHOWN_MAX = 500


async def open_dispute(
    session: WriteSession,
    conflict: int,
    reason: str,
    *,
    here: str,
    who: Principal,
    now: datetime,
) -> Dispute:
    """Open a dispute over a claim that is contested, or was (NOT_CONTESTED, DISPUTE_THERE).

    At the hub also over a place of which collectives have more than the whole.

    Where money is held for it, everybody who ever held the claim is a side: it may be theirs.
    """
    why = stated(reason)
    if here != HUB and await conflict_store.is_of_shares(session, conflict):
        raise NoConflictError(f"{conflict} is between collectives: the hub opens its dispute")
    key, parties = await _parties(session, conflict, here)
    if key is None or not parties:
        raise NoConflictError(str(conflict))
    if (there := await store.find_open(session, conflict)) is not None:
        raise DisputeThereError(number_of(there.id))
    last = await store.last_of(session, conflict)
    if last is not None and _is_shared_by(last, parties):
        raise DisputeThereError(f"{number_of(last.id)} shares it until one of the claims ends")
    row = Dispute(
        contested=conflict,
        state=State.OPENED,
        opened_by=who.subject,
        opened_at=now,
        reason=why,
        proposal=0,
    )
    session.add(row)
    await session.flush()
    for party in sorted(parties):
        session.add(DisputeSide(dispute=row.id, party=party, joined_at=now))
    await session.flush()
    await note(session, who, row, "open", why, {"claim": key.text[:SHOWN_MAX]})
    return row


def _is_shared_by(decided: Dispute, parties: Collection[str]) -> bool:
    """Tell whether a dispute was decided as all of some parties agreed to share: PRO_RATA."""
    terms = decode(decided.agreed) if decided.agreed is not None else None
    return isinstance(terms, ProRata) and terms.shares.keys() >= set(parties)


async def _parties(
    session: ReadSession, conflict: int, here: str
) -> tuple[ClaimKey | None, set[str]]:
    """Return a contested claim, and who is a side of a dispute over it."""
    key = await conflict_store.get_key(session, conflict)
    if key is None:
        return None, set()
    found = await conflict_store.find(session, here, conflict)
    parties = set(found.parties) if found is not None else set[str]()
    if here != HUB:
        held = await disputed_store.sums(session, contested=key.text)
        if any(one.left > 0 for one in held):
            parties |= set(await conflict_store.ever_held_by(session, key))
    return key, parties


async def ask_for_documents(
    session: WriteSession,
    number: int,
    reason: str,
    *,
    here: str,
    who: Principal,
    now: datetime,
) -> Dispute:
    """Ask every side that was not asked yet for its documents: within 60 days (DISPUTE_STATE)."""
    row, why = await get_open(session, number), stated(reason)
    sides = await sides_by_now(session, row, here, now)
    unasked = [side for side in sides.values() if side.asked_at is None]
    if not unasked:
        raise DisputeStateError("every side was asked")
    for side in unasked:
        side.asked_at, side.due_on = now, (now + DOCUMENTS_DAYS).date()
    if row.state == State.OPENED:
        row.state = State.ASKED
    await note(session, who, row, "ask", why, {"sides": _named(unasked)})
    return row


async def bring_document(
    session: WriteSession,
    number: int,
    party: str,
    draft: DraftDocument,
    *,
    here: str,
    who: Principal,
    now: datetime,
) -> Dispute:
    """Record a document of a side, held to what it has to say only (BAD_DOCUMENT, NO_SIDE)."""
    row = await get_open(session, number)
    sides = await sides_by_now(session, row, here, now)
    if party not in sides:
        raise NoSideError(party[:128])
    good = require_complete(draft, now.date())
    brought = [one for one in await store.documents_of(session, row.id) if one.party == party]
    if len(brought) >= DOCUMENTS_MAX:
        raise BadDocumentError(f"{DOCUMENTS_MAX} documents are there already")
    if any(one.sha256 == good.sha256 for one in brought):
        raise BadDocumentError("sha256: this document is there already")
    session.add(
        DisputeDocument(
            dispute=row.id,
            party=party,
            recorded_by=who.subject,
            recorded_at=now,
            **good._asdict(),
        )
    )
    detail = {"side": party, "kind": good.kind, "sha256": good.sha256}
    await note(session, who, row, "document", good.reference[:SHOWN_MAX], detail)
    return row


async def give_notice(
    session: WriteSession, number: int, reason: str, *, who: Principal, now: datetime
) -> Dispute:
    """Give every side whose time is over without a document 15 days more (TOO_EARLY)."""
    row, why = await get_open(session, number), stated(reason)
    sides, documented = await sides_and_documented(session, row)
    silent = [
        side
        for side in sides.values()
        if side.party not in documented and side.asked_at is not None and side.noticed_at is None
    ]
    if not silent:
        raise DisputeStateError("no side that was asked is without a document and a notice")
    late = [side for side in silent if is_over(side, now)]
    if not late:
        raise TooEarlyError(f"until {min(side.due_on for side in silent if side.due_on)}")
    for side in late:
        side.noticed_at, side.due_on = now, (now + NOTICE_DAYS).date()
    if row.state in {State.OPENED, State.ASKED}:
        row.state = State.NOTICE
    await note(session, who, row, "notice", why, {"sides": _named(late)})
    return row


async def sides_and_documented(
    session: ReadSession, row: Dispute
) -> tuple[Mapping[str, DisputeSide], set[str]]:
    """Return the sides of a dispute, and those of them that brought a document."""
    documents = await store.documents_of(session, row.id)
    return await store.sides_of(session, row.id), {one.party for one in documents}


def is_over(side: DisputeSide, now: datetime) -> bool:
    """Tell whether the time of a side is over: its last day is past."""
    return side.due_on is not None and side.due_on < now.date()


async def sides_by_now(
    session: WriteSession, row: Dispute, here: str, now: datetime
) -> dict[str, DisputeSide]:
    """Return the sides; who came to hold the claim since is one from now on."""
    sides = await store.sides_of(session, row.id)
    found = await conflict_store.find(session, here, row.contested)
    for party in () if found is None else found.parties:
        if party not in sides:
            sides[party] = DisputeSide(dispute=row.id, party=party, joined_at=now)
            session.add(sides[party])
    await session.flush()
    return sides


async def get_dispute(session: ReadSession, number: int) -> Dispute:
    """Return a dispute, or refuse (UNKNOWN_DISPUTE)."""
    row = await store.find(session, number)
    if row is None:
        raise UnknownDisputeError(str(number))
    return row


async def get_open(session: ReadSession, number: int) -> Dispute:
    """Return a dispute that is not decided, or refuse (UNKNOWN_DISPUTE, DISPUTE_STATE)."""
    row = await get_dispute(session, number)
    if row.state == State.DECIDED:
        raise DisputeStateError(f"{number_of(row.id)} is {row.state}")
    return row


async def require_side(session: ReadSession, number: int, party: str) -> None:
    """Refuse a party that is no side: for it the dispute is not there (UNKNOWN_DISPUTE)."""
    if party not in await store.sides_of(session, number):
        raise UnknownDisputeError(str(number))


async def key_of(session: ReadSession, row: Dispute) -> ClaimKey:
    """Return the claim that a dispute is over."""
    key = await conflict_store.get_key(session, row.contested)
    if key is None:
        raise LookupError(f"dispute {row.id}: {row.contested} is no contested claim")
    return key


def _named(sides: list[DisputeSide]) -> str:
    return ", ".join(sorted(side.party for side in sides))[:SHOWN_MAX]


async def note(
    session: WriteSession,
    who: Principal,
    row: Dispute,
    act: str,
    reason: str,
    detail: Mapping[str, str],
) -> None:
    """Write down in the audit log what somebody did in a dispute, and why."""
    told = {"act": act, "reason": reason, **detail}
    await audit.record(session, who.subject, audit.Act.DISPUTE_ACT, number_of(row.id), told)
