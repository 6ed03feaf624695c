"""The webhooks that this server has paused: somebody has to look, and resume or end them."""

from federation.store.sessions import ReadSession
from federation.values.work_item import WorkItem
from federation.webhooks import store

SHOWN_MAX = 100


async def of_webhooks(session: ReadSession) -> list[WorkItem]:
    """Return webhooks that fail, are full, unreadable or left by their keeper, 100 at most."""
    return [
        WorkItem("webhook", row.id, row.why or "", row.party or row.role)
        for row in await store.paused(session, SHOWN_MAX)
    ]
