"""What waits for a second person: proposals about people."""

from federation.people import store
from federation.people.directory import roles_of
from federation.store.sessions import ReadSession
from federation.values.roles import may_keep_people
from federation.values.work_item import WorkItem

SHOWN_MAX = 100


async def of_people(session: ReadSession, here: str) -> list[WorkItem]:
    """Return the proposals that wait to be confirmed or withdrawn, oldest first, 100 at most."""
    rows = await store.versions(session, after=0, subject=None, state="PROPOSED", limit=SHOWN_MAX)
    [turn] = may_keep_people(here)
    return [
        WorkItem(
            "person",
            f"{row.subject} #{row.id}",
            f"{row.proposed_by} proposes {', '.join(roles_of(row)) or 'no role'}: {row.reason}",
            turn,
        )
        for row in rows
    ]
