"""What waits because of payments: for a second person, for a file, for the bank, for a debtor."""

from datetime import datetime

from federation.payments import incoming, states, store
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted

_TURNS = {
    states.PROPOSED: ("to be approved by another person", Role.SETTLEMENT_APPROVER),
    states.OUTSTANDING: ("an account is missing or cannot be used", Role.REGISTRY_OFFICER),
    states.APPROVED: ("to be exported for the bank", Role.SETTLEMENT_OFFICER),
    states.EXPORTED: ("the bank has not said anything", "bank"),
    states.ACCEPTED: ("the bank has not booked them", "bank"),
}


async def of_payments(session: ReadSession, now: datetime) -> list[WorkItem]:
    """Return what waits, payments of a month, state and currency together."""
    items: list[WorkItem] = []
    for period, state, currency, count in await store.count_by_state(session):
        why, turn = _TURNS[state]
        subject = f"{period} {currency}"
        items.append(WorkItem("payments", subject, f"{count} {state.lower()}: {why}", turn))
    for row in await store.waited_for(session):
        if row.state == incoming.EXPECTED:
            late = (now.date() - row.due_on).days
            why = (
                f"unpaid {counted(late, 'day')} after its value date"
                if late > 0
                else "not paid yet"
            )
            items.append(WorkItem("remittance", row.id, why, row.payer, row.due_on))
    for item in await store.exclusions_proposed(session):
        why = f"{item.proposed_by} lets {item.node} leave the net: {item.reason}"
        subject = f"{item.period} {item.node}"
        items.append(WorkItem("exclusion", subject, why, Role.SETTLEMENT_APPROVER))
    return items
