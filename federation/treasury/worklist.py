"""What waits because of payments: for a second person, for a file, for the bank, for a debtor."""

from collections import Counter
from datetime import datetime

from federation.money import Money
from federation.payments import ahead, incoming, states, store
from federation.payments.service import MEMBER
from federation.store.sessions import ReadSession
from federation.treasury.deals import open_position
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted

_TURNS = {
    states.PROPOSED: ("to be approved by another person", Role.SETTLEMENT_APPROVER),
    states.OUTSTANDING: (
        "an account is missing, was changed or cannot be used",
        Role.SETTLEMENT_OFFICER,
    ),
    states.APPROVED: ("to be exported for the bank", Role.SETTLEMENT_OFFICER),
    states.EXPORTED: ("the bank has not said anything", "bank"),
    states.ACCEPTED: ("the bank has not booked them", "bank"),
}


async def of_payments(session: ReadSession, here: str, now: datetime) -> list[WorkItem]:
    """Return what waits, payments of a month, state and currency together."""
    items = await _of_states(session)
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
    return [*items, *await _of_conversions(session, here), *await _of_members(session)]


async def _of_states(session: ReadSession) -> list[WorkItem]:
    """Return what is not final; a member's account is named in the registry, any other here."""
    counts = Counter[tuple[str, str, str, str]]()
    for period, state, currency, kind, count in await store.count_by_state(session):
        is_members = state == states.OUTSTANDING and kind == MEMBER
        turn = Role.REGISTRY_OFFICER if is_members else _TURNS[state][1]
        counts[f"{period} {currency}", state, _TURNS[state][0], turn] += count
    return [
        WorkItem("payments", subject, f"{count} {state.lower()}: {why}", turn)
        for (subject, state, why, turn), count in counts.items()
    ]


async def _of_members(session: ReadSession) -> list[WorkItem]:
    """Return months whose members wait for a debtor, and decisions that wait for another person."""
    waiting = await store.waited_for(session)
    items: list[WorkItem] = []
    for period in sorted({row.period for row in waiting if not row.is_net}):
        rows = await ahead.held_back(session, period)
        decision = await ahead.find_decision(session, period)
        if not rows:
            continue
        why, turn = f"{ahead.in_words(rows)}: they wait or are paid ahead", Role.SETTLEMENT_OFFICER
        if decision is not None and decision.confirmed_by is None and ahead.covers(decision, rows):
            why = f"{decision.proposed_by} pays them ahead: {decision.reason}"
            turn = Role.SETTLEMENT_APPROVER
        items.append(WorkItem("members' payments", period, why, turn))
    return items


async def _of_conversions(session: ReadSession, here: str) -> list[WorkItem]:
    """Return currency that is to be sold for another, and deals that the bank has not booked."""
    position = await open_position(session, here)
    to_sell = [Money(-amount, currency) for currency, amount in position.items() if amount < 0]
    to_buy = [Money(amount, currency) for currency, amount in position.items() if amount > 0]
    items = [
        WorkItem("conversion", row.deal, "the bank has not booked both sides", "bank", row.value_on)
        for row in await store.conversions_waiting(session)
    ]
    if to_sell and to_buy:
        sold, bought = (", ".join(map(str, side)) for side in (to_sell, to_buy))
        subject = " ".join(money.currency for money in to_sell)
        why = f"{sold} to be sold, {bought} to be bought"
        items.append(WorkItem("conversion", subject, why, Role.SETTLEMENT_OFFICER))
    return items
