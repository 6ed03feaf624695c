"""What waits because money is held: claims to decide."""

from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.closing.worklist import APPROVER, WorkItem
from federation.settlement.run_document import HUB
from federation.settlement.suspense import store


async def of_suspense(session: AsyncSession, here: str) -> list[WorkItem]:
    """Return claims on held money that nobody has decided."""
    return [
        WorkItem(
            "held claim",
            row.id,
            f"{row.node} claims {row.url_key}",
            APPROVER if here == HUB else HUB,
        )
        for row in await store.claims(session, state="FILED")
    ]
