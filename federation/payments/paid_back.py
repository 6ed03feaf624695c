"""At a node: money that it paid into a month's net and is to get back, since a debtor left it.

What then lies between two nodes is paid directly. Who has paid it into the net already pays it
once: the direct payment waits until the hub's comes back (SETTLEMENT §5, decision 0013).
"""

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


async def not_paid_back(session: ReadSession, period: Month) -> int:
    """Return what the hub owes back of a month's net, in minor units of the node's currency.

    A debtor that left is owed what it paid all the same, less what the hub set against other
    debts. One that stayed and has paid is owed what the hub remits to it.
    """
    rows = await into_net(session, period)
    paid = [row for row in rows if row.state in {*states.AT_THE_BANK, states.BOOKED}]
    if not paid:
        return 0
    left = [row for row in paid if await store.set_aside_by(session, row.payment_id, LEFT_NET)]
    back, refunds = 0, {refund_of(row) for row in rows}
    for row in await store.incoming(session, period):
        if row.id in refunds:
            back -= row.received
        elif row.payer == HUB and row.state == incoming.EXPECTED and not is_adjustment(row.id):
            back += row.amount - row.received
    return max(back + sum(row.amount - row.taken_as_paid for row in left), 0)


def is_direct(payment: Payment) -> bool:
    """Tell whether a remittance of a node goes to another node and not into the net."""
    return payment.kind == REMITTANCE and payment.payee != HUB
