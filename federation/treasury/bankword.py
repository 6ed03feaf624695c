"""The bank's word on a payment: accepted, rejected, booked, returned; and taken back."""

from datetime import date, datetime

from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry, Posting
from federation.ledger.store import post
from federation.payments import postings, record, states, store
from federation.payments.names import (
    PASSED_ON,
    bank_document,
    is_member,
    lab_of,
    member_of,
    undone_document,
)
from federation.payments.postings import Amount
from federation.payments.tables import Payment
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.values.event import Event, EventType
from federation.values.reason import stated


async def accept(
    session: WriteSession, payment: Payment, *, who: str, at: datetime, reference: str | None = None
) -> Payment:
    """Record that the bank took the order (pain.002); it has not paid yet."""
    if payment.state in {states.ACCEPTED, states.BOOKED}:
        return payment
    states.refuse_move(payment.payment_id, payment.state, states.ACCEPTED)
    record.step(session, payment, states.ACCEPTED, who=who, at=at, reference=reference)
    return payment


async def reject(
    session: WriteSession,
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
    payment.reason = stated(reason)
    record.step(
        session, payment, states.REJECTED, who=who, at=at, reason=reason, reference=reference
    )
    books = Accounts(payment.payer)
    entry = postings.rejected(
        books, payment.payment_id, record.debt_of(payment), at.date(), record.tags_of(payment)
    )
    await post(session, [entry])
    return payment


async def book(
    session: WriteSession,
    payment: Payment,
    booked_on: date,
    bank: Amount,
    *,
    who: str,
    at: datetime,
    reference: str | None = None,
) -> Payment:
    """Record that the bank debited `bank`, in the currency of its account, for a payment."""
    states.refuse_move(payment.payment_id, payment.state, states.BOOKED)
    if payment.state == states.RETURNED:
        raise states.PaymentStateError(f"{payment.payment_id} came back")
    moved = postings.booked(
        Accounts(payment.payer),
        record.debt_of(payment),
        Amount(payment.amount, payment.currency),
        bank,
        record.tags_of(payment),
    )
    payment.booked_on = booked_on
    await _enter(session, payment, states.BOOKED, booked_on, moved)
    record.step(session, payment, states.BOOKED, who=who, at=at, reference=reference)
    _say(session, EventType.PAYMENT_SENT, payment)
    return payment


def _say(session: WriteSession, what: EventType, payment: Payment) -> None:
    """Say that money moved, to the staff and to the member or lab that it is for."""
    members = [member_of(payment.payee)] if is_member(payment.payee) else []
    event = Event(
        what,
        {"payment": payment.payment_id, "period": payment.period},
        licensee=lab_of(payment.payee),
        members=frozenset(members),
    )
    happened(session, event)


async def record_return(
    session: WriteSession,
    payment: Payment,
    returned_on: date,
    bank: Amount,
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
        record.debt_of(payment),
        Amount(payment.amount, payment.currency),
        bank,
        record.tags_of(payment),
    )
    payment.returned_on, payment.reason = returned_on, stated(reason)
    await _enter(session, payment, states.RETURNED, returned_on, moved)
    record.step(
        session, payment, states.RETURNED, who=who, at=at, reason=reason, reference=reference
    )
    _say(session, EventType.PAYMENT_RETURNED, payment)
    return payment


async def undo(
    session: WriteSession, payment: Payment, reason: str, *, who: str, at: datetime
) -> Payment:
    """Take back what was last recorded as the bank's word, by reversal: booked, or returned."""
    back = {states.BOOKED: states.EXPORTED, states.RETURNED: states.BOOKED}.get(payment.state)
    if back is None:
        raise states.PaymentStateError(f"{payment.payment_id} is {payment.state}")
    await _refuse_paid_anew(session, payment)
    text = stated(reason)
    document = (await store.bank_documents(session, payment.payment_id, payment.state))[-1]
    entry = await ledger.entry_of(session, document)
    if payment.state == states.BOOKED:
        payment.booked_on = None
    else:
        payment.returned_on = None
    taken_back = postings.reversal(
        entry,
        document=undone_document(document),
        narration=f"{entry.narration}, taken back: {text}",
        on=at.date(),
    )
    await post(session, [taken_back])
    record.step(session, payment, back, who=who, at=at, reason=text, reference=document)
    payment.reason = None
    return payment


async def _refuse_paid_anew(session: ReadSession, payment: Payment) -> None:
    """Refuse where another payment stands for this one: it would be paid twice."""
    passed_on = await store.set_aside_by(session, payment.payment_id, PASSED_ON)
    if payment.state == states.RETURNED and passed_on is not None:
        raise states.PaymentStateError(f"{payment.payment_id} is paid to others: {passed_on}")
    after = await store.replacement_of(session, payment.payment_id)
    while payment.state == states.RETURNED and after is not None:
        other = await store.find_payment(session, after)
        if other is not None and other.state != states.CANCELLED:
            raise states.PaymentStateError(f"{payment.payment_id} is proposed again: {after}")
        after = await store.replacement_of(session, after)


async def _enter(
    session: WriteSession,
    payment: Payment,
    step: str,
    on: date,
    moved: tuple[Posting, ...],
) -> None:
    times = len(await store.bank_documents(session, payment.payment_id, step)) + 1
    document = bank_document(payment.payment_id, step, times)
    narration = f"Payment {payment.payment_id} {step.lower()}"
    await post(session, [Entry(on, document, narration, moved)])
