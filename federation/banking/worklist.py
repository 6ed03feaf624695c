"""What waits at the bank desk: entries, proposals, officers' limits, what was paid too much."""

from federation.banking import limits, overpayments, store
from federation.banking.tables import OverpaymentSetOff
from federation.money import Money
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem


async def of_banking(session: ReadSession, here: str) -> list[WorkItem]:
    """Return what waits, entries of an account and state together."""
    return [
        *[
            WorkItem(
                "bank entries",
                f"{number} {currency}",
                f"{count} proposed" if state == "PROPOSED" else f"{count} not settled",
                Role.SETTLEMENT_APPROVER if state == "PROPOSED" else Role.SETTLEMENT_OFFICER,
            )
            for number, currency, state, count in await store.waiting_entries(session)
        ],
        *[
            WorkItem(
                "overpayment",
                row.id,
                f"{Money(row.left.minor, row.left.currency)} of {row.party}: pay back or set off",
                Role.SETTLEMENT_OFFICER,
            )
            for row in await overpayments.overpayments(session, here)
        ],
        *[
            WorkItem(
                "officer's limit",
                str(row.id),
                f"{row.proposed_by} sets {row.kind} to {Money(row.amount, row.currency)} "
                f"from {row.since:%Y-%m-%d %H:%M}Z: {row.reason}",
                Role.SETTLEMENT_APPROVER,
            )
            for row in await limits.waiting(session)
        ],
        *[
            WorkItem("set-off", str(row.id), _what_of(row), Role.SETTLEMENT_APPROVER)
            for row in await store.set_offs_waiting(session)
        ],
    ]


def _what_of(row: OverpaymentSetOff) -> str:
    what = f"{Money(row.amount, row.currency)} of {row.overpayment}"
    if row.undo_proposed_by is not None:
        return f"{row.undo_proposed_by} undoes {what} against {row.ref}: {row.undo_reason}"
    return f"{row.proposed_by} sets {what} off against {row.ref}: {row.reason}"
