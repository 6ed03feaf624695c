"""At a node: money that it paid into a month's net and is to get back, since a debtor left it.

What then lies between two nodes is paid directly. Who has paid it into the net already pays it
once: the direct payment waits until the hub's comes back (SETTLEMENT §5, decision 0013).
"""

from collections.abc import Sequence
from typing import ClassVar

from federation.errors import RefusalError
from federation.payments import incoming, states, store
from federation.payments.names import LEFT_NET, is_adjustment, overpayment_id, refund_id
from federation.payments.service import REMITTANCE
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession
from federation.values.month import Month
from federation.values.party import HUB


class NotPaidBackError(RefusalError):
    """What was paid into this month's net for the same debt has not come back from the hub."""

    code: ClassVar[str] = "NOT_PAID_BACK"


async def into_net(session: ReadSession, period: Month) -> list[Payment]:
    """Return what this node pays, or has paid, into a month's net, by id."""
    return await store.payments(session, period=period, kind=REMITTANCE, payee=HUB)


def refund_of(payment: Payment) -> str:
    """Return the id under which the hub pays back what was paid into a net that was left."""
    return refund_id(overpayment_id(payment.payment_id))


def by_remittance(rows: Sequence[Payment]) -> list[list[Payment]]:
    """Return payments, each after the one that it replaces: the first has the whole amount."""
    after = {row.replaces: row for row in rows if row.replaces is not None}
    found: list[list[Payment]] = []
    for first in rows:
        if first.replaces is None:
            chain = [first]
            while (replacement := after.get(chain[-1].payment_id)) is not None:
                chain.append(replacement)
            found.append(chain)
    return found


def used_otherwise(remittance: Sequence[Payment]) -> int:
    """Return what the hub set against other debts of a remittance into a net that was left."""
    return sum(row.used_otherwise for row in remittance)


def use_otherwise(remittance: Sequence[Payment], minor: int) -> None:
    """Keep that the hub set so much more against other debts, or less where it is below 0."""
    first = remittance[0]
    whole = max(used_otherwise(remittance) + minor, 0)
    for row in remittance:
        row.used_otherwise = 0
    first.used_otherwise = whole


def paid_in(remittance: Sequence[Payment]) -> int:
    """Return what the hub has of a remittance: by the bank, or taken as paid; never beyond it.

    0 where no bank has, or has paid, an order of it.
    """
    at_bank = [row for row in remittance if row.state in {*states.AT_THE_BANK, states.BOOKED}]
    if not at_bank:
        return 0
    taken = sum(row.taken_as_paid for row in remittance)
    return min(remittance[0].amount, sum(row.amount for row in at_bank) + taken)


async def not_paid_back(session: ReadSession, period: Month) -> int:
    """Return what the hub owes back of a month's net, in minor units of the node's currency.

    A debtor that left is owed what it paid all the same, also by what the hub took as paid before,
    less what the hub set against other debts. One that stayed and has paid is owed what the hub
    remits to it.
    """
    rows = await into_net(session, period)
    paid = [found for found in by_remittance(rows) if paid_in(found)]
    if not paid:
        return 0
    back, refunds = 0, {refund_of(row) for row in rows}
    for remittance in paid:
        if await store.set_aside_by(session, remittance[0].payment_id, LEFT_NET):
            back += paid_in(remittance) - used_otherwise(remittance)
    for row in await store.incoming(session, period):
        if row.id in refunds:
            back -= row.received
        elif row.payer == HUB and row.state == incoming.EXPECTED and not is_adjustment(row.id):
            back += row.amount - row.received
    return max(back, 0)


def is_direct(payment: Payment) -> bool:
    """Tell whether a remittance of a node goes to another node and not into the net."""
    return payment.kind == REMITTANCE and payment.payee != HUB
