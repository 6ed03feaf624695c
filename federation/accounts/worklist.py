"""What waits for a second person: invitations to be confirmed."""

from datetime import datetime

from federation.accounts import store
from federation.store.sessions import ReadSession
from federation.values.roles import may_keep_people
from federation.values.work_item import WorkItem

SHOWN_MAX = 100


async def of_accounts(session: ReadSession, here: str, now: datetime) -> list[WorkItem]:
    """Return the invitations that wait to be confirmed, oldest first, of 100 that are open."""
    rows = await store.open_invitations(session, now, after=0, limit=SHOWN_MAX)
    [turn] = may_keep_people(here)
    return [
        WorkItem(
            "invitation",
            f"{row.person} #{row.id}",
            f"{row.made_by} would let {row.person} sign in: {row.reason}",
            turn,
            row.expires_at,
        )
        for row in rows
        if row.confirmed_by is None
    ]
