"""A payment from proposal to the bank's word. Each step is recorded, and entered in the books once.

`who` is the subject that acts (a person, or the server's own code where a rule does); `at` is
business time. A step that was taken before is not taken again: approving, exporting, accepting and
rejecting twice change nothing. The bank's word is another matter: it is given once, and a second
entry for the same payment is refused.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

from federation.bankfiles.pain001 import PaymentOrder, check_account, write_pain001
from federation.documents import service as documents
from federation.documents.tables import Document
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.ledger.store import post
from federation.payments import postings, record, states, store
from federation.payments.names import LEFT_NET, base_id, left_net_document, member_of
from federation.payments.record import ReasonMissingError
from federation.payments.tables import Payment
from federation.registry.store import find_member
from federation.store.canonical import digest
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import require_other_person
from federation.values.account import PaymentAccount
from federation.values.month import Month
from federation.values.reason import stated

XML = "application/xml"
FILE_PAYMENTS_MAX = 5_000
REMITTANCE, MEMBER, ADJUSTMENT, REFUND = "REMITTANCE", "MEMBER", "ADJUSTMENT", "REFUND"


class UnknownPaymentError(RefusalError):
    """No such payment."""

    code: ClassVar[str] = "UNKNOWN_PAYMENT"


class PaymentConflictError(RefusalError):
    """There is a payment of this id, and it is another one."""

    code: ClassVar[str] = "PAYMENT_CONFLICT"


class NothingToExportError(RefusalError):
    """There is nothing approved to be paid."""

    code: ClassVar[str] = "NOTHING_TO_EXPORT"


async def get_payment(session: ReadSession, payment_id: str) -> Payment:
    """Return a payment by id, or refuse."""
    payment = await store.find_payment(session, payment_id)
    if payment is None:
        raise UnknownPaymentError(payment_id)
    return payment


async def propose(
    session: WriteSession,
    *,
    kind: str,
    payment_id: str,
    run: str,
    period: Month,
    payer: str,
    payee: str,
    amount: int,
    currency: str,
    payer_account: PaymentAccount | None,
    payee_account: PaymentAccount | None,
    debt_account: str,
    debt_amount: int,
    debt_currency: str,
    who: str,
    at: datetime,
    due_on: date | None = None,
    set_off: int = 0,
    set_off_debt: int | None = None,
    replaces: str | None = None,
    refused: str | None = None,
) -> Payment:
    """Propose a payment of `amount` minor units for a debt; the same again changes nothing.

    Without an account it is OUTSTANDING with ACCOUNT_MISSING, or with `refused`, the reason why
    the account there is cannot be used. `set_off` is the part of the amount that is not paid but
    set off, `set_off_debt` the same in the currency of the debt (the same number where the
    currencies are the same): never more than the whole. What is set off whole is not paid at all.
    """
    set_off, set_off_debt = _set_off(
        (amount, currency), (debt_amount, debt_currency), set_off, set_off_debt
    )
    known = await store.find_payment(session, payment_id)
    if known is not None:
        if (known.kind, known.payee, known.amount, known.currency, known.debt_account) != (
            kind,
            payee,
            amount - set_off,
            currency,
            debt_account,
        ):
            raise PaymentConflictError(payment_id)
        if payer_account and payee_account and not refused:
            complete(session, known, payer_account, payee_account, who=who, at=at)
        return known
    payment = Payment(
        payment_id=payment_id,
        kind=kind,
        run_id=run,
        period=period,
        payer=payer,
        payee=payee,
        amount=amount - set_off,
        currency=currency,
        debt_account=debt_account,
        debt_amount=debt_amount - set_off_debt,
        debt_currency=debt_currency,
        set_off=set_off,
        payer_account=record.kept(payer_account),
        payee_account=record.kept(payee_account),
        replaces=replaces,
        proposed_by=who,
        proposed_at=at,
        due_on=due_on,
    )
    draft(session, payment, refused)
    await session.flush()
    return payment


def draft(session: WriteSession, payment: Payment, refused: str | None = None) -> None:
    """Write down a new payment, made up to its state: PROPOSED, OUTSTANDING or SET_OFF.

    For many at once: whether there is one of its id already is the caller's to know.
    """
    payment.reason = refused
    if payment.payer_account is None or payment.payee_account is None:
        payment.reason = "ACCOUNT_MISSING"
    payment.state = states.PROPOSED if payment.reason is None else states.OUTSTANDING
    if payment.amount == 0:
        payment.state, payment.reason = states.SET_OFF, None
    session.add(payment)
    who, at = payment.proposed_by or "", payment.proposed_at
    assert at is not None  # noqa: S101 - whoever makes one up says when
    record.note(session, payment, who=who, at=at, reference=payment.replaces)


def _set_off(
    whole: tuple[int, str], debt: tuple[int, str], set_off: int, set_off_debt: int | None
) -> tuple[int, int]:
    """Return what is set off in both currencies, held to what there is."""
    (amount, currency), (debt_amount, debt_currency) = whole, debt
    if set_off_debt is None:
        if set_off and currency != debt_currency:
            raise ValueError("a set-off across currencies is stated in both")
        set_off_debt = set_off
    if set_off < 0 or set_off_debt < 0 or amount <= 0 or debt_amount <= 0:
        raise ValueError("amounts are above 0, a set-off is not below")
    if set_off >= amount or set_off_debt >= debt_amount:
        return amount, debt_amount
    return set_off, set_off_debt


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
    """Propose a refund or adjustment that lacked its payee's account, now that it is known.

    Members' and collectives' accounts are kept where they are registered, not here.
    """
    if payment.kind not in {REFUND, ADJUSTMENT} or payment.state != states.OUTSTANDING:
        raise states.PaymentStateError(f"{payment.payment_id}: {payment.kind}, {payment.state}")
    check_account(payee_account, payment.currency)
    if payer_account is not None:
        complete(session, payment, payer_account, payee_account, who=who, at=at)
    return payment


async def approve(session: WriteSession, payment: Payment, *, who: str, at: datetime) -> Payment:
    """Release a payment, as another person than those who proposed it or entered its account."""
    if payment.state == states.APPROVED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.APPROVED)
    require_other_person(payment.proposed_by, who)
    if payment.kind == MEMBER:
        member = await find_member(session, member_of(payment.payee))
        require_other_person(member.account_set_by if member else None, who)
    payment.approved_by, payment.approved_at = who, at
    record.step(session, payment, states.APPROVED, who=who, at=at)
    return payment


async def cancel(
    session: WriteSession, payment: Payment, reason: str, *, who: str, at: datetime
) -> Payment:
    """Withdraw a payment before it is exported, with a reason."""
    if payment.state == states.CANCELLED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.CANCELLED)
    payment.reason = stated(reason, ReasonMissingError)
    record.step(session, payment, states.CANCELLED, who=who, at=at, reason=payment.reason)
    return payment


async def set_aside(
    session: WriteSession, payments: Sequence[Payment], debtor: str, *, who: str, at: datetime
) -> list[Payment]:
    """Cancel remittances of a month whose net is computed anew; return those not yet exported.

    What was cancelled, rejected or returned before is set aside as well: the new net says what is
    owed in its place, so none of them is proposed again.
    """
    cancelled: list[Payment] = []
    for payment in payments:
        reason = f"{debtor} left the net"
        if payment.state in states.NOT_EXPORTED:
            await cancel(session, payment, reason, who=who, at=at)
            cancelled.append(payment)
        if payment.state in states.NOT_PAID:
            reference = left_net_document(payment.period, debtor)
            record.note(session, payment, who=who, at=at, reason=reason, reference=reference)
    return cancelled


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

    Once only: what has been proposed again is not owed twice, nor what a new net stands for.
    """
    if payment.state not in states.NOT_PAID:
        raise states.PaymentStateError(f"{payment.payment_id} is {payment.state}")
    successor = await store.replacement_of(session, payment.payment_id)
    if successor is not None:
        raise states.PaymentStateError(f"{payment.payment_id} is proposed again: {successor}")
    by = await store.set_aside_by(session, payment.payment_id, LEFT_NET)
    if by is not None:
        raise states.PaymentStateError(f"{payment.payment_id} is not owed since {by}")
    return await propose(
        session,
        kind=payment.kind,
        payment_id=await store.next_id(session, base_id(payment.payment_id)),
        run=payment.run_id,
        period=payment.period,
        payer=payment.payer,
        payee=payment.payee,
        amount=payment.amount,
        currency=payment.currency,
        payer_account=payer_account,
        payee_account=payee_account,
        debt_account=payment.debt_account,
        debt_amount=payment.debt_amount,
        debt_currency=payment.debt_currency,
        who=who,
        at=at,
        due_on=payment.due_on,
        replaces=payment.payment_id,
        refused=refused,
    )


async def export(
    session: WriteSession, payments: Sequence[Payment], *, value_on: date, who: str, at: datetime
) -> Document:
    """Write approved payments of one payer and currency as a numbered file for the bank.

    The file's number is its MsgId. The same payments again return the same bytes. Each debt
    leaves its account and is in transit.
    """
    if not payments or len(payments) > FILE_PAYMENTS_MAX:
        raise NothingToExportError(f"a file has 1 to {FILE_PAYMENTS_MAX} payments")
    known = {payment.exported_in for payment in payments}
    if len(known) == 1 and None not in known:
        return await file_of(session, payments[0])
    for payment in payments:
        states.refuse_move(payment.payment_id, payment.state, states.EXPORTED)
    first = payments[0]
    ids = sorted(payment.payment_id for payment in payments)
    document = await documents.issue(
        session,
        issuer=first.payer,
        series="PAY",
        subject=digest(["payments", first.currency, value_on.isoformat(), *ids]),
        issued_on=at.date(),
        period=first.period if len({item.period for item in payments}) == 1 else None,
        media_type=XML,
        write=lambda number: write_pain001(
            message_id=number,
            created_at=at,
            execution_on=value_on,
            orders=[_order(payment) for payment in payments],
        ),
    )
    for payment in payments:
        payment.exported_in, payment.exported_at = document.number, at
        payment.value_on = value_on
        record.step(session, payment, states.EXPORTED, who=who, at=at, reference=document.number)
    await post(
        session,
        [
            postings.exported(
                Accounts(payment.payer),
                payment.payment_id,
                record.debt_of(payment),
                at.date(),
                record.tags_of(payment),
            )
            for payment in payments
        ],
    )
    return document


async def file_of(session: ReadSession, payment: Payment) -> Document:
    """Return the file a payment was exported in, byte for byte."""
    return await session.get_one(Document, payment.exported_in)


def _order(payment: Payment) -> PaymentOrder:
    return PaymentOrder(
        payment_id=payment.payment_id,
        payer=record.account_of(payment.payer_account),
        payee=record.account_of(payment.payee_account),
        amount=payment.amount,
        currency=payment.currency,
    )
