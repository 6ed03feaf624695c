"""Every SQL statement about forms that were sent. Nothing commits."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete

from federation.console.tables import SentForm
from federation.store.sessions import WriteSession

KEPT: Final = timedelta(days=1)  # longer than any session that could send it again


async def claim(session: WriteSession, person: str, key: str, now: datetime) -> SentForm | None:
    """Return the row of a form that was sent before; else keep it as sent now, and return None."""
    found = await session.get(SentForm, (person, key))
    if found is None:
        await session.execute(delete(SentForm).where(SentForm.sent_at < now - KEPT))
        session.add(SentForm(person=person, key=key, sent_at=now, led_to=None))
        await session.flush()
    return found


async def done(session: WriteSession, person: str, key: str, led_to: str) -> None:
    """Note where the browser went once a form was done."""
    row = await session.get(SentForm, (person, key))
    if row is not None:
        row.led_to = led_to
        await session.flush()


async def refused(session: WriteSession, person: str, key: str) -> None:
    """Forget a form that was refused: nothing was done by it."""
    row = await session.get(SentForm, (person, key))
    if row is not None:
        await session.delete(row)
        await session.flush()
