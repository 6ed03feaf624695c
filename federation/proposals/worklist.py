"""What waits for a registry officer: proposals about members, claims, opt-outs and works."""

from datetime import datetime

from federation.proposals import store
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem

SHOWN_MAX = 100


async def of_proposals(session: ReadSession, now: datetime) -> list[WorkItem]:
    """Return the proposals that wait to be confirmed or refused, oldest first, 100 at most."""
    rows = await store.listed(
        session, now, member=None, states=[store.WAITS], after=0, limit=SHOWN_MAX
    )
    return [
        WorkItem(
            "proposal",
            f"{row.kind} #{row.id}",
            f"{row.proposed_by} proposes it{f' of {row.member}' if row.member else ''}: "
            f"{row.reason}",
            Role.REGISTRY_OFFICER,
            row.expires_at,
        )
        for row in rows
    ]
