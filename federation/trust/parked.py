"""Dropping a message of another server that could not be handled: proposed by one, done by two."""

from datetime import datetime

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
    return row


async def confirm_drop(
    session: WriteSession, number: int, who: Principal, now: datetime
) -> ParkedMessage:
    """Drop what another person proposed to drop (UNKNOWN_MESSAGE, SAME_PERSON, MESSAGE_STATE)."""
    row = await inbox.get_parked(session, number)
    require_other_person(row.drop_proposed_by, who.subject)
    inbox.drop(row, who=who.subject, now=now)
    return row
