"""Approved payments as a file for the bank (pain.001): from then on the debt is in transit."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

from federation.bankfiles.pain001 import PaymentOrder, write_pain001
from federation.documents.service import FOR_THE_BANK, Heading, issue
from federation.documents.tables import Document
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.ledger.store import post
from federation.payments import postings, record, states
from federation.payments.tables import ExportedFile, Payment
from federation.people import audit
from federation.store.canonical import digest
from federation.store.sessions import ReadSession, WriteSession

XML = "application/xml"
FILE_PAYMENTS_MAX = 5_000
BATCH_FILES_MAX = 20


class NothingToExportError(RefusalError):
    """There is nothing approved to be paid."""

    code: ClassVar[str] = "NOTHING_TO_EXPORT"


async def export_batch(
    session: WriteSession, payments: Sequence[Payment], *, value_on: date, who: str, at: datetime
) -> list[Document]:
    """Write approved payments of one payer and currency as files of one batch, 20 at most.

    Each is a file of its own for the bank, of 5,000 payments at most in the order of their ids.
    """
    if len(payments) > FILE_PAYMENTS_MAX * BATCH_FILES_MAX:
        raise NothingToExportError(f"a batch has {BATCH_FILES_MAX} files at most")
    ordered = sorted(payments, key=lambda payment: payment.payment_id.encode())
    size = FILE_PAYMENTS_MAX
    files = [
        await export(session, ordered[start : start + size], value_on=value_on, who=who, at=at)
        for start in range(0, len(ordered), size)
    ]
    for part, document in enumerate(files, start=1):
        session.add(ExportedFile(number=document.number, batch=files[0].number, part=part))
    await session.flush()
    return files


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
    document = await issue(
        session,
        Heading(
            first.payer,
            FOR_THE_BANK,
            digest(["payments", first.currency, value_on.isoformat(), *ids]),
            at.date(),
            first.period if len({item.period for item in payments}) == 1 else None,
        ),
        lambda number: {
            XML: write_pain001(
                message_id=number,
                created_at=at,
                execution_on=value_on,
                orders=[_order(payment) for payment in payments],
            )
        },
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
    detail = {"payments": str(len(ids)), "currency": first.currency, "value_on": str(value_on)}
    await audit.record(session, who, audit.Act.PAYMENT_EXPORT, document.number, detail)
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
