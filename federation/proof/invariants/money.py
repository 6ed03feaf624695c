"""What is true of money on its way: the exchange account is empty once all is paid (I7)."""

from collections import defaultdict

from sqlalchemy import select

from federation.ledger.accounts import Accounts
from federation.ledger.service import trial_balance
from federation.payments import incoming, states
from federation.payments.tables import Conversion, Incoming, Payment
from federation.store.invariants import Check
from federation.store.sessions import ReadSession


async def clearing_empty_when_paid(session: ReadSession, here: str) -> Check:
    """I7: when nothing is owed between parties, waited for or on its way, clearing is at 0.

    Currency to sell that stands against currency to buy waits for a deal with the bank, and one
    of the two for the bank to book the other side of a deal (decision 0006). Else it is nobody's.
    """
    books = Accounts(here)
    _, balance = await trial_balance(session)
    waiting = (books.due(""), books.owed("InTransit"), books.suspense("BankEntry"))
    is_open = any(
        sums.balance for (name, _), sums in balance.accounts.items() if name.startswith(waiting)
    )
    if is_open or await _is_something_to_pay(session):
        return 0, []
    clearing = {
        currency: sums.balance
        for (name, currency), sums in balance.accounts.items()
        if name == books.equity("Clearing")
    }
    left = {currency: amount for currency, amount in sorted(clearing.items()) if amount}
    if left and min(left.values()) < 0 < max(left.values()):
        return 0, []
    return len(clearing), [f"{currency}: {amount} left" for currency, amount in left.items()]


async def _is_something_to_pay(session: ReadSession) -> bool:
    open_states = states.NOT_EXPORTED | states.AT_THE_BANK
    payment = select(Payment.payment_id).where(Payment.state.in_(open_states)).limit(1)
    remittance = select(Incoming.id).where(Incoming.state == incoming.EXPECTED).limit(1)
    deal = select(Conversion.deal).where(
        Conversion.sold_on.is_(None) | Conversion.bought_on.is_(None)
    )
    open_ones = [await session.scalar(query) for query in (payment, remittance, deal.limit(1))]
    return any(open_ones)


async def in_transit_is_at_the_bank(session: ReadSession, here: str) -> Check:
    """I7: what is in transit is what payments at the bank are to discharge, per currency."""
    _, balance = await trial_balance(session)
    account = Accounts(here).owed("InTransit")
    booked = {
        currency: -sums.balance
        for (name, currency), sums in balance.accounts.items()
        if name == account
    }
    sums: defaultdict[str, int] = defaultdict(int)
    rows = await session.execute(
        select(Payment.debt_currency, Payment.debt_amount).where(
            Payment.state.in_(states.AT_THE_BANK)
        )
    )
    count = 0
    for currency, amount in rows:
        count += 1
        sums[currency] += amount
    wrong = [
        f"{currency}: {booked.get(currency, 0)} in transit, {sums[currency]} at the bank"
        for currency in sorted({*booked, *sums})
        if booked.get(currency, 0) != sums[currency]
    ]
    return count, wrong
