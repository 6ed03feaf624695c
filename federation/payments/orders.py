"""How payments for one remittance stand: made or not, taken as paid, still owed."""

from collections.abc import Sequence

from federation.payments import as_paid, record, states, store
from federation.payments.as_paid import Order
from federation.payments.names import (
    LEFT_NET,
    OVERPAID,
)
from federation.payments.postings import Amount, Leg
from federation.payments.set_off import less
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession


async def orders_of(session: ReadSession, rows: Sequence[Payment]) -> list[Order]:
    """Return how payments stand that are for one remittance, but those a new net stands for."""
    replaced = {row.replaces for row in rows}
    found: list[Order] = []
    for row in rows:
        if await store.set_aside_by(session, row.payment_id, LEFT_NET) is not None:
            continue
        standing = as_paid.REPLACED
        if row.state in states.NOT_EXPORTED:
            standing = as_paid.LIVE
        elif row.state in states.AT_THE_BANK:
            standing = as_paid.AT_BANK
        elif row.state == states.BOOKED:
            standing = as_paid.BOOKED
        elif row.state in states.NOT_PAID and row.payment_id not in replaced:
            aside = await store.set_aside_by(session, row.payment_id, OVERPAID)
            standing = as_paid.UNPAID if aside is None else standing
        found.append(Order(row.payment_id, row.amount, row.taken_as_paid, standing))
    return found


def take_as_paid(payment: Payment, minor: int) -> None:
    """Keep that the payee took so much more of a payment as paid, or less where it is below 0.

    What it took is other money of the payer: at most the whole (TOO_MUCH_SET_OFF).
    """
    taken = payment.taken_as_paid + minor
    less(payment.amount, taken, payment.payment_id)
    less(payment.taken_as_paid, -minor, payment.payment_id)
    payment.taken_as_paid = taken


def owed_of(payment: Payment) -> tuple[Amount, Leg]:
    """Return what is owed of a payment that was not made, and of its debt."""
    amount, debt = payment.amount - payment.taken_as_paid, record.debt_of(payment)
    taken = debt.amount.minor * payment.taken_as_paid // payment.amount
    left = Amount(debt.amount.minor - taken, debt.amount.currency)
    return Amount(amount, payment.currency), Leg(debt.account, left)
