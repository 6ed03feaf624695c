"""Letting a database speak for its server, whatever others have heard before."""

from datetime import datetime

from federation.people.audit import Act, record
from federation.store import voices
from federation.store.sessions import WriteSession
from federation.values.reason import stated


async def claim(session: WriteSession, *, who: str, reason: str, now: datetime) -> int:
    """Begin an epoch, written down with its reason; return its number (REASON)."""
    because = stated(reason)
    row = await voices.claim(session, now)
    await record(session, who, Act.VOICE_CLAIM, f"{row.epoch}", {"reason": because})
    return row.epoch
