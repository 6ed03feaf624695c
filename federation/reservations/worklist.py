"""What waits for a registry officer: reservations that their sources do not state any more."""

from federation.reservations import store
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem

SHOWN_MAX = 100


async def of_reservations(session: ReadSession) -> list[WorkItem]:
    """Return the versions that left something out, oldest first, 100 at most."""
    return [
        WorkItem(
            "reservation_ending",
            f"{source.kind} {source.host}{source.page} #{version.version_id}",
            f"{many} of its lists of rules are not in the file seen at "
            f"{version.seen_at.isoformat()}, and hold until their end is confirmed",
            Role.REGISTRY_OFFICER,
        )
        for version, source, many in await store.versions_that_wait(session, SHOWN_MAX)
    ]
