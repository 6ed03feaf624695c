"""A payment from proposal to approval; `treasury` has what follows.

`who` is the subject that acts (a person, or the server's own code where a rule does); `at` is
business time. Each step is recorded. One that was taken before is not taken again: approving twice
changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from federation.bankfiles.pain001 import check_account
from federation.errors import RefusalError
from federation.payments import as_paid, record, states, store, successors
from federation.payments.names import (
    LEFT_NET,
    OVERPAID,
    PASSED_ON,
    base_id,
    left_net_document,
    member_of,
)
from federation.payments.orders import orders_of, owed_of, take_as_paid
from federation.payments.proposal import Proposal, Side
from federation.payments.set_off import NOTHING, Used
from federation.payments.tables import Payment
from federation.people import audit
from federation.registry.store import find_member
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import require_other_person
from federation.values.account import PaymentAccount
from federation.values.held import ACCOUNT_MISSING
from federation.values.party import HUB
from federation.values.reason import stated

REMITTANCE, MEMBER, ADJUSTMENT, REFUND = "REMITTANCE", "MEMBER", "ADJUSTMENT", "REFUND"


class UnknownPaymentError(RefusalError):
    """No such payment."""

    code: ClassVar[str] = "UNKNOWN_PAYMENT"


class PaymentConflictError(RefusalError):
    """There is a payment of this id, and it is another one."""

    code: ClassVar[str] = "PAYMENT_CONFLICT"


class NoOwnAccountError(RefusalError):
    """This server has no account of its own to pay from: give it one, then name the payee's."""

    code: ClassVar[str] = "NO_OWN_ACCOUNT"


async def get_payment(session: ReadSession, payment_id: str) -> Payment:
    """Return a payment by id, or refuse."""
    payment = await store.find_payment(session, payment_id)
    if payment is None:
        raise UnknownPaymentError(payment_id)
    return payment


async def propose(
    session: WriteSession,
    proposal: Proposal,
    *,
    who: str,
    at: datetime,
    refused: str | None = None,
) -> Payment:
    """Propose a payment; the same again changes nothing.

    Without an account it is OUTSTANDING with ACCOUNT_MISSING, or with `refused`, the reason why
    the account there is cannot be used. Never more than the whole is set off; what is set off
    whole is not paid at all.
    """
    payer, payee = proposal.payer, proposal.payee
    set_off = _set_off(proposal)
    known = await store.find_payment(session, proposal.payment_id)
    if known is not None:
        if (known.kind, known.payee, known.amount, known.currency, known.debt_account) != (
            proposal.kind,
            payee.code,
            proposal.amount.minor - set_off.amount,
            proposal.amount.currency,
            proposal.debt.account,
        ):
            raise PaymentConflictError(proposal.payment_id)
        if payer.account and payee.account and not refused:
            complete(session, known, payer.account, payee.account, who=who, at=at)
        return known
    payment = payment_of(proposal, set_off, who=who, at=at)
    draft(session, payment, refused)
    await session.flush()
    return payment


def payment_of(proposal: Proposal, set_off: Used = NOTHING, *, who: str, at: datetime) -> Payment:
    """Return a proposal as it is written down, less what of it is set off."""
    debt = proposal.debt
    return Payment(
        payment_id=proposal.payment_id,
        kind=proposal.kind,
        run_id=proposal.run,
        period=proposal.period,
        payer=proposal.payer.code,
        payee=proposal.payee.code,
        amount=proposal.amount.minor - set_off.amount,
        currency=proposal.amount.currency,
        debt_account=debt.account,
        debt_amount=debt.amount.minor - set_off.cleared,
        debt_currency=debt.amount.currency,
        set_off=set_off.amount,
        payer_account=record.kept(proposal.payer.account),
        payee_account=record.kept(proposal.payee.account),
        replaces=proposal.replaces,
        attributed_to=proposal.attributed_to,
        share=proposal.share,
        proposed_by=who,
        proposed_at=at,
        due_on=proposal.due_on,
    )


def draft(session: WriteSession, payment: Payment, refused: str | None = None) -> None:
    """Write down a new payment, made up to its state: PROPOSED, OUTSTANDING or SET_OFF.

    For many at once: whether there is one of its id already is the caller's to know.
    """
    payment.reason = refused
    if payment.payer_account is None or payment.payee_account is None:
        payment.reason = ACCOUNT_MISSING
    payment.state = states.PROPOSED if payment.reason is None else states.OUTSTANDING
    if payment.amount == 0:
        payment.state, payment.reason = states.SET_OFF, None
    session.add(payment)
    who, at = payment.proposed_by or "", payment.proposed_at
    assert at is not None  # noqa: S101 - whoever makes one up says when
    record.note(session, payment, who=who, at=at, reference=payment.replaces)


def _set_off(proposal: Proposal) -> Used:
    """Return what is set off, in the currencies of the payment and its debt: the whole at most."""
    amount, debt = proposal.amount.minor, proposal.debt.amount.minor
    set_off = proposal.set_off
    if set_off.amount < 0 or set_off.cleared < 0 or amount <= 0 or debt <= 0:
        raise ValueError("amounts are above 0, a set-off is not below")
    if set_off.amount >= amount or set_off.cleared >= debt:
        return Used(amount, debt)
    return set_off


def complete(
    session: WriteSession,
    payment: Payment,
    payer_account: PaymentAccount,
    payee_account: PaymentAccount,
    *,
    who: str,
    at: datetime,
) -> None:
    """Propose a payment that was outstanding, now that it can be made; no other is touched."""
    if payment.state != states.OUTSTANDING:
        return
    payment.payer_account = record.kept(payer_account)
    payment.payee_account = record.kept(payee_account)
    payment.reason, payment.proposed_by, payment.proposed_at = None, who, at
    record.step(session, payment, states.PROPOSED, who=who, at=at)


async def name_account(
    session: WriteSession,
    payment: Payment,
    payer_account: PaymentAccount | None,
    payee_account: PaymentAccount,
    *,
    who: str,
    at: datetime,
) -> Payment:
    """Propose what lacked its payee's account, or has another than before, now that it is known.

    That are refunds, adjustments, and what a node pays another directly. Members' accounts, and
    collectives' at the hub, are kept where they are registered, not here. Where this server has no
    account of its own nothing could be paid, and nothing is kept (NO_OWN_ACCOUNT).
    """
    is_direct = payment.kind == REMITTANCE and HUB not in {payment.payer, payment.payee}
    is_named = is_direct or payment.kind in {REFUND, ADJUSTMENT}
    if not is_named or payment.state != states.OUTSTANDING:
        raise states.PaymentStateError(f"{payment.payment_id}: {payment.kind}, {payment.state}")
    check_account(payee_account, payment.currency)
    if payer_account is None:
        raise NoOwnAccountError(payment.payment_id)
    complete(session, payment, payer_account, payee_account, who=who, at=at)
    return payment


async def approve(session: WriteSession, payment: Payment, *, who: str, at: datetime) -> Payment:
    """Release a payment, as another person than those who proposed it or entered its account.

    One to a member in whose place others are paid by now is refused (SUCCEEDED).
    """
    if payment.state == states.APPROVED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.APPROVED)
    await successors.require_payee(session, payment, at.date())
    require_other_person(payment.proposed_by, who)
    if payment.kind == MEMBER:
        member = await find_member(session, member_of(payment.payee))
        require_other_person(member.account_set_by if member else None, who)
    payment.approved_by, payment.approved_at = who, at
    record.step(session, payment, states.APPROVED, who=who, at=at)
    detail = {"amount": str(payment.amount), "currency": payment.currency, "payee": payment.payee}
    await audit.record(session, who, audit.Act.PAYMENT_APPROVE, payment.payment_id, detail)
    return payment


async def cancel(
    session: WriteSession, payment: Payment, reason: str, *, who: str, at: datetime
) -> Payment:
    """Withdraw a payment before it is exported, with a reason."""
    if payment.state == states.CANCELLED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.CANCELLED)
    payment.reason = stated(reason)
    record.step(session, payment, states.CANCELLED, who=who, at=at, reason=payment.reason)
    return payment


async def set_aside(
    session: WriteSession, payments: Sequence[Payment], debtor: str, *, who: str, at: datetime
) -> list[Payment]:
    """Cancel remittances of a month whose net is computed anew; return those not yet exported.

    What was cancelled, rejected or returned before is set aside as well, and what the bank has, or
    has paid, and may give back: the new net says what is owed in its place, so none of them is
    proposed again.
    """
    cancelled: list[Payment] = []
    for payment in payments:
        reason = f"{debtor} left the net"
        if payment.state in states.NOT_EXPORTED:
            await cancel(session, payment, reason, who=who, at=at)
            cancelled.append(payment)
        if payment.state in states.NOT_PAID | states.AT_THE_BANK | {states.BOOKED}:
            reference = left_net_document(payment.period, debtor)
            record.note(session, payment, who=who, at=at, reason=reason, reference=reference)
    return cancelled


def not_owed_again(
    session: WriteSession, rows: Iterable[Payment], reference: str, *, who: str, at: datetime
) -> None:
    """Note of payments that were not made what took their place: none is proposed again."""
    for payment in rows:
        if payment.state in states.NOT_PAID:
            record.note(session, payment, who=who, at=at, reference=reference)


async def again(
    session: WriteSession,
    payment: Payment,
    payer_account: PaymentAccount | None,
    payee_account: PaymentAccount | None,
    *,
    who: str,
    at: datetime,
    refused: str | None = None,
) -> Payment:
    """Propose once more what was rejected, returned or cancelled, to the account of today.

    Once only: what has been proposed again is not owed twice, nor what a new net stands for, nor
    what the payee took as paid while the bank had the order.
    """
    if payment.state not in states.NOT_PAID:
        raise states.PaymentStateError(f"{payment.payment_id} is {payment.state}")
    await successors.require_payee(session, payment, at.date())
    successor = await store.replacement_of(session, payment.payment_id)
    if successor is not None:
        raise states.PaymentStateError(f"{payment.payment_id} is proposed again: {successor}")
    before = payment.replaces
    while before is not None and (earlier := await store.find_payment(session, before)) is not None:
        if earlier.state not in states.NOT_PAID:
            raise states.PaymentStateError(f"{before}, which it replaced, is {earlier.state}")
        before = earlier.replaces
    for what in (LEFT_NET, OVERPAID, PASSED_ON):
        by = await store.set_aside_by(session, payment.payment_id, what)
        if by is not None:
            raise states.PaymentStateError(f"{payment.payment_id} is not owed since {by}")
    await _leave_out_what_others_pay(session, payment)
    owed, debt = owed_of(payment)
    if owed.minor == 0:
        raise states.PaymentStateError(f"{payment.payment_id} was taken as paid")
    proposal = Proposal(
        kind=payment.kind,
        payment_id=await store.next_id(session, base_id(payment.payment_id)),
        run=payment.run_id,
        period=payment.period,
        payer=Side(payment.payer, payer_account),
        payee=Side(payment.payee, payee_account),
        amount=owed,
        debt=debt,
        due_on=payment.due_on,
        replaces=payment.payment_id,
        attributed_to=payment.attributed_to,
        share=payment.share,
    )
    return await propose(session, proposal, who=who, at=at, refused=refused)


async def _leave_out_what_others_pay(session: WriteSession, payment: Payment) -> None:
    """Keep with a payment what was taken as paid of others for the same that the bank makes."""
    if payment.payee != HUB:  # nobody else takes anything as paid
        return
    rows = await store.stand_for(session, base_id(payment.payment_id))
    orders = [
        order
        for order in await orders_of(session, rows)
        if order.standing in as_paid.WITH_THE_BANK or order.payment_id == payment.payment_id
    ]
    changes = as_paid.shifted(orders, 0).changes
    for row in rows:
        take_as_paid(row, changes.get(row.payment_id, 0))
