"""Issuing an invoice or credit note, and taking in what others issued."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import ClassVar

import msgspec

from federation.documents import store, writers
from federation.documents.charged import Charged
from federation.documents.credits import Credited
from federation.documents.messages import DocumentIssued
from federation.documents.service import CSV, JSON, XML, Heading, issue, keep
from federation.documents.sheet import Sheet
from federation.documents.tables import Document
from federation.documents.ubl import Bill, BilledLine, has_form, ubl
from federation.documents.vat import vat_between
from federation.errors import RefusalError
from federation.licensing import store as licences
from federation.licensing.billing import get_details
from federation.licensing.facts import LicenceFacts
from federation.licensing.service import Licensing
from federation.licensing.tables import Licence
from federation.store.canonical import sha256_hex
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.values.event import Event, EventType


class DocumentMismatchError(RefusalError):
    """A document came again under its number with other content."""

    code: ClassVar[str] = "DOCUMENT_MISMATCH"


async def issue_sheet(
    session: WriteSession,
    heading: Heading,
    write: Callable[[str], Sheet],
    bill: Callable[[str], Bill] | None = None,
) -> Document:
    """Issue a document whose JSON and CSV are two forms of one sheet.

    Where there is a `bill` of it, in a currency that it can stand in, it has that form as well.
    """

    def forms(number: str) -> dict[str, bytes]:
        sheet = write(number)
        found = {JSON: sheet.as_json(), CSV: sheet.as_csv()}
        if bill is not None and has_form((due := bill(number)).currency):
            found[XML] = ubl(due)
        return found

    return await issue(session, heading, forms)


async def issue_invoice(session: WriteSession, row: Licence, licensing: Licensing) -> Document:
    """Issue the invoice of an accepted licence: its whole fee, due by the terms of payment.

    Where this server is told who stands on its invoices, the lab must have stated it of itself
    (NO_BILLING_DETAILS), and the rate of VAT must be known (NO_VAT_RATE).
    """
    known = await store.document_of(session, row.licensor, "INV", row.number)
    if known is not None:
        return known
    facts, issued_on = licences.facts(row), row.accepted_at.date()
    charged = await _charged(session, row, licensing, issued_on)
    due_on = facts.starts_on
    if licensing.invoicing is not None:
        due_on = issued_on + timedelta(days=licensing.invoicing.payment_days)
    issued = await issue_sheet(
        session,
        Heading(row.licensor, "INV", row.number, issued_on, due_on=due_on),
        lambda number: writers.invoice(number, facts, issued_on, due_on, charged),
        None
        if charged is None
        else lambda number: _bill(number, facts, issued_on, due_on, charged),
    )
    _say(session, EventType.INVOICE_ISSUED, issued, row)
    return issued


def _say(session: WriteSession, what: EventType, issued: Document, row: Licence) -> None:
    """Say that a document was issued to the lab of a licence."""
    about = {"document": issued.number, "licence": row.number}
    happened(session, Event(what, about, licensee=row.licensee))


async def _charged(
    session: ReadSession, row: Licence, licensing: Licensing, on: date
) -> Charged | None:
    invoicing, account = licensing.invoicing, licensing.paid_to
    if invoicing is None:
        return None
    buyer = await get_details(session, row.licensee)
    vat = vat_between(invoicing.seller, buyer, on, invoicing.vat)
    if account is None:
        return Charged(invoicing.seller, buyer, vat)
    return Charged(invoicing.seller, buyer, vat, account.account, account.bic)


def _bill(
    number: str, facts: LicenceFacts, issued_on: date, due_on: date, charged: Charged
) -> Bill:
    return Bill(
        number=number,
        party=facts.licensor,
        licence=facts.number,
        issued_on=issued_on,
        due_on=due_on,
        term=(facts.starts_on, facts.fee_until),
        currency=facts.currency,
        charged=charged,
        lines=[
            BilledLine(f"Licence {facts.key(item)}: {' '.join(sorted(item.uses))}", item.fee)
            for item in facts.components
        ],
    )


async def issue_credit_note(
    session: WriteSession,
    row: Licence,
    issued_on: date,
    *,
    licensing: Licensing,
    reason: str,
    credited: Credited,
    received: int,
) -> Document:
    """Issue the credit note of a licence that ended early.

    Both sides and the VAT are those of the invoice that it corrects.
    """
    known = await store.document_of(session, row.licensor, "CN", row.number)
    if known is not None:
        return known
    facts = licences.facts(row)
    invoice = await issue_invoice(session, row, licensing)
    charged = Charged.read(msgspec.json.decode(invoice.body))
    issued = await issue_sheet(
        session,
        Heading(row.licensor, "CN", row.number, issued_on),
        lambda number: writers.credit_note(
            number,
            facts,
            issued_on,
            invoice_number=invoice.number,
            reason=reason,
            credited=credited,
            received=received,
            charged=charged,
        ),
        None
        if charged is None
        else lambda number: Bill(
            number=number,
            party=facts.licensor,
            licence=facts.number,
            issued_on=issued_on,
            due_on=None,
            term=(facts.ends_on, facts.fee_until),
            currency=facts.currency,
            charged=charged,
            lines=_credited_lines(credited),
            note=reason,
            corrects=(invoice.number, invoice.issued_on),
        ),
    )
    _say(session, EventType.CREDIT_NOTE_ISSUED, issued, row)
    return issued


def _credited_lines(credited: Credited) -> list[BilledLine]:
    return [
        BilledLine(f"Licence {key}: {month}", amount)
        for key, by_month in sorted(credited.items())
        for month, amount in sorted(by_month.items())
    ]


async def vat_invoiced(session: ReadSession, issuer: str, licence: str) -> int:
    """Return the VAT that the invoice of a licence asks for, in minor units; 0 if there is none."""
    invoice = await store.document_of(session, issuer, "INV", licence)
    row = await licences.find_licence(session, licence)
    if invoice is None or row is None:
        return 0
    charged = Charged.read(msgspec.json.decode(invoice.body))
    fee = sum(item.fee for item in licences.facts(row).components)
    return 0 if charged is None else charged.vat.of(fee)


async def receive_document(session: WriteSession, message: DocumentIssued, issuer: str) -> None:
    """Keep a document another server issued to this one, byte for byte; other bytes are refused."""
    if not message.number.startswith(f"{message.series}-{issuer}-") or not message.forms:
        raise DocumentMismatchError(f"{message.number} is no number of {issuer}")
    main, *others = [(form.media_type, form.body.encode()) for form in message.forms]
    known = await store.find_document(session, message.number)
    if known is not None:
        if known.sha256 != sha256_hex(main[1]):
            raise DocumentMismatchError(message.number)
        return
    heading = Heading(issuer, message.series, message.subject, message.issued_on, message.period)
    await keep(session, message.number, heading, main, dict(others))
