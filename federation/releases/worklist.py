"""What waits because money is held: claims to decide, releases that a licensor owes."""

from federation.releases import store
from federation.store.sessions import ReadSession
from federation.suspense import elsewhere_store
from federation.values.party import HUB
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted

SHOWN_MAX = 100


async def of_suspense(session: ReadSession, here: str) -> list[WorkItem]:
    """Return claims that nobody has decided and orders not carried out: the first of each."""
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
    orders = await elsewhere_store.open_orders(session, limit=SHOWN_MAX)
    items += [
        WorkItem(
            "release order",
            f"{claim.id}/{order.licensor}",
            f"{order.licensor} is to release what {claim.node} claims of {claim.url_key}",
            order.licensor,
        )
        for order, claim in orders
    ]
    if more := await elsewhere_store.count_open_orders(session) - len(orders):
        last = f"{orders[-1][1].id}/{orders[-1][0].licensor}"
        items.append(WorkItem("release order", last, f"{counted(more, 'order')} more", HUB))
    return items
