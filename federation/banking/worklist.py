"""What waits at the bank desk: entries nobody has settled, and proposals beyond one's limit."""

from federation.banking import store
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem


async def of_banking(session: ReadSession) -> list[WorkItem]:
    """Return what waits, entries of an account and state together."""
    return [
        WorkItem(
            "bank entries",
            f"{number} {currency}",
            f"{count} proposed" if state == "PROPOSED" else f"{count} not settled",
            Role.SETTLEMENT_APPROVER if state == "PROPOSED" else Role.SETTLEMENT_OFFICER,
        )
        for number, currency, state, count in await store.waiting_entries(session)
    ]
