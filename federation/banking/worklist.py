"""What waits at the bank desk: entries, proposals, officers' limits, what was paid too much."""

from federation.banking import limits, overpayments, store
from federation.banking.tables import OverpaymentSetOff
from federation.money import Money
from federation.store.sessions import ReadSession
from federation.values.roles import Role
from federation.values.work_item import WorkItem

OWNERS_SHOWN = 5


async def of_banking(session: ReadSession, here: str) -> list[WorkItem]:
    """Return what waits, entries of an account and state together."""
    return [
        *await _entries(session),
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


async def _entries(session: ReadSession) -> list[WorkItem]:
    """Return the entries of each account and state, and how many of them who sees to."""
    found: dict[tuple[str, str, str], dict[str | None, int]] = {}
    for number, currency, state, owner, count in await store.waiting_entries(session):
        found.setdefault((number, currency, state), {})[owner] = count
    return [
        WorkItem(
            "bank entries",
            f"{number} {currency}",
            f"{sum(counts.values())} {'proposed' if state == 'PROPOSED' else 'not settled'}"
            + _seen_to({owner: count for owner, count in counts.items() if owner is not None}),
            Role.SETTLEMENT_APPROVER if state == "PROPOSED" else Role.SETTLEMENT_OFFICER,
        )
        for (number, currency, state), counts in found.items()
    ]


def _seen_to(owners: dict[str, int]) -> str:
    if not owners:
        return ""
    most = sorted(owners, key=lambda owner: (-owners[owner], owner))
    told = ", ".join(f"{owner} {owners[owner]}" for owner in most[:OWNERS_SHOWN])
    return f"; seen to by {told}" + (", others" if len(most) > OWNERS_SHOWN else "")


def _what_of(row: OverpaymentSetOff) -> str:
    what = f"{Money(row.amount, row.currency)} of {row.overpayment}"
    if row.undo_proposed_by is not None:
        return f"{row.undo_proposed_by} undoes {what} against {row.ref}: {row.undo_reason}"
    return f"{row.proposed_by} sets {what} off against {row.ref}: {row.reason}"
