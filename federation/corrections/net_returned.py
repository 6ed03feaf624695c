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
from federation.netting.messages import NetReturned, OverpaymentReturned
from federation.payments import incoming, record, states
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.as_paid import Order, Shift, given, room, shifted
from federation.payments.names import ITEM_OVERPAID, OVERPAID, base_id, refund_id
from federation.payments.orders import orders_of, owed_of, take_as_paid
from federation.payments.paid_back import (
    by_remittance,
    into_net,
    refund_of,
    use_otherwise,
    used_otherwise,
)
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
    use_otherwise(paid, int(message.set_off) - int(message.undone))
    whole = paid[0]
    less(whole.amount, used_otherwise(paid) + int(message.refunded), whole.payment_id)


async def _overpaid(session: ReadSession, message: NetReturned) -> list[Payment]:
    """Return the payment into the net of which the hub speaks, and what took its place."""
    for rows in by_remittance(await into_net(session, message.period)):
        if refund_of(rows[0]) == message.refund:
            return rows
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
    orders = await _orders(session, message, rows)
    if not orders:
        await _wait_for(session, message, here, terms, now)
        return
    less(room(orders), set_off, message.against or "")
    if undone > given(orders):
        raise ReturnMismatchError(f"{undone} of {message.against} was not taken as paid")
    await _wait_for(session, message, here, terms, now)
    await _pay_otherwise(session, message, rows, shifted(orders, set_off - undone), now)


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


async def _orders(session: WriteSession, message: Returned, rows: Sequence[Payment]) -> list[Order]:
    """Return how the payments stand that the message is about.

    It is [] where a new net stands for the one it names: the hub had said this before, and owes
    back what it took as paid.
    """
    orders = await orders_of(session, rows)
    left = {row.payment_id for row in rows} - {order.payment_id for order in orders}
    return [] if message.against in left else orders


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


async def _pay_otherwise(
    session: WriteSession, message: Returned, rows: Sequence[Payment], shift: Shift, now: datetime
) -> None:
    """Pay no more what the hub took as paid, and what it does so no longer: with the rest.

    What was not exported is cancelled, and one payment takes its place. What the bank has is paid
    all the same, and is an overpayment at the hub if it is more than was owed.
    """
    name, debt = f"{OVERPAID}{message.refund}", 0
    why = f"set off: {name}" if int(message.set_off) else f"undone: {name}"
    for row in rows:
        if row.payment_id not in {*shift.changes, *shift.instead}:
            continue
        before = owed_of(row)[1].amount.minor
        take_as_paid(row, shift.changes.get(row.payment_id, 0))
        after = owed_of(row)[1].amount.minor
        if row.payment_id in shift.instead:
            if row.state in states.NOT_EXPORTED:
                await payments_service.cancel(session, row, why, who=HUB, at=now)
            payments_service.not_owed_again(session, [row], name, who=HUB, at=now)
            debt += after
        elif row.payment_id in shift.again:
            debt += after - before
    if shift.proposed:
        await _propose(session, rows, shift, debt, now)


async def _propose(
    session: WriteSession, rows: Sequence[Payment], shift: Shift, debt: int, now: datetime
) -> None:
    """Propose what is owed in the place of others, or beside one that the bank has."""
    of = shift.instead or shift.again
    like = next(row for row in reversed(rows) if row.payment_id in of)
    is_beside = like.payment_id in {row.replaces for row in rows}
    proposal = Proposal(
        kind=like.kind,
        payment_id=await payments_store.next_id(session, base_id(like.payment_id)),
        run=like.run_id,
        period=like.period,
        payer=Side(like.payer, _kept(like.payer_account)),
        payee=Side(like.payee, _kept(like.payee_account)),
        amount=Amount(shift.proposed, like.currency),
        debt=Leg(like.debt_account, Amount(debt, like.debt_currency)),
        due_on=like.due_on,
        replaces=None if is_beside else like.payment_id,
    )
    await payments_service.propose(session, proposal, who=HUB, at=now)


def _kept(account: str | None) -> PaymentAccount | None:
    return record.account_of(account) if account else None
