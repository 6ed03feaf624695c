"""A payment from proposal to the bank's word. Each step is recorded, and entered in the books once.

`who` is the subject that acts (a person, or the server's own code where a rule does); `at` is
business time. A step that was taken before is not taken again: approving, exporting, accepting and
rejecting twice change nothing. The bank's word is another matter: it is given once, and a second
entry for the same payment is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.settlement.books import Accounts, Entry, Posting
from federation.settlement.documents import service as documents
from federation.settlement.documents.tables import Document
from federation.settlement.pain001 import Account, PaymentOrder, write_pain001
from federation.settlement.payments import postings, states, store
from federation.settlement.payments.postings import Amount, Leg
from federation.settlement.payments.tables import Payment, PaymentEvent
from federation.settlement.store import post
from federation.store.canonical import digest
from federation.trust.principals import require_other_person

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


class ReasonMissingError(RefusalError):
    """This needs a reason."""

    code: ClassVar[str] = "REASON_MISSING"


async def get_payment(session: AsyncSession, payment_id: str) -> Payment:
    """Return a payment by id, or refuse."""
    payment = await store.find_payment(session, payment_id)
    if payment is None:
        raise UnknownPaymentError(payment_id)
    return payment


async def propose(
    session: AsyncSession,
    *,
    kind: str,
    payment_id: str,
    run: str,
    period: str,
    payer: str,
    payee: str,
    amount: int,
    currency: str,
    payer_account: Account | None,
    payee_account: Account | None,
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
        if known.state == states.OUTSTANDING and payer_account and payee_account and not refused:
            known.payer_account, known.payee_account = _kept(payer_account), _kept(payee_account)
            known.reason, known.proposed_by, known.proposed_at = None, who, at
            _step(session, known, states.PROPOSED, who=who, at=at)
        return known
    reason = refused
    if payer_account is None or payee_account is None:
        reason = "ACCOUNT_MISSING"
    state = states.PROPOSED if reason is None else states.OUTSTANDING
    payment = Payment(
        payment_id=payment_id,
        kind=kind,
        run_id=run,
        period=period,
        payer=payer,
        payee=payee,
        amount=amount - set_off,
        currency=currency,
        state=states.SET_OFF if amount == set_off else state,
        reason=reason,
        debt_account=debt_account,
        debt_amount=debt_amount - set_off_debt,
        debt_currency=debt_currency,
        set_off=set_off,
        payer_account=_kept(payer_account),
        payee_account=_kept(payee_account),
        replaces=replaces,
        proposed_by=who,
        proposed_at=at,
        due_on=due_on,
    )
    session.add(payment)
    await session.flush()
    _note(session, payment, who=who, at=at, reference=replaces)
    return payment


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


async def approve(session: AsyncSession, payment: Payment, *, who: str, at: datetime) -> Payment:
    """Release a payment, as another person than the one who proposed it."""
    if payment.state == states.APPROVED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.APPROVED)
    require_other_person(payment.proposed_by, who)
    payment.approved_by, payment.approved_at = who, at
    _step(session, payment, states.APPROVED, who=who, at=at)
    return payment


async def cancel(
    session: AsyncSession, payment: Payment, reason: str, *, who: str, at: datetime
) -> Payment:
    """Withdraw a payment before it is exported, with a reason."""
    if payment.state == states.CANCELLED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.CANCELLED)
    payment.reason = _reason(reason)
    _step(session, payment, states.CANCELLED, who=who, at=at, reason=payment.reason)
    return payment


async def export(
    session: AsyncSession, payments: Sequence[Payment], *, value_on: date, who: str, at: datetime
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
        _step(session, payment, states.EXPORTED, who=who, at=at, reference=document.number)
    await post(
        session,
        [
            postings.exported(
                Accounts(payment.payer),
                payment.payment_id,
                _debt(payment),
                at.date(),
                _meta(payment),
            )
            for payment in payments
        ],
    )
    return document


async def file_of(session: AsyncSession, payment: Payment) -> Document:
    """Return the file a payment was exported in, byte for byte."""
    return await session.get_one(Document, payment.exported_in)


async def accept(
    session: AsyncSession, payment: Payment, *, who: str, at: datetime, reference: str | None = None
) -> Payment:
    """Record that the bank took the order (pain.002); it has not paid yet."""
    if payment.state in {states.ACCEPTED, states.BOOKED}:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.ACCEPTED)
    _step(session, payment, states.ACCEPTED, who=who, at=at, reference=reference)
    return payment


async def reject(
    session: AsyncSession,
    payment: Payment,
    reason: str,
    *,
    who: str,
    at: datetime,
    reference: str | None = None,
) -> Payment:
    """Record that the bank refused the order (pain.002): the debt is there as before."""
    if payment.state == states.REJECTED:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.REJECTED)
    payment.reason = _reason(reason)
    _step(session, payment, states.REJECTED, who=who, at=at, reason=reason, reference=reference)
    books = Accounts(payment.payer)
    entry = postings.rejected(books, payment.payment_id, _debt(payment), at.date(), _meta(payment))
    await post(session, [entry])
    return payment


async def book(
    session: AsyncSession,
    payment: Payment,
    booked_on: date,
    bank_amount: int,
    bank_currency: str,
    *,
    who: str,
    at: datetime,
    reference: str | None = None,
) -> Payment:
    """Record that the bank debited `bank_amount` of the account's currency for a payment."""
    states.refuse_move(payment.payment_id, payment.state, states.BOOKED)
    if payment.state == states.RETURNED:
        raise states.PaymentStateError(f"{payment.payment_id} came back")
    moved = postings.booked(
        Accounts(payment.payer),
        _debt(payment),
        Amount(payment.amount, payment.currency),
        Amount(bank_amount, bank_currency),
        _meta(payment),
    )
    payment.booked_on = booked_on
    await _enter(session, payment, states.BOOKED, booked_on, moved)
    _step(session, payment, states.BOOKED, who=who, at=at, reference=reference)
    return payment


async def give_back(
    session: AsyncSession,
    payment: Payment,
    returned_on: date,
    bank_amount: int,
    bank_currency: str,
    reason: str,
    *,
    who: str,
    at: datetime,
    reference: str | None = None,
) -> Payment:
    """Record that a booked payment came back: the debt is there again, with the bank's reason."""
    states.refuse_move(payment.payment_id, payment.state, states.RETURNED)
    moved = postings.credited(
        Accounts(payment.payer),
        _debt(payment),
        Amount(payment.amount, payment.currency),
        Amount(bank_amount, bank_currency),
        _meta(payment),
    )
    payment.returned_on, payment.reason = returned_on, _reason(reason)
    await _enter(session, payment, states.RETURNED, returned_on, moved)
    _step(session, payment, states.RETURNED, who=who, at=at, reason=reason, reference=reference)
    return payment


async def undo(
    session: AsyncSession, payment: Payment, reason: str, *, who: str, at: datetime
) -> Payment:
    """Take back what was last recorded as the bank's word, by reversal: booked, or returned."""
    back = {states.BOOKED: states.EXPORTED, states.RETURNED: states.BOOKED}.get(payment.state)
    if back is None:
        raise states.PaymentStateError(f"{payment.payment_id} is {payment.state}")
    text = _reason(reason)
    document = (await store.bank_documents(session, payment.payment_id, payment.state))[-1]
    _, entry = await store.entry_of(session, document)
    if payment.state == states.BOOKED:
        payment.booked_on = None
    else:
        payment.returned_on = None
    taken_back = postings.reversal(
        entry,
        document=f"{document}/undone",
        narration=f"{entry.narration}, taken back: {text}",
        on=at.date(),
    )
    await post(session, [taken_back])
    _step(session, payment, back, who=who, at=at, reason=text, reference=document)
    payment.reason = None
    return payment


async def _enter(
    session: AsyncSession,
    payment: Payment,
    step: str,
    on: date,
    moved: tuple[Posting, ...],
) -> None:
    times = len(await store.bank_documents(session, payment.payment_id, step)) + 1
    document = store.bank_document(payment.payment_id, step, times)
    narration = f"Payment {payment.payment_id} {step.lower()}"
    await post(session, [Entry(on, document, narration, moved)])


def _debt(payment: Payment) -> Leg:
    return Leg(payment.debt_account, Amount(payment.debt_amount, payment.debt_currency))


def _meta(payment: Payment) -> Mapping[str, str]:
    return {
        "payment": payment.payment_id,
        "period": payment.period,
        "run": payment.run_id[:16],
        "party": payment.payee,
    }


def _kept(account: Account | None) -> str | None:
    return msgspec.json.encode(account).decode() if account else None


def account_of(text: str | None) -> Account:
    """Return the account kept with a payment."""
    return msgspec.json.decode(text or "null", type=Account)


def _order(payment: Payment) -> PaymentOrder:
    return PaymentOrder(
        payment_id=payment.payment_id,
        payer=account_of(payment.payer_account),
        payee=account_of(payment.payee_account),
        amount=payment.amount,
        currency=payment.currency,
    )


def _step(
    session: AsyncSession,
    payment: Payment,
    state: str,
    *,
    who: str,
    at: datetime,
    reason: str | None = None,
    reference: str | None = None,
) -> None:
    payment.state = state
    _note(session, payment, who=who, at=at, reason=reason, reference=reference)


def _note(
    session: AsyncSession,
    payment: Payment,
    *,
    who: str,
    at: datetime,
    reason: str | None = None,
    reference: str | None = None,
) -> None:
    session.add(
        PaymentEvent(
            payment_id=payment.payment_id,
            state=payment.state,
            at=at,
            who=who,
            reason=reason or payment.reason,
            reference=reference,
        )
    )


def _reason(text: str) -> str:
    if not text.strip():
        raise ReasonMissingError(text)
    return text.strip()
