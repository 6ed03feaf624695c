"""What waits because money is held: claims to decide."""

from federation.store.sessions import ReadSession
from federation.suspense import store
from federation.values.party import HUB
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted

SHOWN_MAX = 100


async def of_suspense(session: ReadSession, here: str) -> list[WorkItem]:
    """Return claims on held money that nobody has decided: the first ones, and how many more."""
    turn = Role.SETTLEMENT_APPROVER if here == HUB else HUB
    shown = await store.claims(session, state="FILED", limit=SHOWN_MAX)
    items = [
        WorkItem(
            "held claim",
            row.id,
            f"{row.node} claims {row.url_key}",
            turn,
        )
        for row in shown
    ]
    if more := await store.count_claims(session, "FILED") - len(shown):
        items.append(WorkItem("held claim", shown[-1].id, f"{counted(more, 'claim')} more", turn))
    return items
