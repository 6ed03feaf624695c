"""Dropping a message of another server that could not be handled: proposed by one, done by two."""

from datetime import datetime

from federation.people.audit import Act, record
from federation.store import inbox
from federation.store.sessions import WriteSession
from federation.store.tables import ParkedMessage
from federation.trust.principals import Principal, require_other_person
from federation.values.reason import stated


async def propose_drop(
    session: WriteSession, number: int, reason: str, who: Principal
) -> ParkedMessage:
    """Propose to drop a parked message (UNKNOWN_MESSAGE, MESSAGE_STATE, REASON)."""
    row = await inbox.get_parked(session, number)
    inbox.propose_drop(row, stated(reason), who=who.subject)
    await _record(session, who, Act.MESSAGE_PROPOSE_DROP, row)
    return row


async def confirm_drop(
    session: WriteSession, number: int, who: Principal, now: datetime
) -> ParkedMessage:
    """Drop what another person proposed to drop (UNKNOWN_MESSAGE, SAME_PERSON, MESSAGE_STATE)."""
    row = await inbox.get_parked(session, number)
    require_other_person(row.drop_proposed_by, who.subject)
    await inbox.drop(session, row, who=who.subject, now=now)
    await _record(session, who, Act.MESSAGE_DROP, row)
    return row


async def _record(session: WriteSession, who: Principal, act: Act, row: ParkedMessage) -> None:
    detail = {
        "sender": row.sender_code,
        "stream": row.stream,
        "kind": row.kind,
        "reason": row.drop_reason or "",
    }
    await record(session, who.subject, act, f"message {row.id}", detail)
