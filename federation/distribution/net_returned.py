"""At a node: what becomes of money that it paid into a month's net after it had left it."""

from datetime import datetime, timedelta

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.distribution.service import run_of
from federation.ledger.accounts import Accounts
from federation.payments import incoming, record, states
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.messages import NetReturned
from federation.payments.names import LEFT_NET, OVERPAID, base_id
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.account import PaymentAccount
from federation.values.party import HUB


async def receive_returned(
    session: WriteSession, message: NetReturned, *, here: str, terms: HubTerms, now: datetime
) -> None:
    """Wait for what the hub pays back, and pay no more what it took as paid.

    The account with the hub shows already that it was paid: nothing is entered.
    """
    done = await store.find_distribution(session, message.period)
    if done is None or done.run_id != message.run_id:
        raise RunMismatchError(f"{message.run_id[:16]} is not distributed here")
    currency = run_of(done).collectives[here].settlement_currency
    if message.currency != currency:
        raise RunMismatchError(f"money came back in {message.currency}, not {currency}")
    await _wait_for(session, message, here, terms, now)
    if message.against is not None:
        await _pay_less(session, message, message.against, now)


async def _wait_for(
    session: WriteSession, message: NetReturned, here: str, terms: HubTerms, now: datetime
) -> None:
    amount = Amount(int(message.refunded), message.currency)
    row = await payments_store.find_incoming(session, message.refund)
    if row is not None:
        row.amount = row.debt_amount = max(amount.minor, row.received) or row.amount
        row.state = incoming.EXPECTED if amount.minor else incoming.EXCLUDED
        if row.received == row.amount:
            row.state = incoming.BOOKED
    elif amount.minor:
        awaited = Awaited(
            incoming_id=message.refund,
            run=message.run_id,
            period=message.period,
            payer=HUB,
            amount=amount,
            debt=Leg(Accounts(here).due(HUB), amount),
            due_on=now.date() + timedelta(days=terms.payment_days),
            is_net=False,
        )
        incoming.expect(session, awaited)


async def _pay_less(
    session: WriteSession, message: NetReturned, against: str, now: datetime
) -> None:
    """Cancel what was not exported of a remittance that the hub took as paid, or lower it.

    What the bank has already is paid twice, and is an overpayment at the hub, unless the bank does
    not pay it: then no more than the rest is owed. One that is not proposed yet, since its month
    comes by another stream, is waited for: the message is refused.
    """
    payment = await _in_force(session, against)
    if payment is None:
        raise RunMismatchError(f"{against} is not proposed here")
    if await payments_store.set_aside_by(session, payment.payment_id, LEFT_NET) is not None:
        return
    name = f"{OVERPAID}{message.refund}"
    if payment.state in states.NOT_EXPORTED:
        await payments_service.cancel(session, payment, f"set off: {name}", who=HUB, at=now)
    payments_service.take_as_paid(payment, int(message.set_off))
    if payment.state not in states.NOT_PAID:
        return
    payments_service.not_owed_again(session, [payment], name, who=HUB, at=now)
    owed, debt = payments_service.still_owed(payment)
    if owed.minor > 0:
        rest = Proposal(
            kind=payment.kind,
            payment_id=await payments_store.next_id(session, base_id(payment.payment_id)),
            run=payment.run_id,
            period=payment.period,
            payer=Side(payment.payer, _kept(payment.payer_account)),
            payee=Side(payment.payee, _kept(payment.payee_account)),
            amount=owed,
            debt=debt,
            due_on=payment.due_on,
            replaces=payment.payment_id,
        )
        await payments_service.propose(session, rest, who=HUB, at=now)


async def _in_force(session: ReadSession, payment_id: str) -> Payment | None:
    """Return a payment, or what took its place."""
    while (after := await payments_store.replacement_of(session, payment_id)) is not None:
        payment_id = after
    return await payments_store.find_payment(session, payment_id)


def _kept(account: str | None) -> PaymentAccount | None:
    return record.account_of(account) if account else None
