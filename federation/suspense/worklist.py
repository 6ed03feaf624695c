"""What waits because money is held: claims to decide."""

from federation.store.sessions import ReadSession
from federation.suspense import store
from federation.values.party import HUB
from federation.values.roles import Role
from federation.values.work_item import WorkItem


async def of_suspense(session: ReadSession, here: str) -> list[WorkItem]:
    """Return claims on held money that nobody has decided."""
    return [
        WorkItem(
            "held claim",
            row.id,
            f"{row.node} claims {row.url_key}",
            Role.SETTLEMENT_APPROVER if here == HUB else HUB,
        )
        for row in await store.claims(session, state="FILED")
    ]
