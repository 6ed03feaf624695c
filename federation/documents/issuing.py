"""Issuing an invoice and taking in what others issued."""

from collections.abc import Callable
from datetime import date
from typing import ClassVar

from federation.documents import store, writers
from federation.documents.messages import DocumentIssued
from federation.documents.service import CSV, SeriesName, issue, keep, new_document
from federation.documents.sheet import Sheet
from federation.documents.tables import Document
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.tables import Licence
from federation.store.canonical import sha256_hex
from federation.store.sessions import WriteSession
from federation.values.month import Month


class DocumentMismatchError(RefusalError):
    """A document came again under its number with other content."""

    code: ClassVar[str] = "DOCUMENT_MISMATCH"


async def issue_sheet(
    session: WriteSession,
    *,
    issuer: str,
    series: SeriesName,
    subject: str,
    issued_on: date,
    write: Callable[[str], Sheet],
    period: Month | None = None,
) -> Document:
    """Issue a document whose JSON and CSV are two forms of one sheet."""
    return await issue(
        session,
        issuer=issuer,
        series=series,
        subject=subject,
        issued_on=issued_on,
        period=period,
        write=lambda number: write(number).as_json(),
        also={CSV: lambda number: write(number).as_csv()},
    )


async def issue_invoice(session: WriteSession, row: Licence) -> Document:
    """Issue the invoice of an accepted licence: the whole fee, due on the first day of its term."""
    facts, issued_on = licensing.facts(row), row.accepted_at.date()
    return await issue_sheet(
        session,
        issuer=row.licensor,
        series="INV",
        subject=row.number,
        issued_on=issued_on,
        write=lambda number: writers.invoice(number, facts, issued_on),
    )


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
    document = new_document(
        message.number,
        issuer,
        message.series,
        message.subject,
        message.period,
        message.issued_on,
        main,
    )
    await keep(session, document, dict(others))
