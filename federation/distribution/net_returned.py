"""At a node: what becomes of money that it paid the hub too much, or into a net it had left."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.distribution.service import run_of
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.money import exponent
from federation.payments import incoming, record, states
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.messages import NetReturned, OverpaymentReturned
from federation.payments.names import ITEM_OVERPAID, LEFT_NET, OVERPAID, base_id, refund_id
from federation.payments.paid_back import into_net, refund_of
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.set_off import less
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.account import PaymentAccount
from federation.values.month import month_of
from federation.values.party import HUB

Returned = NetReturned | OverpaymentReturned
OF_OVERPAYMENT = refund_id(ITEM_OVERPAID)  # how such a refund begins
PAID_TO_HUB = frozenset({payments_service.REMITTANCE, payments_service.ADJUSTMENT})


class ReturnMismatchError(RefusalError):
    """The hub says of returned money what does not fit what is known here."""

    code: ClassVar[str] = "RETURN_MISMATCH"


async def receive_returned(
    session: WriteSession, message: NetReturned, *, here: str, terms: HubTerms, now: datetime
) -> None:
    """Wait for what the hub pays back, and pay no more what it took as paid.

    The account with the hub shows already that it was paid: nothing is entered. The hub says what
    becomes of one payment of this node, and of no more than that payment (decision 0013).
    """
    done = await store.find_distribution(session, message.period)
    if done is None or done.run_id != message.run_id:
        raise RunMismatchError(f"{message.run_id[:16]} is not distributed here")
    currency = run_of(done).collectives[here].settlement_currency
    if message.currency != currency:
        raise RunMismatchError(f"money came back in {message.currency}, not {currency}")
    paid = await _overpaid(session, message)
    await _follow(session, message, here, terms, now)
    payments_service.take_as_paid(paid, int(message.set_off))
    payments_service.no_longer_as_paid(paid, min(int(message.undone), paid.taken_as_paid))
    less(paid.amount, paid.taken_as_paid + int(message.refunded), paid.payment_id)


async def _overpaid(session: ReadSession, message: NetReturned) -> Payment:
    """Return the payment into the net of which the hub speaks, or what took its place."""
    for row in await into_net(session, message.period):
        if refund_of(row) == message.refund:
            paid = row
            while after := await payments_store.replacement_of(session, paid.payment_id):
                paid = await payments_service.get_payment(session, after)
            return paid
    raise ReturnMismatchError(f"{message.refund} pays back nothing that was paid into this net")


async def receive_overpayment(
    session: WriteSession,
    message: OverpaymentReturned,
    *,
    here: str,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Follow what becomes of an ordinary overpayment, as of one into a net.

    Nothing is entered: who explains the bank entry that went out too much as an OVERPAYMENT of a
    payment to the hub enters it on the account with the hub.
    """
    if not message.refund.startswith(OF_OVERPAYMENT):
        raise ReturnMismatchError(f"{message.refund} is of no overpayment")
    exponent(message.currency)  # refuses what is no currency with minor units
    await _follow(session, message, here, terms, now)


async def _follow(
    session: WriteSession, message: Returned, here: str, terms: HubTerms, now: datetime
) -> None:
    """Check the whole before any of it is kept."""
    set_off, undone = int(message.set_off), int(message.undone)
    if (message.against is not None) is not (set_off + undone > 0) or (set_off and undone):
        raise ReturnMismatchError(f"{set_off} set off, {undone} undone: of {message.against}")
    rows = await _payments_for(session, message, here) if message.against is not None else []
    await _wait_for(session, message, here, terms, now)
    if set_off:
        await _pay_less(session, message, _end_of(rows), now)
    if undone:
        await _owe_again(session, message, rows, now)


async def _payments_for(session: WriteSession, message: Returned, here: str) -> list[Payment]:
    """Return what was proposed here for a remittance to the hub, and what took its place.

    One that is not proposed yet, since its month comes by another stream, is waited for: the
    message is refused.
    """
    against = message.against or ""
    rows = await payments_store.stand_for(session, base_id(against))
    if not rows:
        raise RunMismatchError(f"{against} is not proposed here")
    for row in rows:
        if (row.payer, row.payee) != (here, HUB) or row.kind not in PAID_TO_HUB:
            raise ReturnMismatchError(f"{row.payment_id} is no remittance to the hub")
        if row.currency != message.currency:
            raise ReturnMismatchError(f"{row.payment_id} is in {row.currency}")
    return rows


async def _wait_for(
    session: WriteSession, message: Returned, here: str, terms: HubTerms, now: datetime
) -> None:
    amount = Amount(int(message.refunded), message.currency)
    row = await payments_store.find_incoming(session, message.refund)
    if row is not None:
        if (row.payer, row.currency) != (HUB, message.currency):
            raise ReturnMismatchError(f"{row.id} is of {row.payer}, in {row.currency}")
        if amount.minor < row.received:
            raise ReturnMismatchError(f"{row.received} of {row.id} came in, not {amount.minor}")
        row.amount = row.debt_amount = amount.minor or row.amount
        row.state = incoming.EXPECTED if amount.minor else incoming.EXCLUDED
        if row.received == row.amount:
            row.state = incoming.BOOKED
    elif amount.minor:
        of_net = message if isinstance(message, NetReturned) else None
        awaited = Awaited(
            incoming_id=message.refund,
            run=of_net.run_id if of_net else "",
            period=of_net.period if of_net else month_of(now.date()),
            payer=HUB,
            amount=amount,
            debt=Leg(Accounts(here).due(HUB), amount),
            due_on=now.date() + timedelta(days=terms.payment_days),
            is_net=False,
        )
        incoming.expect(session, awaited)


async def _pay_less(
    session: WriteSession, message: Returned, payment: Payment, now: datetime
) -> None:
    """Cancel what was not exported of a remittance that the hub took as paid, or lower it.

    What the bank has already is paid twice, and is an overpayment at the hub, unless the bank does
    not pay it: then no more than the rest is owed.
    """
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
        await _propose(session, payment, owed, debt, payment.payment_id, now)


async def _owe_again(
    session: WriteSession, message: Returned, rows: Sequence[Payment], now: datetime
) -> None:
    """Pay what the hub took as paid and does no longer: with the rest, or beside it.

    What the bank has or has booked is the whole, and what it did not pay can be proposed again
    whole: then nothing is to be paid beside it.
    """
    minor = int(message.undone)
    taken = next((row for row in reversed(rows) if row.taken_as_paid >= minor), None)
    if taken is None:
        raise ReturnMismatchError(f"{minor} of {message.against} was not taken as paid")
    before = payments_service.still_owed(taken)[1].amount.minor
    payments_service.no_longer_as_paid(taken, minor)
    end = _end_of(rows)
    aside = await payments_store.set_aside_by(session, taken.payment_id, OVERPAID)
    if taken.state not in states.NOT_PAID or (end is taken and aside is None):
        return
    whole = payments_service.still_owed(taken)[1]
    owed = Amount(minor, taken.currency)
    debt = Leg(whole.account, Amount(whole.amount.minor - before, whole.amount.currency))
    replaces = taken.payment_id if end is taken else None
    if end.state in states.NOT_EXPORTED:
        rest = record.debt_of(end).amount
        owed = Amount(owed.minor + end.amount, owed.currency)
        debt = Leg(debt.account, Amount(debt.amount.minor + rest.minor, rest.currency))
        why = f"undone: {OVERPAID}{message.refund}"
        await payments_service.cancel(session, end, why, who=HUB, at=now)
        replaces = end.payment_id
    await _propose(session, taken, owed, debt, replaces, now)


async def _propose(
    session: WriteSession,
    like: Payment,
    owed: Amount,
    debt: Leg,
    replaces: str | None,
    now: datetime,
) -> None:
    proposal = Proposal(
        kind=like.kind,
        payment_id=await payments_store.next_id(session, base_id(like.payment_id)),
        run=like.run_id,
        period=like.period,
        payer=Side(like.payer, _kept(like.payer_account)),
        payee=Side(like.payee, _kept(like.payee_account)),
        amount=owed,
        debt=debt,
        due_on=like.due_on,
        replaces=replaces,
    )
    await payments_service.propose(session, proposal, who=HUB, at=now)


def _end_of(rows: Sequence[Payment]) -> Payment:
    """Return the payment in force: what nothing took the place of, not exported before others."""
    replaced = {row.replaces for row in rows}
    ends = [row for row in rows if row.payment_id not in replaced]
    in_turn = (states.NOT_EXPORTED, states.AT_THE_BANK)
    found = (row for wanted in in_turn for row in reversed(ends) if row.state in wanted)
    return next(found, ends[-1])


def _kept(account: str | None) -> PaymentAccount | None:
    return record.account_of(account) if account else None
